"""Server processes on loopback: started, held to one processor, asked what they cost, and ended."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

_START_SECONDS = 60
_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")
_ALL = sorted(os.sched_getaffinity(0))
SERVERS, CLIENTS = ({_ALL[0]}, set(_ALL[1:])) if len(_ALL) > 1 else (set(_ALL), set(_ALL))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def cpu_of(pid: int) -> float:
    """
    Seconds of processor time, user and system, of all threads of a process, also those that have ended; to the nanosecond, where
    /proc/PID/stat counts in hundredths.

    Source: clock_getcpuclockid(3), whose id for another process is made so in Linux.
    """
    return time.clock_gettime((~pid << 3) | 2)


class Process:
    """
    A process that listens on a port.

    Raises:
        RuntimeError: it does not come to listen; the text holds what it printed.
    """

    def __init__(self, command: list[str], *, port: int, env: dict[str, str], cwd: Path) -> None:
        self.port = port
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [*_dies_with_us(), "taskset", "--cpu-list", ",".join(map(str, SERVERS)), *command],
            cwd=cwd,
            env={name: os.environ[name] for name in _INHERITED if name in os.environ} | env,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._wait()

    @property
    def log(self) -> str:
        """What it has printed, the last part of it."""
        self._log.seek(0)
        return self._log.read()[-4000:]

    def cpu(self) -> float:
        return cpu_of(self._process.pid)

    def waited(self) -> float:
        """
        Seconds in which its threads were ready and had no processor.

        Source: Documentation/scheduler/sched-stats.rst of Linux, /proc/PID/schedstat.
        """
        threads = Path(f"/proc/{self._process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[1]) for thread in threads) / 1e9

    def resident(self) -> int:
        """KiB of memory that is resident."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    def kill(self) -> None:
        """Ends it as a power cut does."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.kill()
        self._log.close()

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                text = f"{' '.join(self._process.args)} does not listen:\n{self.log}"
                self._log.close()
                raise RuntimeError(text)
            time.sleep(0.05)


def redis_server(folder: Path) -> Process:
    """A redis-server of its own, which keeps nothing on disk."""
    port = free_port()
    options = {"port": port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": folder}
    command = ["redis-server", *(str(word) for name, value in options.items() for word in (f"--{name}", value))]
    return Process(command, port=port, env={}, cwd=folder)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _dies_with_us() -> list[str]:
    return ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
