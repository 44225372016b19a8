"""Databases with our tables, for processes of their own."""

import json
import subprocess
import sys
from pathlib import Path

from msgspec.structs import asdict

from signaling.rooms import EndedCall
from tests.server import BASE_DIR, child_env

_KEYS = {
    "ROOM_KEY": "the-room-key-of-the-tests-0123456789",
    "SECRET_KEY": "the-secret-key-of-the-tests-01234567",
    "SIGNALING_KEYS": "the-signaling-key-of-the-tests-01234",
}
_RECORD = """
import json, os
from signaling.models import Call
from signaling.rooms import EndedCall
Call.objects.record([EndedCall(**call) for call in json.loads(os.environ["CALLS"])])
"""
_ROWS = """
import json
from signaling.models import Call
print(json.dumps([
    [call.call_id, call.room, call.started.timestamp(), call.ended.timestamp(), call.largest, call.connected, call.relayed]
    for call in Call.objects.order_by("started")
]))
"""


class Database:
    """One at a DATABASE_URL; commands and recorders run on it."""

    def __init__(self, url: str, var_dir: Path) -> None:
        self._env = child_env(var_dir, LOCAL="1", DJANGO_SETTINGS_MODULE="gruveo.settings", DATABASE_URL=url, **_KEYS)
        self.manage("migrate", "--verbosity=0")

    def manage(self, *arguments: str, **env: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR,
            env={**self._env, **env},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def record(self, calls: list[EndedCall]) -> None:
        self.manage("shell", "--no-imports", "-c", _RECORD, CALLS=json.dumps([asdict(call) for call in calls]))

    def rows(self) -> list[list]:
        """What is recorded, the oldest first: id, room, start, end, most people, connected, relayed."""
        return json.loads(self.manage("shell", "--no-imports", "-c", _ROWS))

    def start_recorder(self, redis_socket: str) -> subprocess.Popen:
        """See tests.signaling.recorder; it waits for a line."""
        recorder = subprocess.Popen(
            [sys.executable, "-m", "tests.signaling.recorder", redis_socket],
            cwd=BASE_DIR,
            env=self._env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert recorder.stdout.readline() == "ready\n"
        return recorder
