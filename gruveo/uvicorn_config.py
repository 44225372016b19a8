"""How uvicorn is told to serve: alike for `make run` and for production."""

import uvicorn


def config(**where) -> uvicorn.Config:
    """`where` names address and certificate, as uvicorn does."""
    return uvicorn.Config(
        "gruveo.asgi:application",
        interface="asgi3",
        ws="gruveo.websocket:WebSocketProtocol",
        ws_max_size=65536,
        ws_per_message_deflate=False,  # an idle socket: 22 KiB without it, 64 KiB with it
        ws_ping_interval=None,  # the protocol's own pings serve
        proxy_headers=False,  # gruveo.client_address reads them
        access_log=False,  # would name the codes
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=3,
        **where,
    )
