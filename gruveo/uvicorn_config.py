"""How uvicorn is told to serve: alike for `make run` and for production."""

import uvicorn
from django.conf import settings

from signaling.limits import Limits

# The HTTP class hands a socket over to the WebSocket class; or is the same, which hands over what asks for no WebSocket.
_PROTOCOLS = {
    "fast": dict.fromkeys(("http", "ws"), "gruveo.fast_websocket:FastWebSocketProtocol"),
    "sansio": {"http": "gruveo.http:HttpProtocol", "ws": "gruveo.websocket:WebSocketProtocol"},
}


def config(**where) -> uvicorn.Config:
    """`where` names address and certificate, as uvicorn does."""
    return uvicorn.Config(
        "gruveo.asgi:application",
        **_PROTOCOLS[settings.SIGNALING_WEBSOCKET],
        interface="asgi3",
        ws_max_size=Limits().message_bytes,
        ws_per_message_deflate=False,  # an idle socket: 22 KiB without it, 64 KiB with it
        ws_ping_interval=None,  # the protocol's own pings serve
        proxy_headers=False,  # gruveo.client_address reads them
        access_log=False,  # would name the codes
        log_config=None,
        server_header=False,
        timeout_keep_alive=75,  # longer than nginx keeps its connections to us, so that it never finds a closed one
        timeout_graceful_shutdown=3,
        **where,
    )
