"""The application that every server runs: pages over HTTP, signaling over WebSocket."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gruveo.settings")

import django
from channels.db import database_sync_to_async
from channels.routing import ProtocolTypeRouter
from django.conf import settings

django.setup(set_prefix=False)  # before our apps are imported

from gruveo.checks import refuse_to_serve
from gruveo.checkups import Checkups
from gruveo.client_address import ClientAddress
from gruveo.handler import OneThreadHandler
from gruveo.lifespan import lifespan
from gruveo.metrics import Metrics
from gruveo.one_process import only_process
from library import redirects
from signaling.elsewhere import elsewhere
from signaling.routing import sockets

refuse_to_serve()
elsewhere.ask = database_sync_to_async(redirects.words)
_lock = None if settings.REDIS_URLS else only_process(settings.VAR_DIR / "server.lock")
_http = Metrics(
    Checkups(OneThreadHandler(), host=settings.SITE_ORIGINS[0].netloc),
    token=settings.METRICS_TOKEN,
    networks=settings.METRICS_NETWORKS,
    trusted_proxies=settings.TRUSTED_PROXIES,
)
application = ClientAddress(
    ProtocolTypeRouter({"http": _http, "websocket": sockets, "lifespan": lifespan}),
    trusted_proxies=settings.TRUSTED_PROXIES,
)
