"""What is promised: each figure of ours at most so many times a rival's, to be reached, and what would be better still."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    what: str
    contest: str
    figure: str  # cpu or join
    ours: str
    rival: str
    reach: float
    beyond: float


def _of(ours: str, suffix: str) -> tuple[Target, ...]:
    one, two = ours, f"gruveo-2{suffix}"
    return (
        Target("CPU for a message, two nodes", "two", "cpu", two, "ws-redis", 0.7, 0.45),
        Target("CPU for a message, one node", "one", "cpu", one, "ws", 0.8, 0.5),
        Target("CPU for a join, one node", "one", "join", one, "ws", 1.5, 1.0),
        Target("CPU for a join, two nodes", "two", "join", two, "ws-redis", 1.5, 1.0),
        Target("CPU for a message, two nodes", "slow", "cpu", two, "channels", 0.1, 0.06),
    )


RATIOS = (*_of("gruveo", ""), *_of("gruveo-sansio", "-sansio"))
MEMORY = (28.0, 18.0)  # KiB for an idle joined socket, one node
DEAF = 1.1  # the median delay beside somebody who has stopped reading, to that beside somebody who reads
GROWTH = (1.15, 1.05)  # CPU for a message, the most rooms to the fewest; within 5 % counts as flat
# Processor time of an anonymous page, to a page that Wagtail makes anew.
READING = {"kept": 0.2, "anew": 0.6}
CREDENTIALS = 100  # signed in the time of one row
