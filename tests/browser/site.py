"""One site of several nodes, with a load balancer in front that leads where the test says."""

import asyncio
import random
import threading
from contextlib import ExitStack

from tests.balancer import Balancer
from tests.nodes import Node
from tests.redis_server import RedisServer
from tests.server import START_SECONDS


class Site:
    """A context manager. Pages and sockets come by `url`, which is the balancer's. One node, `lasting`, is there from the beginning."""

    def __enter__(self) -> "Site":
        with ExitStack() as stack:
            self._balancer = stack.enter_context(_Thread())
            self.redis = stack.enter_context(RedisServer())
            self.lasting = stack.enter_context(self.node())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._balancer.port}"

    def node(self) -> Node:
        """One more node, to be started."""
        return Node(self.redis, SITE_ORIGINS=self.url, DRAIN_SECONDS=8)

    def lead_to(self, *nodes: Node) -> None:
        """Where new TCP sockets go from now on; nowhere without any."""
        self._balancer.lead_to(*nodes)


class _Thread:
    """A balancer in a thread with a loop of its own: Playwright's loop runs in the main one."""

    def __enter__(self) -> "_Thread":
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="balancer", daemon=True)
        self._thread.start()
        self._balancer = Balancer(random.Random(1))
        self._run(self._balancer.__aenter__())
        return self

    def __exit__(self, *_) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_SECONDS)
        self._loop.close()

    @property
    def port(self) -> int:
        return self._balancer.port

    def lead_to(self, *nodes: Node) -> None:
        self._run(self._lead_to(nodes))

    async def _lead_to(self, nodes) -> None:
        self._balancer.nodes = list(nodes)

    async def _end(self) -> None:
        await self._balancer.__aexit__(None, None, None)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _run(self, work) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(START_SECONDS)
