from django.apps import AppConfig
from django.core.checks import register

from turnauth import checks


class TurnauthConfig(AppConfig):
    name = "turnauth"
    verbose_name = "TURN"

    def ready(self) -> None:
        register(checks.turn)
