"""What begins and ends with the server process: this node's heartbeats, and its links to the other nodes."""

import asyncio
import gc
import logging

from signaling.node import switchboard

logger = logging.getLogger(__name__)

_READY = 5.0  # seconds; a Redis that is away must not keep the pages from being served


async def lifespan(scope, receive, send) -> None:
    """
    The server takes its first socket once something that this node sent to itself has come back.

    Source: the ASGI lifespan protocol, version 2.0.
    """
    while True:
        event = await receive()
        if event["type"] == "lifespan.startup":
            scope["state"]["switchboard"] = switchboard
            _spare_the_collector()
            _spare_the_logs()
            switchboard.start()
            await _become_ready()
            await send({"type": "lifespan.startup.complete"})
        else:
            await switchboard.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _spare_the_collector() -> None:
    """
    What was made until now, modules above all, stays for good and need not be looked through again and again; and what messages make is
    no garbage with cycles, so it is looked for less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _spare_the_logs() -> None:
    """
    What our lines of the log do not show need not be found out for each: the place in the code, the process and the thread.

    Source: Python's documentation of logging, "Optimization".
    """
    logging._srcfile = None
    logging.logProcesses = logging.logThreads = logging.logMultiprocessing = False


async def _become_ready() -> None:
    try:
        async with asyncio.timeout(_READY):
            while not switchboard.is_whole:  # noqa: ASYNC110 - it depends on several hosts, and only the start waits for it
                await asyncio.sleep(0.05)
    except TimeoutError:
        logger.warning("this node starts without all of its Redis; it takes the calls of a host once that answers")
