"""What all tests share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path, PurePath
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import connection
from django_otp import DEVICE_ID_SESSION_KEY
from pytest_django.plugin import blocking_manager_key
from xdist.scheduler import LoadScopeScheduling

from deploy import bundle
from tests.committed import Repository
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer
from tests.server import Server
from tests.shared import once

_CHROMIUM = {"browser", "nat"}  # folders whose tests drive browsers that stream video

_SERVERS = {
    "redis",
    "redis_socket",
    "postgres",
    "database",
    "aws_api",
    "repository",
    "server",
    "make_server",
}  # fixtures


def _group(nodeid: str) -> str:
    """Which tests stay together in one process, where several run them."""
    file = nodeid.partition("::")[0]
    return "chromium" if PurePath(file).parts[1] in _CHROMIUM else file


class _Scheduling(LoadScopeScheduling):
    """
    Each file stays whole in one process, for the sake of its servers; and all calls between browsers stay in one: two at once are as
    many as a small machine can bear.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log) -> _Scheduling:
    return _Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What drives browsers begins first: it takes the longest. What starts no servers is quick, and fills the gaps at the end."""
    for item in items:
        if _SERVERS & set(item.fixturenames):
            item.add_marker("server")
    items.sort(key=lambda item: (_group(item.nodeid) != "chromium", item.get_closest_marker("server") is None))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that skips itself because something is missing has shown nothing: it fails."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which counts as failed here: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item):
    """A test that commits leaves its process with empty tables: without the group, too, that migrations once made."""
    result = yield
    marker = item.get_closest_marker("django_db")
    if marker and marker.kwargs.get("transaction"):
        with item.config.stash[blocking_manager_key].unblock():
            for migration in ("0001_editors", "0002_messages"):
                for operation in import_module(f"accounts.migrations.{migration}").Migration.operations:
                    operation.code(apps, SimpleNamespace(connection=connection))
    return result


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """What one test has put there must not be the next one's."""
    cache.clear()


@pytest.fixture(autouse=True)
def no_kept_pages(settings) -> None:
    """What a test changes is seldom committed, so nothing would hear of it."""
    settings.PAGES_KEPT_SECONDS = 0


@pytest.fixture(autouse=True)
def quick_passwords(settings) -> None:
    """To make one takes a third of a second, on purpose; the tests are not the attackers whom that is for."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def redis_socket() -> Iterator[str]:
    """The path of the socket on which a real Redis listens, and on nothing else; it keeps nothing on disk."""
    with RedisServer() as running:
        yield running.path


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL; each test makes a database of its own, and leaves the server running."""
    with PostgresServer() as running:
        yield running


@pytest.fixture(scope="session")
def repository() -> Repository:
    """What is here, as one commit in a repository of its own; for tests that leave it as it is."""
    return Repository(once("committed", Repository.make))


@pytest.fixture(scope="session")
def bundles(repository) -> dict[str, Path]:
    """What Elastic Beanstalk is given, by role."""

    def built(role: str) -> Path:
        folder = once(f"bundle-{role}", lambda folder: bundle.make(role, root=repository.folder, folder=folder))
        (file,) = folder.glob("*.zip")
        return file

    return {role: built(role) for role in bundle.ROLES}


@pytest.fixture(scope="session")
def aws_api() -> Iterator[str]:
    """The address of moto's server, which speaks Amazon's interfaces."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - reading it takes a second, and few tests need it

    api = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    api.start()
    yield "http://{}:{}".format(*api.get_host_and_port())
    api.stop()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One server for all tests that do not change its settings; each test uses codes of its own."""
    with Server(JOINS_PER_MINUTE=6000) as running:
        yield running


@pytest.fixture(scope="session")
def hasty_server() -> Iterator[Server]:
    """One with little patience, for tests of what happens when somebody says nothing or does not come back."""
    with Server(JOINS_PER_MINUTE=6000, SILENCE_SECONDS=3, PLACE_SECONDS=1) as running:
        yield running


@pytest.fixture
def sign_in(client) -> Callable:
    """Signs somebody in at the test client, with both factors."""

    def sign_in(user):
        device, _ = apps.get_model("otp_totp", "TOTPDevice").objects.get_or_create(
            user=user, name="app", confirmed=True
        )
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        session = client.session
        session[DEVICE_ID_SESSION_KEY] = device.persistent_id
        session.save()
        return client

    return sign_in


@pytest.fixture
def admin_client(sign_in, admin_user):
    """An administrator, signed in with both factors."""
    return sign_in(admin_user)


@pytest.fixture
def make_server() -> Iterator[Callable[..., Server]]:
    """Starts servers with other settings: `make_server(ROOM_CAPACITY=2)`; all end with the test."""
    with ExitStack() as stack:
        yield lambda **env: stack.enter_context(Server(**env))
