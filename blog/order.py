"""Which posts stand beside which: by time, and by the tags that they share. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from heapq import nsmallest


class Order:
    """
    Published posts by their numbers, the newest first, and which of them have a tag: some hundred bytes for each post. A post that is not
    among them, because it is to appear one day or has just done so, stands before all others.
    """

    def __init__(self, posts: Sequence[int], links: Iterable[tuple[int, int]]) -> None:
        """`links` are of a tag and a post each; those of posts that are not published count for nothing."""
        self._posts = posts
        self._places = {post: place for place, post in enumerate(posts)}
        self._tagged: dict[int, list[int]] = defaultdict(list)
        for tag, post in links:
            if post in self._places:
                self._tagged[tag].append(self._places[post])

    def newer(self, post: int) -> int | None:
        place = self._places.get(post, 0)
        return self._posts[place - 1] if place else None

    def older(self, post: int) -> int | None:
        place = self._places.get(post, -1) + 1
        return self._posts[place] if place < len(self._posts) else None

    def related(self, post: int, tags: Iterable[int], count: int) -> list[int]:
        """Those that share the most of the tags with it, the newest first among equals."""
        shared: Counter[int] = Counter()
        for tag in tags:
            shared.update(self._tagged.get(tag, ()))
        shared.pop(self._places.get(post), None)
        best = nsmallest(count, ((-times, place) for place, times in shared.items()))
        return [self._posts[place] for _, place in best]
