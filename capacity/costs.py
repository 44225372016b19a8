"""
What one unit of traffic costs our servers, as it was measured. Pure.

Read from bench/RESULTS.md. A message and a join are taken at two nodes with the two of a room at different ones, which is what many nodes
come to. That figure holds the nodes and Redis together, and no part of it is told; so the nodes are counted at the whole of it, and
Redis at what two nodes cost more than one. Both are upper bounds. A relay was measured over loopback, where the kernel's work for what
comes in falls to whoever sent it; so it is counted twice, as if that were as much as all the rest.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from capacity.figures import said


class BadResults(ValueError):
    """The results cannot be read. `code`: no-section, no-row, no-column or no-number."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Costs:
    message_us: float = said("µs of processor for a relayed message, on the nodes")
    join_us: float = said("µs for a join, on the nodes")
    socket_us: float = said("µs a second for a socket that pings, on the nodes")
    socket_kib: float = said("KiB of memory for a socket, on the nodes")
    redis_message_us: float = said("µs of Redis's processor for a message")
    redis_join_us: float = said("µs of Redis's processor for a join")
    redis_socket_us: float = said("µs a second of Redis's processor for a socket, whose place is kept")
    page_us: float = said("µs of web's processor for a page that is made anew, with its share of Redis")
    kept_page_us: float = said("the same for one that is kept")
    relay_us: float = said("µs of a relay's processor for a megabit that it sends")
    rows_a_second: float = said("rows that one PostgreSQL writes, each on its disk before the next")


_MESSAGE, _JOIN, _PINGING = "µs CPU a message", "µs CPU a join", "the same, pinging"
_PAGE = "ms CPU a page"
_WITH_RECEIVING = 2


def read(results: str) -> Costs:
    """
    Raises:
        BadResults: a section, row or figure is not there.
    """
    message, join = (_figure(results, "two", "Gruveo", column=name) for name in (_MESSAGE, _JOIN))
    one_message, one_join = (_figure(results, "one", "Gruveo", column=name) for name in (_MESSAGE, _JOIN))
    # The last row of each has the most rooms.
    socket = _figure(results, "growth", "Gruveo, two nodes", column=_PINGING)
    one_socket = _figure(results, "growth", "Gruveo, one node", column=_PINGING)
    return Costs(
        message_us=message,
        join_us=join,
        socket_us=socket,
        socket_kib=_figure(results, "memory", "Gruveo", column="KiB a socket"),  # the last row has two nodes
        redis_message_us=_more(message, one_message),
        redis_join_us=_more(join, one_join),
        redis_socket_us=_more(socket, one_socket),
        page_us=1000 * _figure(results, "reading", "Gruveo, made anew", column=_PAGE),
        kept_page_us=1000 * _figure(results, "reading", "Gruveo, a page that is kept", column=_PAGE),
        relay_us=_WITH_RECEIVING * _figure(results, "relay", "coturn", column="µs CPU a megabit"),
        rows_a_second=_figure(
            results, "credentials", "a row in the PostgreSQL that coturn reads", column="credentials a second"
        ),
    )


def _more(two: float, one: float) -> float:
    """What was measured on different days may come out the wrong way round; a tenth is the least that Redis does."""
    return round(max(two - one, two / 10), 1)


def _figure(results: str, section: str, first_cell: str, *, column: str) -> float:
    """The median of the last row that begins so, in the first table of the section that has such a column."""
    begun = results.partition(f"<!-- section: {section} -->")[2].partition(f"<!-- end: {section} -->")[0]
    if not begun:
        raise BadResults("no-section", f"The results have no section {section!r}.")
    head, *rows = next((table for table in _tables(begun) if column in table[0]), [None])
    if head is None:
        raise BadResults("no-column", f"Section {section!r} of the results has no column {column!r}.")
    found = [row for row in rows if row[0] == first_cell]
    if not found:
        raise BadResults("no-row", f"Section {section!r} of the results has no row {first_cell!r}.")
    number = re.match(r"[0-9][0-9,]*(\.[0-9]+)?", found[-1][head.index(column)])
    if not number:
        raise BadResults("no-number", f"Section {section!r}, row {first_cell!r}, has no number as {column!r}.")
    return float(number[0].replace(",", ""))


def _tables(text: str) -> Iterator[list[list[str]]]:
    """The cells of each table, row by row; the first row is its head."""
    for is_table, lines in groupby(text.splitlines(), key=lambda line: line[:1] == "|"):
        if is_table:
            yield [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines]
