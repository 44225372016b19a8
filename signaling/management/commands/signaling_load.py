"""Puts load on the signaling of a site and says how it fared."""

import argparse
import asyncio
import json
import math
import signal
import time

from django.core.management.base import BaseCommand, CommandError

from signaling.load import Load, Plan, Unusable, percentiles, socket_url

_BAR = 24  # characters
_BUSY_MS = 50  # later than this for one tick in a hundred: what was measured is partly this machine


class Command(BaseCommand):
    help = (
        "Puts load on the signaling of a site: pairs of clients that send each other messages. Says how long messages took, and how "
        "many were lost. It needs no access to the site but its address. One address may open 200 sockets and join 60 times a minute "
        "unless the site allows more (SOCKETS_PER_ADDRESS, JOINS_PER_MINUTE). Ctrl-C ends it early, with the summary so far."
    )
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("url", help="wss://example.org/signaling, or the site's https://example.org")
        parser.add_argument("--pairs", type=_whole, default=50, help="of clients, each pair in its own room (50)")
        parser.add_argument("--rate", type=_positive, default=1, help="messages a second of each client (1)")
        parser.add_argument("--duration", type=_positive, default=30, help="seconds of full load (30)")
        parser.add_argument("--ramp", type=_seconds, default=5, help="seconds over which the pairs join (5)")
        parser.add_argument("--settle", type=_seconds, default=10, help="seconds to wait for the last messages (10)")
        parser.add_argument("--insecure", action="store_true", help="take any certificate")
        parser.add_argument("--format", choices=["table", "json"], default="table")

    def handle(self, *args, **options) -> None:
        names = ("pairs", "rate", "duration", "ramp", "settle", "insecure")
        try:
            load = Load(Plan(socket_url(options["url"]), **{name: options[name] for name in names}))
            self._run(load)
        except Unusable as error:
            raise CommandError(f"{options['url']}: {error}") from error
        summary = summarise(load)
        self.stdout.write(json.dumps(summary, indent=2) if options["format"] == "json" else table(summary))
        if load.tally.failures:
            raise CommandError("; ".join(load.tally.failures) + ".")

    def _run(self, load: Load) -> None:
        progress = _Progress(self.stderr, load)
        try:
            asyncio.run(_until_ctrl_c(load, progress.show))
        except KeyboardInterrupt:  # the second one
            load.tally.interrupted = True
        finally:
            progress.clear()


async def _until_ctrl_c(load: Load, on_tick) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        load.stop()
        loop.remove_signal_handler(signal.SIGINT)  # who is in a hurry presses it again

    loop.add_signal_handler(signal.SIGINT, stop)
    await load.run(on_tick)


class _Progress:
    """A bar in one line that is written over and over, where there is somebody to see it."""

    def __init__(self, stream, load: Load) -> None:
        self._stream = stream if stream.isatty() else None
        self._load = load
        self._began = time.monotonic()

    def show(self) -> None:
        plan, tally = self._load.plan, self._load.tally
        done = min((time.monotonic() - self._began) / (plan.ramp + plan.duration), 1)
        self._write(
            f"[{'#' * math.floor(done * _BAR):<{_BAR}}] {done:4.0%}  "
            f"{tally.joined} of {plan.clients} joined, {tally.sent} sent, {tally.lost} on their way, "
            f"{tally.resumed + tally.renewed} reconnects"
        )

    def clear(self) -> None:
        self._write("")

    def _write(self, text: str) -> None:
        if self._stream:
            self._stream.write(f"\r\033[K{text}", style_func=str, ending="")  # which is no error, so not in red
            self._stream.flush()


def summarise(load: Load) -> dict:
    """What is worth keeping of a load; times in milliseconds, but `sending` in seconds."""
    plan, tally = load.plan, load.tally
    return {
        "url": plan.url,
        "pairs": plan.pairs,
        "rate": plan.rate,
        "sending": round(tally.sending, 1),
        "interrupted": tally.interrupted,
        "sent": tally.sent,
        "received": tally.received,
        "lost": tally.lost,
        "doubled": tally.doubled,
        "skipped": tally.skipped,
        "delay": percentiles(tally.delays),
        "clients": tally.started,
        "joined": tally.joined,
        "join": percentiles(tally.joins),
        "reconnects": tally.resumed + tally.renewed,
        "renewed": tally.renewed,
        "downs": dict(tally.downs),
        "refusals": dict(tally.refusals),
        "complaints": dict(tally.complaints),
        "own_lag": percentiles(tally.lags),
    }


def table(summary: dict) -> str:
    s = summary
    rows = [
        f"{s['url']}: {s['pairs']} pairs, {s['rate']:g} a second from each client, {s['sending']} s"
        + (", interrupted" if s["interrupted"] else ""),
        "",
        f"{'milliseconds':14}" + "".join(f"{name:>10}" for name in ("p50", "p90", "p99", "max")),
        *(_row(name, s[key]) for name, key in (("delay", "delay"), ("join", "join"), ("own lag", "own_lag"))),
        "",
        f"{'messages':14}{s['sent']} sent, {s['received']} received, {s['lost']} lost, {s['doubled']} doubled, {s['skipped']} skipped",
        f"{'clients':14}{s['joined']} of {s['clients']} joined, {s['reconnects']} reconnects, {s['renewed']} of them to a new place",
        *(f"{name:14}{_counted(s[name])}" for name in ("downs", "refusals", "complaints") if s[name]),
    ]
    if (s["own_lag"]["p99"] or 0) > _BUSY_MS:
        rows += ["", "This machine was busy: the delays are partly its own. Spread the load over more machines."]
    return "\n".join(rows)


def _row(name: str, ranked: dict) -> str:
    return f"{name:14}" + "".join(f"{'-' if value is None else value:>10}" for value in ranked.values())


def _counted(counts: dict) -> str:
    return ", ".join(f"{number} × {name}" for name, number in counts.items())


def _whole(text: str) -> int:
    return int(_at_least(int(text), 1))


def _positive(text: str) -> float:
    value = _seconds(text)
    if not value:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


def _seconds(text: str) -> float:
    return _at_least(float(text), 0)


def _at_least(value: float, least: int) -> float:
    if not (math.isfinite(value) and value >= least):
        raise argparse.ArgumentTypeError(f"must be {least} or more")
    return value
