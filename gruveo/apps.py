from django.apps import AppConfig
from django.core.checks import register

from gruveo import checks


class GruveoConfig(AppConfig):
    name = "gruveo"

    def ready(self) -> None:
        register(checks.redis)
        register(checks.production)
        register(checks.signaling_url)
        register(checks.turn_discovery)
