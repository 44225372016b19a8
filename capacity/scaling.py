"""
A year of autoscaling, minute by minute. Pure.

Machines of the signaling tier come and go by target tracking, as AWS describes it:

- **out** when the metric was above the target in three minutes running: to as many as bring it back to the target, machines on their
  way counted. They serve after `metric_seconds` and `launch_seconds`.
- **in** when it was below nine tenths of the target in fifteen minutes running, no machine is on its way or warming up, and the cooldown
  since the last change is over.

A minute is short of capacity when more sockets are there than the machines that serve may hold, or when they would need more processor
than those have. Who was turned away comes back, so sockets spread evenly; that old sockets stay where they are is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import NamedTuple

from capacity.beanstalk import Scaling
from capacity.costs import Costs
from capacity.figures import must_be_positive, said
from capacity.model import Assumptions, Machines
from capacity.traffic import curve

MOST_MINUTES_SHORT = 15  # in the year: what is promised
DAYS = 364  # whole weeks
MINUTES = DAYS * 24 * 60
_DECEMBER = 334 * 24 * 60  # when it begins
_OUT_MINUTES, _IN_MINUTES, _IN_BELOW = 3, 15, 0.9


@dataclass(frozen=True)
class Year:
    """The traffic: from January on, with one spike."""

    calls_a_day: float = said("calls on a day at the beginning of the year", 150_000)
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


class Minute(NamedTuple):
    sockets: float
    processors: float  # in full use
    serving: int  # machines
    is_short: bool


class Outcome(NamedTuple):
    """`weeks` and `spike` are (name, sockets, what the machines hold): of the busiest minute of each week; minute by minute."""

    minutes_short: int
    longest_short: int
    short_in_spike: int
    most_machines: int
    most_sockets: float
    machine_hours: float
    weeks: list[tuple[str, float, float]]
    spike: list[tuple[str, float, float]]


def simulate(
    year: Year, scaling: Scaling, costs: Costs, a: Assumptions, machines: Machines, *, is_on: bool = True
) -> Outcome:
    group = Group(scaling, ceil((year.metric_seconds + year.launch_seconds) / 60), is_on=is_on)
    begins, ends = _spike_minutes(year)
    weeks, spike = [], []
    short = longest = running = in_spike = most = 0
    served = 0
    most_sockets = 0.0
    for number, minute in enumerate(_minutes(year, costs, a, machines, group)):
        served += group.paid
        most, most_sockets = max(most, minute.serving), max(most_sockets, minute.sockets)
        running = running + 1 if minute.is_short else 0
        longest, short = max(longest, running), short + minute.is_short
        holds = minute.serving * machines.sockets_an_instance
        if begins <= number < ends:
            in_spike += minute.is_short
        if begins - 10 <= number < begins + 50:
            spike.append((f"{number - begins} min", minute.sockets, holds))
        week = number // (7 * 24 * 60)
        if week == len(weeks):
            weeks.append((f"{week + 1}", minute.sockets, holds))
        elif minute.sockets > weeks[-1][1]:
            weeks[-1] = (f"{week + 1}", minute.sockets, holds)
    return Outcome(short, longest, in_spike, most, most_sockets, served / 60, weeks, spike)


def _minutes(year: Year, costs: Costs, a: Assumptions, machines: Machines, group: "Group") -> Iterator[Minute]:
    """`group` has what is there in each minute, and is told its sockets after it."""
    begun = year.calls_a_day / (24 * 60)  # calls in a minute, on average
    a_call = a.call_minutes * a.people + a.waiting_minutes  # minutes of sockets
    # What a socket costs in a second, with its share of what calls need besides.
    steady_us = costs.socket_us + (a.messages * costs.message_us + a.people * a.joins * costs.join_us) / (a_call * 60)
    before = None
    for number in range(MINUTES):
        sockets = begun * a_call * times(number, year)
        arriving = max(0.0, sockets - (sockets if before is None else before)) / 60  # a second, on top
        processors = (sockets * steady_us + arriving * costs.join_us) / 1e6
        serving = group.serving
        is_short = sockets > serving * machines.sockets_an_instance or processors > serving * machines.vcpus
        yield Minute(sockets, processors, serving, is_short)
        group.observe(sockets, number)
        before = sockets


def times(minute: int, year: Year) -> float:
    """How many times the mean of the first days the traffic is in this minute."""
    season = max(1.0, year.december / year.growth) if minute >= _DECEMBER else 1.0
    return year.growth ** (minute / MINUTES) * season * curve(minute) * _spike(minute, year)


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
    """The machines. `paid` are those that are there, `serving` those that take sockets."""

    def __init__(self, scaling: Scaling, launch_minutes: int, *, is_on: bool) -> None:
        self._scaling, self._launch, self._is_on = scaling, launch_minutes, is_on
        self.serving = self.paid = scaling.least
        self._coming: list[tuple[int, int]] = []  # when how many serve
        self._above = self._below = 0
        self._quiet_from = 0  # minute from which machines may go

    def observe(self, sockets: float, minute: int) -> None:
        """What the metric of this minute leads to, from the next one on."""
        while self._coming and self._coming[0][0] <= minute + 1:
            self.serving += self._coming.pop(0)[1]
        if not self._is_on:
            return
        metric = sockets / self.serving
        self._above = self._above + 1 if metric > self._scaling.target else 0
        self._below = self._below + 1 if metric < _IN_BELOW * self._scaling.target else 0
        wanted = min(self._scaling.most, max(self._scaling.least, ceil(sockets / self._scaling.target)))
        if self._above >= _OUT_MINUTES and wanted > self.paid:
            self._coming.append((minute + 1 + self._launch, wanted - self.paid))
            self.paid = wanted
            self._quiet_from = minute + self._launch + ceil(self._scaling.warmup_seconds / 60)
        elif self._below >= _IN_MINUTES and wanted < self.paid and minute >= self._quiet_from and not self._coming:
            self.serving = self.paid = wanted
            self._quiet_from = minute + ceil(self._scaling.cooldown_seconds / 60)
