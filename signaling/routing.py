"""The address of the signaling socket, and the one switchboard of this process."""

from django.urls import path, re_path

from signaling import conf
from signaling.addresses import Addresses
from signaling.consumers import SignalingConsumer, no_such_socket
from signaling.rooms.memory import MemoryRooms
from signaling.switchboard import Switchboard

_limits = conf.limits()
switchboard = Switchboard(MemoryRooms(remember=_limits.token, reload=_limits.place))

websocket_urlpatterns = [
    path(
        "signaling",
        SignalingConsumer.as_asgi(
            switchboard=switchboard, addresses=Addresses(_limits), limits=_limits, origins=conf.origins()
        ),
    ),
    re_path("", no_such_socket),
]
