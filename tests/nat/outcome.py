"""What came of one call. Pure."""

from typing import NamedTuple


class Outcome(NamedTuple):
    """Of one pair. `ends` are the own ends of the path at a and b; times are of b, who came second, in milliseconds."""

    first: str
    second: str
    is_connected: bool
    ends: tuple[str, str] | None = None
    connect_ms: int | None = None
    frame_ms: int | None = None

    @property
    def is_relayed(self) -> bool:
        return self.ends is not None and any(end.startswith("relay") for end in self.ends)
