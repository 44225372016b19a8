"""A whole site on this machine: Redis hosts, nodes, and a load balancer in front of them."""

import asyncio
import random
import re
from contextlib import ExitStack
from urllib.error import HTTPError

from signaling.codes import read, room_id
from signaling.shards import host_of
from tests.balancer import Balancer
from tests.nodes import Node
from tests.redis_server import RedisServer
from tests.server import prepared_var_dir

# Not what must be said: Django names each 503, and a node says why it does not serve.
_OUR_FAULT = re.compile(r" (ERROR|CRITICAL) (?!django.request: Service Unavailable|signaling.accord)")
ROOM_KEY = "a key of rooms that is known to the tests"
_MANY = {
    "ROOM_KEY": ROOM_KEY,
    "JOINS_PER_MINUTE": 600_000,
    "SOCKETS_PER_ADDRESS": 10_000,
}  # all of us come from one address


class Site:
    """
    So many nodes and Redis hosts, as an async context manager; `door` is where clients come in. Keyword arguments are the nodes'
    environment. All ends with it, and nothing that the nodes have printed may be an error of ours.
    """

    def __init__(self, chance: random.Random, *, nodes: int, hosts: int = 1, **env) -> None:
        self.nodes: list[Node] = []  # those that have not been killed or stopped
        self.hosts = [RedisServer() for _ in range(hosts)]
        self.door = Balancer(chance)
        self._first = nodes
        self._env = {**_MANY, **env}
        self._stack = ExitStack()
        self._all: list[Node] = []

    async def __aenter__(self) -> "Site":
        try:
            for host in self.hosts:
                self._stack.enter_context(host)
            await self.door.__aenter__()
            prepared_var_dir()  # one for all nodes, which start side by side and must have the same secrets
            await asyncio.gather(*(self.start_node() for _ in range(self._first)))
        except BaseException:
            self._stack.close()
            raise
        return self

    async def __aexit__(self, kind, *_) -> None:
        await self.door.__aexit__()
        self._stack.close()
        for node in self._all:
            if kind:
                print(f"--- node at {node.port}\n{node.log}")
            else:
                assert not _OUR_FAULT.search(node.log), node.log

    @property
    def ws_url(self) -> str:
        return self.door.ws_url

    async def start_node(self, *hosts: RedisServer, **env) -> Node:
        """One more, behind the door too once it listens."""
        node = Node(*(hosts or self.hosts), **{**self._env, **env})
        await asyncio.to_thread(self._stack.enter_context, node)
        self._all.append(node)
        self.nodes.append(node)
        self.door.nodes.append(node)
        return node

    def host_of(self, code: str) -> int:
        """The number of the Redis host that holds this room."""
        return host_of(room_id(read(code), key=ROOM_KEY), len(self.hosts))

    def close_door(self, node: Node) -> None:
        """No new socket reaches this node through the door."""
        if node in self.door.nodes:
            self.door.nodes.remove(node)

    async def stop(self, node: Node) -> None:
        """As a deployment does: no new sockets, then SIGTERM; it must end well."""
        self.close_door(node)
        self.nodes.remove(node)
        await asyncio.to_thread(node.stop)

    def kill(self, node: Node) -> None:
        """As a power cut does."""
        self.close_door(node)
        self.nodes.remove(node)
        node.kill()


async def answer(node: Node, path: str) -> tuple[int, str]:
    """Status and text of a node's page, also of one that says that something is wrong."""

    def get() -> tuple[int, str]:
        try:
            with node.get(path) as response:
                return response.status, response.read().decode().strip()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode().strip()

    return await asyncio.to_thread(get)


async def says(node: Node, path: str, *expected) -> None:
    """Asks until the node answers so; hangs for a minute at most."""
    async with asyncio.timeout(60):
        while await answer(node, path) != expected:  # noqa: ASYNC110 - only asking tells
            await asyncio.sleep(0.1)
