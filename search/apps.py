"""The search as a Django application: a site that had texts before it had an index gets one with the migration."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SearchConfig(AppConfig):
    name = "search"

    def ready(self) -> None:
        post_migrate.connect(_fill, sender=self)


def _fill(app_config: AppConfig, **_) -> None:
    from search import index  # noqa: PLC0415 - models can be read only now

    if not app_config.get_model("Entry").objects.exists():
        for _count in index.rebuild():
            pass
