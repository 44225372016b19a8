"""The site as it is on Elastic Beanstalk: an environment for pages and one for sockets, each with its host, over HTTPS."""

import http.client
import secrets
import ssl
import tempfile
from contextlib import ExitStack
from email.message import Message
from pathlib import Path

import boto3
import trustme

from tests.instances import Instance, Nginx, free_ports
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer

WEB, SIGNALING = "gruveo.test", "signal.gruveo.test"
AWS = {"AWS_ACCESS_KEY_ID": "of-the-tests", "AWS_SECRET_ACCESS_KEY": "of-the-tests", "AWS_DEFAULT_REGION": "us-east-1"}

# What Amazon's application load balancer does to a request, done by another nginx.
_BALANCER = """
events {{ worker_connections 1024; }}
error_log {folder}/log/error.log;
pid {folder}/pid;
http {{
    access_log off;
    {temps}
    ssl_certificate {folder}/chain.pem;
    ssl_certificate_key {folder}/key.pem;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Port $server_port;
    {servers}
}}
"""
_SERVER = (
    "server {{ listen 127.0.0.1:{port} ssl; server_name {host}; location / {{ proxy_pass http://127.0.0.1:{to}; }} }}"
)


class Environments:
    """
    Both environments of these bundles, as a context manager, with PostgreSQL, a Redis that keeps what it is told, and a load balancer with
    certificates in front. `aws` is where Amazon's interfaces are spoken. `runs` names, by role, which processes of the Procfile are
    started; `env` is added to their variables.
    """

    def __init__(
        self, bundles: dict[str, Path], *, aws: str, runs: dict[str, tuple[str, ...]] | None = None, **env
    ) -> None:
        self._bundles = bundles
        self._aws = aws
        self._runs = runs or {}
        self._env = env

    def __enter__(self) -> "Environments":
        with ExitStack() as stack:
            self.redis = stack.enter_context(RedisServer(keeps=True))
            self.postgres = stack.enter_context(PostgresServer())
            (self.port,) = free_ports(1)
            env = self._variables()
            self.web = Instance(self._bundles["web"], runs=self._runs.get("web"), **env)
            self.signaling = Instance(self._bundles["signaling"], runs=self._runs.get("signaling"), **env)
            for instance in (self.web, self.signaling):
                stack.push(instance)
            for command in self.web.container_commands.values():
                done = self.web.run(command)
                assert done.returncode == 0, done.stdout + done.stderr
            for instance in (self.web, self.signaling):
                instance.begin()
            for instance in (self.web, self.signaling):
                instance.__enter__()
            stack.enter_context(self._balancer())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()
        self._folder.cleanup()

    @property
    def url(self) -> str:
        return f"https://{WEB}:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"wss://{SIGNALING}:{self.port}/signaling"

    def get(self, host: str, path: str, **headers: str) -> tuple[int, str, Message]:
        """Status, text and headers, through the balancer and nginx."""
        there = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.ssl, timeout=30)
        try:
            there.request("GET", path, headers={"Host": f"{host}:{self.port}", **headers})
            answer = there.getresponse()
            return answer.status, answer.read().decode(errors="replace"), answer.headers
        finally:
            there.close()

    def amazon(self, service: str):
        """A resource of boto3, or a client where there is none."""
        key, secret, region = AWS.values()
        session = boto3.Session(key, secret, region_name=region)
        make = session.resource if service in session.get_available_resources() else session.client
        return make(service, endpoint_url=self._aws)

    def _variables(self) -> dict[str, str]:
        """What environment.yaml sets: addresses and secrets."""
        random = ("SECRET_KEY", "ROOM_KEY", "SIGNALING_KEYS", "METRICS_TOKEN")
        return {
            **{name: secrets.token_urlsafe(48) for name in random},
            "DATABASE_URL": self.postgres.make_database(),
            "REDIS_URL": self.redis.url,
            "SITE_ORIGINS": self.url,
            "SIGNALING_URL": self.socket_url,
            **self._bucket(),
            "QUARANTINE_SECONDS": "0",
            "DRAIN_SECONDS": "8",
            **self._env,
        }

    def _bucket(self) -> dict[str, str]:
        """One of this site's own, where Amazon's interfaces are spoken."""
        name = f"gruveo-tests-{secrets.token_hex(6)}"
        self.bucket = self.amazon("s3").Bucket(name)
        self.bucket.create()
        return {**AWS, "AWS_STORAGE_BUCKET_NAME": name, "AWS_S3_ENDPOINT_URL": self._aws}

    def _balancer(self) -> Nginx:
        self._folder = tempfile.TemporaryDirectory(prefix="gruveo-balancer-")
        folder = Path(self._folder.name)
        folder.chmod(0o755)
        (folder / "log").mkdir()
        authority = trustme.CA()
        issued = authority.issue_cert(WEB, SIGNALING, "127.0.0.1")
        issued.private_key_pem.write_to_path(folder / "key.pem")
        for pem in issued.cert_chain_pems:
            pem.write_to_path(folder / "chain.pem", append=True)
        self.ssl = ssl.create_default_context()
        authority.configure_trust(self.ssl)
        servers = ((WEB, self.web.port), (SIGNALING, self.signaling.port))
        (folder / "nginx.conf").write_text(
            _BALANCER.format(
                folder=folder,
                temps=Nginx.temps(folder),
                servers="\n    ".join(_SERVER.format(port=self.port, host=host, to=to) for host, to in servers),
            )
        )
        return Nginx(folder, self.port)
