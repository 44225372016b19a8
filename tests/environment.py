"""
A pytest plugin, loaded with `-p tests.environment`: what must stand in the environment before Django reads its settings.

The tests must not depend on, nor touch, the site of whoever runs them.
"""

import atexit
import os
import shutil
import signal
import tempfile
from pathlib import Path

from tests import shared

_OURS = (
    "ANDROID_APPS APPLE_APP_IDS AWS_S3_ENDPOINT_URL AWS_S3_REGION_NAME AWS_STORAGE_BUCKET_NAME DATABASE_URL EMAIL_URL LOCAL LOG_FORMAT "
    "MEDIA_ORIGIN METRICS_NETWORKS METRICS_TOKEN MIN_CLIENT_VERSIONS REDIS_URL ROOM_KEY SECRET_KEY "
    "SECURITY_CONTACT SENTRY_DSN SIGNALING_KEYS SIGNALING_URL SITE_ORIGINS TRUSTED_PROXIES "
    "TURN_DEFAULT_REGION TURN_DISCOVERY TURN_EC2_REGIONS TURN_EC2_TAG TURN_KEY_REQUESTS_PER_MINUTE TURN_REGION_HEADER "
    "TURN_REQUESTS_PER_MINUTE TURN_SECRETS TURN_SERVERS TURN_TTL"
).split()

shared.folder()  # before other processes are started
_var_dir = tempfile.mkdtemp(prefix="gruveo-tests-")
atexit.register(shutil.rmtree, _var_dir, ignore_errors=True)
Path(_var_dir, "static").mkdir()  # WhiteNoise looks there, and warns when there is none
for _name in _OURS:
    os.environ.pop(_name, None)
os.environ.update(DEBUG="1", VAR_DIR=_var_dir)
if "TEST_DATABASE_URL" in os.environ:  # another one than SQLite
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]

# Whoever starts us in the background may have had us ignore Ctrl-C; the servers that we start must not inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    from django.db import connection  # noqa: PLC0415 - the settings must be read after what stands above

    return f"database: {connection.vendor}"
