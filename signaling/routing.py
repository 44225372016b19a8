"""The address of the signaling socket."""

from django.urls import path, re_path

from signaling import conf, node
from signaling.addresses import Addresses
from signaling.consumers import SignalingConsumer, no_such_socket

_limits = conf.limits()

websocket_urlpatterns = [
    path(
        "signaling",
        SignalingConsumer.as_asgi(
            switchboard=node.switchboard,
            addresses=Addresses(_limits, key=conf.room_key()),
            limits=_limits,
            origins=conf.origins(),
        ),
    ),
    re_path("", no_such_socket),
]
