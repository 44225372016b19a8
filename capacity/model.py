"""
From call minutes to machines and money: the model of docs/capacity.md. Pure.

Each tier is sized for the busiest minute of the month. Everything grows with the minutes, so more of them never need less.
"""

from dataclasses import dataclass
from math import ceil, sqrt
from typing import NamedTuple

from capacity.costs import Costs
from capacity.figures import said
from capacity.traffic import DAYS_A_MONTH, PEAK

TIERS = ("web", "signaling", "redis", "turn", "postgresql")
_HOURS_A_MONTH = 24 * DAYS_A_MONTH
_MINUTES_A_MONTH = 60 * _HOURS_A_MONTH
_EGRESS_STEPS_GB = (10_000, 40_000, 100_000)  # what the first three prices hold for; the fourth has no end


@dataclass(frozen=True)
class Assumptions:
    """What a call is like. None of it is measured here; calls that were tell their length and share of relays."""

    call_minutes: float = said("mean length of a call in minutes", 10)
    people: float = said("people in a call", 2)
    waiting_minutes: float = said("how long the first one waits for the second", 1)
    joins: float = said("joins of each person in a call, with those who come back", 1.1)
    messages: float = said("signals delivered in a call: descriptions, candidates, what is said again", 30)
    pages: float = said("pages of the site that are made for each call", 6)
    kept_pages: float = said("share of the pages that are kept, and not made anew", 0.5)
    page_kb: float = said("kilobytes that a page sends from our machines", 60)
    relayed: float = said("share of the calls that go through a relay", 0.2)
    relay_kbit: float = said("kbit/s that a person sends in a relayed call", 1500)
    row_bytes: float = said("bytes of a recorded call in PostgreSQL, with its indexes", 400)
    peak: float = said(
        "times the mean of a month that its busiest minute has: the week's curve, and a tenth for growth within a month",
        round(PEAK * 1.1, 2),
    )
    chance: float = said("standard deviations that the busiest minute lies above what is expected of it", 4)


@dataclass(frozen=True)
class Machines:
    """What one instance bears, and how many there are at least."""

    busiest: float = said("share of an instance that may be used in the busiest minute", 0.6)
    vcpus: float = said("processors of an instance of web, signaling and TURN; Redis uses one", 2)
    memory_mib: float = said("memory of an instance of signaling, beyond what its processes need empty", 3000)
    sockets_an_instance: float = said(
        "WebSockets of an instance; 10,000 for each of its two processes is the most that was measured", 20_000
    )
    relay_mbit_an_instance: float = said("Mbit/s that the network of one relay lets it send", 500)
    minimum_web: int = said("instances of web at least", 2)
    minimum_signaling: int = said("instances of signaling at least", 2)
    minimum_redis: int = said("Redis hosts at least", 1)
    minimum_turn: int = said("relays at least", 2)
    minimum_postgresql: int = said("PostgreSQL instances of this size at least", 1)


@dataclass(frozen=True)
class Prices:
    """US dollars, without tax. Assumptions: on-demand list prices of us-east-1 as remembered in November 2026, not looked up."""

    web_hour: float = said("an instance of web for an hour (c7g.large)", 0.0725)
    signaling_hour: float = said("an instance of signaling for an hour (c7g.large)", 0.0725)
    redis_hour: float = said("a Redis host for an hour (cache.m7g.large)", 0.158)
    turn_hour: float = said("a relay for an hour (c7g.large)", 0.0725)
    postgresql_hour: float = said("a PostgreSQL for an hour, with a standby (db.m7g.large, two zones)", 0.336)
    balancers_hour: float = said("the two load balancers for an hour", 0.06)
    storage_gb: float = said("a GB of PostgreSQL for a month", 0.23)
    egress_gb_1: float = said("a GB to the internet, of the first 10 TB in a month", 0.09)
    egress_gb_2: float = said("a GB of the next 40 TB", 0.085)
    egress_gb_3: float = said("a GB of the next 100 TB", 0.07)
    egress_gb_4: float = said("a GB of all that is more", 0.05)


class Load(NamedTuple):
    """The busiest minute of a month; everything but `calls`, `sockets` and `relay_mbit` is a second."""

    calls: float
    sockets: float
    joins: float
    messages: float
    pages: float
    relay_mbit: float
    rows: float


class Need(NamedTuple):
    """`exact` is how many instances would be used to `busiest` by what is scarcest, which `by` names."""

    tier: str
    instances: int
    exact: float
    by: str


class Month(NamedTuple):
    """What a month with these minutes needs. `one_machine`: which share of a single instance of ours would bear all tiers."""

    load: Load
    needs: tuple[Need, ...]
    one_machine: float
    egress_gb: float
    dollars: float


def load(minutes: float, a: Assumptions) -> Load:
    """
    Raises:
        ValueError: a call without length.
    """
    if a.call_minutes <= 0:
        raise ValueError("Calls must have a length.")
    expected = minutes / a.call_minutes / _MINUTES_A_MONTH * a.peak  # calls that begin in the minute
    begun = _by_chance(expected, a) / 60
    calls = _by_chance(expected * a.call_minutes, a)
    return Load(
        calls=calls,
        sockets=calls * a.people + _by_chance(expected * a.waiting_minutes, a),
        joins=begun * a.people * a.joins,
        messages=begun * a.messages,
        pages=begun * a.pages,
        relay_mbit=_by_chance(expected * a.call_minutes * a.relayed, a) * a.people * a.relay_kbit / 1000,
        rows=begun,
    )


def _by_chance(expected: float, a: Assumptions) -> float:
    """How many there are in the busiest minute when they come by themselves (Poisson: the variance is the mean)."""
    return expected + a.chance * sqrt(expected)


def page_us(costs: Costs, a: Assumptions) -> float:
    """µs of processor for a page, kept or not."""
    return a.kept_pages * costs.kept_page_us + (1 - a.kept_pages) * costs.page_us


def processors(load: Load, costs: Costs) -> tuple[float, float]:
    """Processors in full use: of the signaling nodes, of Redis."""
    figures = (load.messages, load.joins, load.sockets)
    nodes = (costs.message_us, costs.join_us, costs.socket_us)
    redis = (costs.redis_message_us, costs.redis_join_us, costs.redis_socket_us)
    return tuple(sum(map(float.__mul__, figures, map(float, tier))) / 1e6 for tier in (nodes, redis))


def needs(load: Load, costs: Costs, a: Assumptions, machines: Machines) -> tuple[Need, ...]:
    signaling, redis = processors(load, costs)
    scarce = {
        "web": {"processor": load.pages * page_us(costs, a) / 1e6 / machines.vcpus},
        "signaling": {
            "processor": signaling / machines.vcpus,
            "sockets": load.sockets / machines.sockets_an_instance,
            "memory": load.sockets * costs.socket_kib / 1024 / machines.memory_mib,
        },
        "redis": {"processor": redis},
        "turn": {
            "processor": load.relay_mbit * costs.relay_us / 1e6 / machines.vcpus,
            "traffic": load.relay_mbit / machines.relay_mbit_an_instance,
        },
        "postgresql": {"rows": load.rows / costs.rows_a_second},
    }
    return tuple(_need(tier, scarce[tier], machines) for tier in TIERS)


def _need(tier: str, scarce: dict[str, float], machines: Machines) -> Need:
    by = max(scarce, key=scarce.get)
    exact = scarce[by] / machines.busiest
    least = int(getattr(machines, f"minimum_{tier}"))
    # What is a hair above a whole number is rounding.
    instances = max(least, ceil(round(exact, 9)))
    return Need(tier, instances, exact, by if exact > least else "minimum")


def month(
    minutes: float, costs: Costs, a: Assumptions, machines: Machines, prices: Prices, *, recorded_minutes: float = 0
) -> Month:
    """`recorded_minutes` are those of all months before, whose calls PostgreSQL holds."""
    busy = load(minutes, a)
    found = needs(busy, costs, a, machines)
    egress = egress_gb(minutes, a)
    stored = (recorded_minutes + minutes) / a.call_minutes * a.row_bytes / 1e9
    hours = sum(need.instances * getattr(prices, f"{need.tier}_hour") for need in found) + prices.balancers_hour
    dollars = hours * _HOURS_A_MONTH + stored * prices.storage_gb + _egress_dollars(egress, prices)
    return Month(busy, found, one_machine(busy, costs, a, machines), egress, dollars)


def one_machine(busy: Load, costs: Costs, a: Assumptions, machines: Machines) -> float:
    """All tiers on one instance; 1 is `busiest`, above which it does not bear them."""
    processor = (
        sum(processors(busy, costs))
        + (busy.pages * page_us(costs, a) + busy.relay_mbit * costs.relay_us) / 1e6
        + busy.rows / costs.rows_a_second
    )
    share = max(
        processor / machines.vcpus,
        busy.sockets / machines.sockets_an_instance,
        busy.sockets * costs.socket_kib / 1024 / machines.memory_mib,
        busy.relay_mbit / machines.relay_mbit_an_instance,
    )
    return share / machines.busiest


def egress_gb(minutes: float, a: Assumptions) -> float:
    """To the internet in a month: what relays send, and pages."""
    relayed = minutes * a.relayed * a.people * a.relay_kbit * 60 / 8 / 1e6
    return relayed + minutes / a.call_minutes * a.pages * a.page_kb / 1e6


def _egress_dollars(gb: float, prices: Prices) -> float:
    dollars = 0.0
    for number, step in enumerate((*_EGRESS_STEPS_GB, float("inf")), 1):
        dollars += min(gb, step) * getattr(prices, f"egress_gb_{number}")
        gb = max(0.0, gb - step)
    return dollars
