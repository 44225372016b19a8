from django.apps import AppConfig
from django.conf import settings
from django.core.checks import register

from gruveo import checks, sentry


class GruveoConfig(AppConfig):
    name = "gruveo"

    def ready(self) -> None:
        if settings.SENTRY_DSN:
            sentry.start(settings.SENTRY_DSN, environment="production" if settings.PRODUCTION else "local")
        register(checks.redis)
        register(checks.production)
        register(checks.signaling_url)
        register(checks.turn_discovery)
        register(checks.keys)
        register(checks.metrics)
        register(checks.redis_hosts, deploy=True)
