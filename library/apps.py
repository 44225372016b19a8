"""The library as a Django application."""

from django.apps import AppConfig, apps


class LibraryConfig(AppConfig):
    name = "library"
    verbose_name = "Library"

    def ready(self) -> None:
        from library import freshness  # noqa: PLC0415 - models can be read only now

        freshness.watch(apps.get_model("library", "Picture"))
