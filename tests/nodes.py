"""Several nodes of one site, each a real process, with real Redis hosts between them."""

from tests.redis_server import RedisServer
from tests.server import Server


class Node(Server):
    """
    One node of several, as production runs it, but on this machine's plain HTTP. All nodes know the same secrets; those that are to share
    a database share their `var_dir` or DATABASE_URL.
    """

    _MODULE = "gruveo.serve"

    def __init__(self, *redis: RedisServer, **given) -> None:
        shared = {
            "LOCAL": 1,
            "REDIS_URL": ",".join(one.url for one in redis),
            "QUARANTINE_SECONDS": 0,
            "DRAIN_SECONDS": 1,
        }
        super().__init__(**{**shared, **given})
