"""Keeps the list of relays that are handed out."""

import argparse
import asyncio
import functools
import json
import math
import secrets
import signal
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError
from django.core.management.base import BaseCommand, CommandError

from turnauth import conf, discovery, fleet, health, probe
from turnauth.servers import uris
from turnauth.targets import parse

_AT_ONCE = 20
_LEAST_SECONDS = 120  # how long a list counts: three rounds may be missed
_ROUND_SECONDS = 10  # that a round may take before another one thinks that nobody leads


class Answer(NamedTuple):
    """`ms` is how long the allocation took; `why` is empty when there is one."""

    ms: int
    why: str = ""


class Command(BaseCommand):
    help = (
        "Finds the relays (TURN_SERVERS, or EC2 with TURN_DISCOVERY=ec2), tries each with a real allocation, and keeps the list of "
        "those that may be handed out, in the cache that all servers share (REDIS_URL). One that fails twice in a row is dropped, and "
        "taken back when it answers. Runs until it is stopped. Of several one does it, and another takes over when that ends; without "
        "any relay it only waits."
    )
    requires_system_checks = []

    def add_arguments(self, parser) -> None:
        parser.add_argument("--every", type=_seconds, default=30, help="seconds from one round to the next (30)")
        parser.add_argument(
            "--once", action="store_true", help="one round only; exit code 1 if a relay does not answer"
        )
        parser.add_argument("--timeout", type=_seconds, default=5, help="seconds that a relay has to answer (5)")
        parser.add_argument("--json", action="store_true", help="for machines: one line of JSON a round")

    def handle(self, *args, every: float, once: bool, timeout: float, **options) -> None:
        if not once and not conf.relays() and conf.discovery() == "static":
            self._wait()
            return
        self._check_settings()
        look = functools.partial(
            self._round, probe.Access(conf.secrets()[0], timeout), max(_LEAST_SECONDS, 4 * every), options["json"]
        )
        if not once:
            self._stay(look, every)
        elif failed := self._safely(look):
            raise CommandError(f"No allocation at {', '.join(failed)}.", returncode=1)

    def _wait(self) -> None:
        """A supervisor would start again and again what ends, so it stays."""
        with _stoppable() as stopped:
            self._say(
                "There are no relays: neither TURN_SERVERS nor TURN_DISCOVERY is set. Nothing is done until they are."
            )
            stopped.wait()

    def _stay(self, look: Callable[[], list[str]], every: float) -> None:
        """One round after the other, for as long as no other machine makes them."""
        who, leads = secrets.token_hex(8), True

        def turn() -> list[str]:
            nonlocal leads
            led, leads = leads, fleet.lead(who, seconds=math.ceil(2 * every) + _ROUND_SECONDS)
            if led and not leads:
                self._say("Another one looks after the relays.")
            return look() if leads else []

        with _stoppable() as stopped:
            while True:
                self._safely(turn)
                if stopped.wait(every):
                    break
        with suppress(*fleet.CACHE_AWAY):
            fleet.follow(who)

    def _say(self, text: str) -> None:
        """To people; what is on stdout may be for machines."""
        self.stderr.write(text)
        self.stderr.flush()

    def _check_settings(self) -> None:
        if not conf.cache_is_shared():
            raise CommandError(
                "turn_fleet keeps its list in the cache of all servers, and without REDIS_URL each has its own."
            )
        if not conf.secrets():
            raise CommandError("TURN_SECRETS is not set: no relay can be tried.")

    def _safely(self, look: Callable[[], list[str]]) -> list[str]:
        """A cache that is away is said; the next round tries again."""
        try:
            return look()
        except fleet.CACHE_AWAY as error:
            self.stderr.write(f"The cache is away, so the servers go by their settings: {error}")
            return []

    def _round(self, access: probe.Access, seconds: float, as_json: bool) -> list[str]:
        """The relays that did not answer. An API that is away is said, and the next round tries again."""
        try:
            found, now = discovery.find(), fleet.read()
        except (BotoCoreError, ClientError) as error:
            self.stderr.write(f"EC2 could not be asked, so the list stays as it is: {error}")
            return []
        serving = health.without(found, now.drained)
        answers = asyncio.run(_ask_all(health.names(serving), access))
        judged = health.judge(now.health, {name: not answer.why for name, answer in answers.items()})
        listed = health.without(serving, judged.health.out)
        fleet.store(listed, judged.health, seconds=seconds)
        report = _report(found, now.drained, listed, answers, judged)
        self.stdout.write(json.dumps(report) if as_json else _lines(report))
        self.stdout.flush()
        return [name for name, answer in answers.items() if answer.why]


async def _ask_all(names: list[str], access: probe.Access) -> dict[str, Answer]:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(name: str) -> Answer:
        async with gate:
            return await _ask(name, access)

    return dict(zip(names, await asyncio.gather(*map(ask, names)), strict=True))


async def _ask(name: str, access: probe.Access) -> Answer:
    """Over the way that most calls take: the first of its URIs, which is UDP unless the settings name another."""
    began = time.monotonic()
    try:
        admitted = await probe.admits(parse(uris(name)[0]), access)
        why = "" if admitted else "refuses our credentials"
    except (OSError, probe.Refused, ValueError) as error:
        why = probe.reason(error)
    return Answer(round(1000 * (time.monotonic() - began)), why)


def _report(found, drained, listed, answers: dict[str, Answer], judged: health.Round) -> dict:
    rows = []
    for region, named in found.items():
        for name in named:
            answer = answers.get(name)
            state = "drained" if name in drained else "serves" if name in listed.get(region, ()) else "out"
            rows.append(
                {"region": region, "relay": name, "state": state, "ms": answer.ms if answer and not answer.why else None,
                 "why": answer.why if answer else ""}
            )  # fmt: skip
    return {
        "at": int(time.time()),
        "relays": rows,
        "dropped": sorted(judged.dropped),
        "back": sorted(judged.back),
        "in_doubt": judged.in_doubt,
    }


def _lines(report: dict) -> str:
    at = time.strftime("%H:%M:%S", time.gmtime(report["at"]))
    rows = report["relays"]
    lines = [f"{at} UTC  {sum(row['state'] == 'serves' for row in rows)} of {len(rows)} relays serve"]
    for row in rows:
        detail = row["why"] or ("" if row["ms"] is None else f"{row['ms']} ms")
        lines.append(f"  {row['state']:8} {row['region'] or '-':16} {row['relay']:40} {detail}".rstrip())
    lines += [f"  dropped after two failures: {name}" for name in report["dropped"]]
    lines += [f"  taken in: {name}" for name in report["back"]]
    if report["in_doubt"]:
        lines.append(
            "  More than half failed at once. That is more likely this machine's line than the relays: the list stays as it is."
        )
    return "\n".join(lines)


@contextmanager
def _stoppable():
    """Set by SIGTERM and Ctrl-C: a round that has begun ends as it should."""
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError("must be above 0, and 3600 at most")
    return value
