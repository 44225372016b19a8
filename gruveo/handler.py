"""How Django is asked for a page."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse

_IDLE = 8  # threads that are kept when nobody asks for anything
_AT_ONCE = 32  # views; more would take the processor from each other, and some would wait for ever
# Wait for no place: where a database hangs all views do, and a balancer must not take that for a process that is dead, nor the machine
# stop telling how many it serves.
_ALWAYS = {"/healthz", "/healthz/sessions"}


class OneThreadHandler(ASGIHandler):
    """
    For a site whose views all wait for a database: each request goes through all middleware and its view in one thread. Django's own
    goes from the thread back into the loop and into the thread again, for the sake of views that are coroutines; ours are none. And it
    makes a thread for each request; here threads are used again, and with them what belongs to a thread, such as an open SQLite file.
    """

    def __init__(self) -> None:
        super().__init__()
        self._idle: list[ThreadPoolExecutor] = []
        self._places = asyncio.Semaphore(_AT_ONCE)  # first come, first served

    async def __call__(self, scope: dict, receive, send) -> None:
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, thread_name_prefix="request")
        try:
            async with ThreadSensitiveContext(executor=thread):
                await super().__call__(scope, receive, send)
        finally:
            if len(self._idle) < _IDLE:
                self._idle.append(thread)
            else:
                thread.shutdown(wait=False)

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponse:
        answer = sync_to_async(self.get_response, thread_sensitive=True)
        if request.path in _ALWAYS:
            return await answer(request)
        # Its body is here by now, so nobody holds a place by sending slowly.
        async with self._places:
            return await answer(request)
