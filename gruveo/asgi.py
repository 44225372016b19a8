"""The application that every server runs: pages over HTTP, signaling over WebSocket."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gruveo.settings")

from channels.db import database_sync_to_async
from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

http = get_asgi_application()  # before our apps are imported: it sets Django up

from gruveo.checks import refuse_to_serve
from gruveo.checkups import Checkups
from gruveo.client_address import ClientAddress
from gruveo.lifespan import lifespan
from gruveo.one_process import only_process
from library import redirects
from signaling.elsewhere import elsewhere
from signaling.routing import sockets

refuse_to_serve()
elsewhere.ask = database_sync_to_async(redirects.words)
_lock = None if settings.REDIS_URLS else only_process(settings.VAR_DIR / "server.lock")
application = ClientAddress(
    ProtocolTypeRouter(
        {
            "http": Checkups(http, host=settings.SITE_ORIGINS[0].netloc),
            "websocket": sockets,
            "lifespan": lifespan,
        }
    ),
    trusted_proxies=settings.TRUSTED_PROXIES,
)
