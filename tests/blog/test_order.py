"""Which posts stand beside which."""

from collections import Counter
from random import Random

from blog.order import Order

CALLS, NUMBERS, PEOPLE = 1, 2, 3


class NeighbourTests:
    def test_are_the_next_ones_by_time(self):
        order = Order([30, 10, 20], [])

        assert (order.newer(10), order.older(10)) == (30, 20)

    def test_there_is_none_beyond_the_newest_and_the_oldest(self):
        order = Order([30, 10, 20], [])

        assert order.newer(30) is None
        assert order.older(20) is None

    def test_a_post_that_has_not_appeared_stands_before_all_others(self):
        order = Order([30, 10], [])

        assert (order.newer(99), order.older(99)) == (None, 30)

    def test_one_that_is_alone_has_none(self):
        assert (Order([], []).newer(1), Order([], []).older(1)) == (None, None)
        assert (Order([1], []).newer(1), Order([1], []).older(1)) == (None, None)


class RelatedTests:
    def test_who_shares_more_tags_comes_first_and_then_the_newer(self):
        order = Order([5, 4, 3, 2, 1], [(CALLS, 5), (CALLS, 4), (CALLS, 3), (NUMBERS, 3), (CALLS, 1), (NUMBERS, 1)])

        assert order.related(1, [CALLS, NUMBERS], 3) == [3, 5, 4]

    def test_what_is_not_published_is_not_named(self):
        assert Order([1], [(CALLS, 1), (CALLS, 7)]).related(1, [CALLS], 3) == []

    def test_a_post_that_has_not_appeared_has_some_too(self):
        assert Order([1], [(CALLS, 1), (CALLS, 7)]).related(7, [CALLS], 3) == [1]

    def test_without_a_tag_there_are_none(self):
        order = Order([2, 1], [(CALLS, 2)])

        assert order.related(1, [], 3) == []
        assert order.related(1, [PEOPLE], 3) == []

    def test_they_are_what_counting_says(self):
        draw = Random(7)
        for _ in range(50):
            posts = draw.sample(range(100), 30)
            tags = {post: draw.sample(range(6), draw.randrange(5)) for post in posts}
            order = Order(posts, [(tag, post) for post in posts for tag in tags[post]])

            asked = draw.choice(posts)
            shared = Counter({post: len({*tags[post]} & {*tags[asked]}) for post in posts if post != asked})
            expected = sorted(
                (post for post in shared if shared[post]), key=lambda post: (-shared[post], posts.index(post))
            )
            assert order.related(asked, tags[asked], 4) == expected[:4]
