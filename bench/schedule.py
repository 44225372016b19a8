"""Who says something when: bursts, as signaling comes in bursts. Pure."""

import random
from collections.abc import Iterator

BURST = 10  # messages; the two of a room take turns, the later one begins
STEP = 0.02  # seconds between the messages of a burst


def bursts(rooms: int, *, rate: float, seconds: float, seed: int) -> list[tuple[float, int, int]]:
    """
    (second, room, side) of each message, in order; side 1 is the later one of the room.

    `rate` messages a second in all, whatever the number of rooms: bursts begin at even distances, each a little moved, and go through all
    rooms in an order drawn from the seed. So the mixture of signals and acknowledgements does not depend on the number of rooms, as long as
    a room is silent for the time of an acknowledgement between two of its bursts.
    """
    draw = random.Random(seed)
    slot = BURST / rate
    order = _round_and_round(rooms, draw)
    messages = []
    for number in range(round(seconds / slot)):
        begin, room = (number + draw.random()) * slot, next(order)
        messages += [(begin + step * STEP, room, 1 - step % 2) for step in range(BURST)]
    return sorted(messages)


def _round_and_round(rooms: int, draw: random.Random) -> Iterator[int]:
    order = list(range(rooms))
    draw.shuffle(order)
    while True:
        yield from order
