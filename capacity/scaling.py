"""
A year of autoscaling, minute by minute. Pure.

Machines of a tier come and go by target tracking, as AWS describes it:

- **out** when the metric was above the target in three minutes running: to as many as bring it back to the target, machines on their
  way counted. They serve after `metric_seconds` and `launch_seconds`.
- **in** when it was below nine tenths of the target in fifteen minutes running, no machine is on its way or warming up, and the cooldown
  since the last change is over.

The load of signaling are sockets, that of web the requests of a minute. A minute is short of capacity when more of them are there than the
machines that serve may hold, or when they would need more processor than those have. Who was turned away comes back, so sockets spread
evenly; that old sockets stay where they are is left out. Each request is counted as a page, though files cost less.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from math import ceil
from typing import NamedTuple

from capacity.beanstalk import Scaling
from capacity.costs import Costs
from capacity.figures import must_be_positive, said
from capacity.model import Assumptions, Machines, page_us
from capacity.traffic import MINUTES_A_WEEK, curve

MOST_MINUTES_SHORT = 15  # in the year: what is promised
DAYS = 364  # whole weeks
MINUTES = DAYS * 24 * 60
_DECEMBER = 334 * 24 * 60  # when it begins
_OUT_MINUTES, _IN_MINUTES, _IN_BELOW = 3, 15, 0.9


@dataclass(frozen=True)
class Year:
    """The traffic: from January on, with one spike."""

    calls_a_day: float = said("calls on a day at the beginning of the year", 150_000)
    readers_a_day: float = said("pages on such a day that belong to no call: blog, questions, search", 2_000_000)
    growth: float = said("times in the year", 7.5)
    december: float = said("times from December to December", 13)
    spike: float = said("times the traffic in the spike", 10)
    spike_rise_minutes: float = said("minutes in which it comes", 5)
    spike_lasts_minutes: float = said("minutes for which it stays, and then as many in which it goes", 60)
    spike_day: float = said("day of the year of the spike; it comes at its busiest hour", 163)
    metric_seconds: float = said("seconds until what a machine counts is seen", 60)
    launch_seconds: float = said("seconds until a new machine serves: booting, and what Beanstalk does on it", 240)

    def checked(self) -> "Year":
        """
        Raises:
            ValueError: there is no such year.
        """
        must_be_positive(self, "growth", "spike_rise_minutes", "spike_lasts_minutes")
        if self.spike_day >= DAYS:
            raise ValueError(f"--spike-day must be below {DAYS}.")
        return self


class Tier(NamedTuple):
    """What its machines are counted by. A machine bears `holds` of `unit`, if its processors do."""

    role: str
    unit: str
    holds: float


class Outcome(NamedTuple):
    """`weeks` and `spike` are (name, load, what the machines hold): of the busiest minute of each week; minute by minute."""

    minutes_short: int
    longest_short: int
    short_in_spike: int
    most_machines: int
    most: float
    machine_hours: float
    weeks: list[tuple[str, float, float]]
    spike: list[tuple[str, float, float]]


def tier(role: str, costs: Costs, a: Assumptions, machines: Machines) -> Tier:
    """Of one of ROLES."""
    if role == "signaling":
        return Tier(role, "sockets", machines.sockets_an_instance)
    return Tier(role, "requests a minute", machines.vcpus * 60e6 / page_us(costs, a))


def simulate(
    year: Year,
    scaling: Scaling,
    costs: Costs,
    a: Assumptions,
    machines: Machines,
    *,
    role: str = "signaling",
    is_on: bool = True,
) -> Outcome:
    scaled = tier(role, costs, a, machines)
    group = Group(scaling, ceil((year.metric_seconds + year.launch_seconds) / 60), is_on=is_on)
    begins, ends = _spike_minutes(year)
    weeks, spike = [], []
    short = longest = running = in_spike = machines_most = paid = 0
    most = 0.0
    for number, (load, processors) in enumerate(_LOADS[role](year, costs, a)):
        serving = group.serving
        paid += group.paid
        machines_most, most = max(machines_most, serving), max(most, load)
        holds = serving * scaled.holds
        is_short = load > holds or processors > serving * machines.vcpus
        running = running + 1 if is_short else 0
        longest, short = max(longest, running), short + is_short
        if begins <= number < ends:
            in_spike += is_short
        if begins - 10 <= number < begins + 50:
            spike.append((f"{number - begins} min", load, holds))
        week = number // (7 * 24 * 60)
        if week == len(weeks):
            weeks.append((f"{week + 1}", load, holds))
        elif load > weeks[-1][1]:
            weeks[-1] = (f"{week + 1}", load, holds)
        group.observe(load, number)
    return Outcome(short, longest, in_spike, machines_most, most, paid / 60, weeks, spike)


def _sockets(year: Year, costs: Costs, a: Assumptions) -> Iterator[tuple[float, float]]:
    """Minute by minute how many there are, and how many processors they use in full."""
    begun = year.calls_a_day / (24 * 60)  # calls in a minute, on average
    a_call = a.call_minutes * a.people + a.waiting_minutes  # minutes of sockets
    # What a socket costs in a second, with its share of what calls need besides.
    steady_us = costs.socket_us + (a.messages * costs.message_us + a.people * a.joins * costs.join_us) / (a_call * 60)
    before = None
    for times in traffic(year):
        sockets = begun * a_call * times
        arriving = max(0.0, sockets - (sockets if before is None else before)) / 60  # a second, on top
        yield sockets, (sockets * steady_us + arriving * costs.join_us) / 1e6
        before = sockets


def _requests(year: Year, costs: Costs, a: Assumptions) -> Iterator[tuple[float, float]]:
    """The same of the requests of each minute."""
    begun = (year.calls_a_day * a.pages + year.readers_a_day) / (24 * 60)
    us = page_us(costs, a)
    for times in traffic(year):
        requests = begun * times
        yield requests, requests / 60 * us / 1e6


_LOADS = {"signaling": _sockets, "web": _requests}
ROLES = tuple(_LOADS)


@lru_cache(8)
def traffic(year: Year) -> array:
    """How many times the mean of the first days the traffic is, minute by minute."""
    return array("d", (times(minute, year) for minute in range(MINUTES)))


def times(minute: int, year: Year) -> float:
    """The same of one minute."""
    season = max(1.0, year.december / year.growth) if minute >= _DECEMBER else 1.0
    return year.growth ** (minute / MINUTES) * season * _WEEK[minute % MINUTES_A_WEEK] * _spike(minute, year)


_WEEK = [curve(minute) for minute in range(MINUTES_A_WEEK)]


def _spike_minutes(year: Year) -> tuple[int, int]:
    begins = _begins(year.spike_day)
    return begins, begins + ceil(year.spike_rise_minutes + 2 * year.spike_lasts_minutes)


@cache
def _begins(day: float) -> int:
    return max(range(int(day) * 24 * 60, (int(day) + 1) * 24 * 60), key=curve)


def _spike(minute: int, year: Year) -> float:
    begins = _begins(year.spike_day)
    risen, stayed = (minute - begins) / year.spike_rise_minutes, minute - begins - year.spike_rise_minutes
    if risen <= 0:
        return 1.0
    gone = max(0.0, stayed / year.spike_lasts_minutes - 1)
    return 1 + (year.spike - 1) * max(0.0, min(1.0, risen, 1 - gone))


class Group:
    """The machines. `paid` are those that are there, `serving` those that take load."""

    def __init__(self, scaling: Scaling, launch_minutes: int, *, is_on: bool) -> None:
        self._scaling, self._launch, self._is_on = scaling, launch_minutes, is_on
        self.serving = self.paid = scaling.least
        self._coming: list[tuple[int, int]] = []  # when how many serve
        self._above = self._below = 0
        self._quiet_from = 0  # minute from which machines may go

    def observe(self, load: float, minute: int) -> None:
        """What the metric of this minute leads to, from the next one on."""
        while self._coming and self._coming[0][0] <= minute + 1:
            self.serving += self._coming.pop(0)[1]
        if not self._is_on:
            return
        enough = self._scaling.target * self.serving
        self._above = self._above + 1 if load > enough else 0
        self._below = self._below + 1 if load < _IN_BELOW * enough else 0
        if self._above >= _OUT_MINUTES and self.paid < self._scaling.most:
            self._grow(minute, load)
        elif self._below >= _IN_MINUTES and self.paid > self._scaling.least and minute >= self._quiet_from:
            self._shrink(minute, load)

    def _grow(self, minute: int, load: float) -> None:
        wanted = self._wanted(load)
        if wanted > self.paid:
            self._coming.append((minute + 1 + self._launch, wanted - self.paid))
            self.paid = wanted
            self._quiet_from = minute + self._launch + ceil(self._scaling.warmup_seconds / 60)

    def _shrink(self, minute: int, load: float) -> None:
        wanted = self._wanted(load)
        if wanted < self.paid and not self._coming:
            self.serving = self.paid = wanted
            self._quiet_from = minute + ceil(self._scaling.cooldown_seconds / 60)

    def _wanted(self, load: float) -> int:
        return min(self._scaling.most, max(self._scaling.least, ceil(load / self._scaling.target)))
