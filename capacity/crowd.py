"""A week of calls, one by one: what the model of capacity.model is checked against. Pure; `random` is given."""

from collections import Counter
from itertools import accumulate

from capacity.model import Assumptions, Load
from capacity.traffic import DAYS_A_MONTH, MINUTES_A_WEEK, PEAK, curve


def busiest(minutes: float, a: Assumptions, *, random) -> Load:
    """
    The busiest minute of a week in which calls come by themselves (a Poisson process that follows the week's curve), wait and last as
    long as chance says (exponentially), and have one to three people more or less; each figure's own busiest minute.
    """
    sockets, calls, joins = Counter(), Counter(), Counter()
    begun, messages, relayed = Counter(), Counter(), Counter()
    moment, rate = 0.0, minutes / a.call_minutes / (DAYS_A_MONTH * 24 * 60) * PEAK
    while (moment := moment + random.expovariate(rate)) < MINUTES_A_WEEK:
        if random.random() * PEAK > curve(moment):
            continue  # thinned out to the curve
        start = moment + random.expovariate(1 / a.waiting_minutes) if a.waiting_minutes else moment
        end = start + random.expovariate(1 / a.call_minutes)
        begun[int(start)] += 1
        _between(calls, start, end, 1)
        _between(sockets, moment, end, 1)
        _between(sockets, start, end, a.people - 1)
        joins[int(moment)] += a.joins
        joins[int(start)] += a.joins * (a.people - 1)
        messages[int(start)] += a.messages
        if random.random() < a.relayed:
            _between(relayed, start, end, 1)
    most_begun = max(begun.values(), default=0) / 60
    return Load(
        calls=_most(calls),
        sockets=_most(sockets),
        joins=max(joins.values(), default=0) / 60,
        messages=max(messages.values(), default=0) / 60,
        pages=most_begun * a.pages,
        relay_mbit=_most(relayed) * a.people * a.relay_kbit / 1000,
        rows=most_begun,
    )


def _between(changes: Counter, start: float, end: float, count: float) -> None:
    changes[int(start)] += count
    changes[int(end) + 1] -= count


def _most(changes: Counter) -> float:
    return max(accumulate(changes[minute] for minute in range(MINUTES_A_WEEK)), default=0)
