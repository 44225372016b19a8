"""Costs, read out of what was measured."""

from pathlib import Path

import pytest

from capacity.costs import BadResults, read

RESULTS = (Path(__file__).resolve().parents[2] / "bench" / "RESULTS.md").read_text()


def results(**changes: str) -> str:
    sections = {
        "two": "| system | µs CPU a message | µs CPU a join |\n| --- | --- | --- |\n| Gruveo | 100 [84 – 116] | 1,340 [1 – 2] |\n",
        "one": "| system | µs CPU a message | µs CPU a join |\n| --- | --- | --- |\n| Gruveo | 60 [1 – 2] | 783 [1 – 2] |\n",
        "growth": "| system | rooms | the same, pinging |\n| --- | --- | --- |\n"
        + "".join(
            f"| Gruveo, {nodes} | {rooms} | {cost} [1 – 2] |\n"
            for nodes, rooms, cost in [
                ("one node", "100", 22.5),
                ("one node", "5,000", 23.9),
                ("two nodes", "100", 91.7),
                ("two nodes", "5,000", 35.4),
            ]
        )
        + "\nSomething else of the same.\n\n| system | rooms | KiB |\n| --- | --- | --- |\n| Gruveo, two nodes | 5,000 | 1 |\n",
        "memory": "| system | nodes | KiB a socket |\n| --- | --- | --- |\n| Gruveo | 1 | 18.0 |\n| Gruveo | 2 | 19.5 |\n",
        "credentials": "| scheme | credentials a second |\n| --- | --- |\n| a row in the PostgreSQL that coturn reads | 3,988 |\n",
        "relay": "| relay | µs CPU a megabit |\n| --- | --- |\n| coturn | 650 [600 – 700] |\n",
        "reading": "| site | ms CPU a page |\n| --- | --- |\n| Gruveo, a page that is kept | 3.26 [2.72 – 3.63] |\n"
        "| Gruveo, made anew | 16.82 [14.28 – 18.45] |\n| Wagtail, made anew | 29.13 [26.83 – 32.19] |\n",
    } | changes
    return "".join(f"<!-- section: {name} -->\n\n{body}\n<!-- end: {name} -->\n" for name, body in sections.items())


class ReadTests:
    def test_medians_of_many_nodes_and_many_rooms_are_taken(self):
        costs = read(results())

        assert (costs.message_us, costs.join_us, costs.socket_us, costs.socket_kib) == (100, 1340, 35.4, 19.5)
        assert costs.rows_a_second == 3988
        assert (costs.kept_page_us, costs.page_us) == (3260, 16_820)

    def test_what_comes_in_is_counted_as_much_as_what_a_relay_sends(self):
        assert read(results()).relay_us == 1300

    def test_redis_is_what_two_nodes_cost_more_than_one(self):
        costs = read(results())

        assert (costs.redis_message_us, costs.redis_join_us, costs.redis_socket_us) == (40, 557, 11.5)

    def test_redis_costs_something_even_where_one_node_came_out_dearer(self):
        swapped = results(one=results().partition("section: two -->")[2].partition("<!--")[0].replace("100 [", "130 ["))

        assert read(swapped).redis_message_us == 10

    def test_the_results_of_this_project_can_be_read(self):
        assert all(value > 0 for value in vars(read(RESULTS)).values())

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"two": ""}, "no-column"),
            ({"memory": "| system | KiB a socket |\n| --- | --- |\n| Node.js ws | 7 |\n"}, "no-row"),
            ({"memory": "| system | KiB a socket |\n| --- | --- |\n| Gruveo | many |\n"}, "no-number"),
        ],
    )
    def test_what_is_missing_is_said(self, changes, code):
        with pytest.raises(BadResults) as caught:
            read(results(**changes))

        assert caught.value.code == code

    def test_another_file_has_no_such_section(self):
        with pytest.raises(BadResults) as caught:
            read("# Something else")

        assert caught.value.code == "no-section"
