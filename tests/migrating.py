"""Tables as they were before a migration, and after it."""

from django.apps.registry import Apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def migrate(*targets: tuple[str, str | None]) -> Apps:
    """To these migrations, there or back; answers the models as they are then. None takes back all of an app's."""
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets))
    return executor.loader.project_state([target for target in targets if target[1]]).apps


def migrate_all() -> None:
    migrate(*MigrationExecutor(connection).loader.graph.leaf_nodes())
