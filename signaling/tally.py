"""
What this node has done so far, in plain numbers: whoever wants to know reads them, and who counts does nothing but add. Pure.

Nothing here says who: no code, room, peer or address.
"""

from bisect import bisect_left
from collections import Counter

_DELAYS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)  # seconds


class Spread:
    """How many of the values lay below which bound, as a Prometheus histogram has it; the last bucket has no bound."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Tally:
    """The numbers of one node; all but `sockets` only grow."""

    def __init__(self) -> None:
        self.sockets = 0  # open now
        self.sockets_opened = 0
        self.sockets_closed: Counter[str] = Counter()  # by why
        self.joins = self.resumes = 0  # that were let in
        self.refused_joins: Counter[str] = Counter()  # by error code
        self.refused_resumes: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()  # every `error` that went out, by its code
        self.handed_on = 0  # signals and acknowledgements, to sockets of this node
        self.sent_on = 0  # to other nodes
        self.delivered = 0  # from other nodes
        self.dropped = 0  # on the way to other nodes: too much waited, or for too long
        self.delays = Spread(_DELAYS)  # from a node to a node and back into it, through Redis
