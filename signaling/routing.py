"""The address of the signaling socket."""

from signaling import conf, node
from signaling.addresses import Addresses
from signaling.consumers import SignalingConsumer, no_such_socket
from signaling.elsewhere import elsewhere

_PATH = "/signaling"
_limits = conf.limits()
_signaling = SignalingConsumer.as_asgi(
    switchboard=node.switchboard,
    addresses=Addresses(_limits, key=conf.room_key()),
    elsewhere=elsewhere,
    limits=_limits,
    origins=conf.origins(),
)


async def sockets(scope, receive, send) -> None:
    """The ASGI application for WebSockets. There is one address, so no table of patterns is searched for each who joins."""
    await (_signaling if scope["path"] == _PATH else no_such_socket)(scope, receive, send)
