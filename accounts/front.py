"""What stands on the front page of the admin: each app adds its own lists."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Row(NamedTuple):
    title: str
    url: str
    note: str = ""


class Block(NamedTuple):
    title: str
    permission: str  # who sees it
    rows: Callable[[Any], list[Row]]  # of the request
    empty: str  # what stands there when there is nothing


_blocks: list[Block] = []


def add(block: Block) -> None:
    _blocks.append(block)


def blocks(request) -> list[dict]:
    """Those that this person may see, with their rows."""
    return [
        {"title": block.title, "rows": block.rows(request), "empty": block.empty}
        for block in _blocks
        if request.user.has_perm(block.permission)
    ]
