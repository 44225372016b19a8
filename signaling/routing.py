"""The address of the signaling socket."""

from signaling import conf, node
from signaling.addresses import Addresses
from signaling.consumers import SignalingConsumer, no_such_socket, not_at_this_node
from signaling.elsewhere import elsewhere
from signaling.pace import ALONE, AMONG_OTHERS, Pace
from turnauth import ice

_PATH = "/signaling"
# Set by a proxy that asks another node when this one answers 503. Who sets it without being one gets that answer, and nothing more.
_OTHER_NODES = b"x-other-nodes"
_limits = conf.limits()
_signaling = SignalingConsumer.as_asgi(
    switchboard=node.switchboard,
    addresses=Addresses(_limits, key=conf.room_key()),
    elsewhere=elsewhere,
    limits=_limits,
    pace=Pace(AMONG_OTHERS if node.switchboard.is_shared else ALONE),
    origins=conf.origins(),
    region_header=ice.region_header(),
)


async def sockets(scope, receive, send) -> None:
    """The ASGI application for WebSockets. There is one address, so no table of patterns is searched for each who joins."""
    await (_judge(scope) if scope["path"] == _PATH else no_such_socket)(scope, receive, send)


def _judge(scope):
    is_leaving = node.switchboard.is_draining and any(name == _OTHER_NODES for name, _ in scope["headers"])
    return not_at_this_node if is_leaving else _signaling
