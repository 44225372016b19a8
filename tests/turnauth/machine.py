"""What a machine of EC2 finds around it: its metadata (IMDSv2), and the API of its auto scaling group."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

_TOKEN = "a-token-of-the-tests"
_API = "http://autoscaling.amazonaws.com/doc/2011-01-01/"
_STANDING = (
    '<DescribeAutoScalingInstancesResponse xmlns="{api}"><DescribeAutoScalingInstancesResult><AutoScalingInstances><member>'
    "<InstanceId>{machine}</InstanceId><AutoScalingGroupName>{group}</AutoScalingGroupName>"
    "<LifecycleState>{state}</LifecycleState><AvailabilityZone>eu-west-1a</AvailabilityZone><HealthStatus>HEALTHY</HealthStatus>"
    "<ProtectedFromScaleIn>false</ProtectedFromScaleIn></member></AutoScalingInstances></DescribeAutoScalingInstancesResult>"
    "</DescribeAutoScalingInstancesResponse>"
)
_DONE = (
    b'<CompleteLifecycleActionResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">'
    b"<CompleteLifecycleActionResult/></CompleteLifecycleActionResponse>"
)


class Surroundings:
    """A server on loopback, as a context manager; `facts` are the metadata, by path, `state` is how its group sees the machine."""

    def __init__(self, **facts: str) -> None:
        self.facts = {"public-ipv4": "127.0.0.1", "local-ipv4": "127.0.0.1", **facts}
        self.completed: list[dict[str, str]] = []  # lifecycle actions
        self.asked: list[str] = []
        self.group, self.state = "a-group", "InService"

    def __enter__(self) -> "Surroundings":
        surroundings = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self._answer(200 if self.headers["X-aws-ec2-metadata-token-ttl-seconds"] else 400, _TOKEN.encode())

            def do_GET(self) -> None:
                name = self.path.removeprefix("/latest/meta-data/")
                surroundings.asked.append(name)
                if self.headers["X-aws-ec2-metadata-token"] != _TOKEN:
                    self._answer(401)
                elif name in surroundings.facts:
                    self._answer(200, surroundings.facts[name].encode())
                else:
                    self._answer(404)

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                if form["Action"] == ["DescribeAutoScalingInstances"]:
                    self._answer(200, surroundings._standing().encode())
                    return
                surroundings.completed.append({name: values[0] for name, values in form.items()})
                self._answer(200, _DONE)

            def _answer(self, status: int, body: bytes = b"") -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _standing(self) -> str:
        return _STANDING.format(api=_API, machine=self.facts.get("instance-id"), group=self.group, state=self.state)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"
