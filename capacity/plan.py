"""A plan: traffic step by step, with what each needs and when a limit is reached; and how it is written. Pure."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from capacity import model
from capacity.costs import Costs
from capacity.figures import must_be_positive, must_be_shares
from capacity.traffic import DAYS_A_MONTH


class Step(NamedTuple):
    name: str  # a month, or calls a day
    minutes: float  # a month
    month: model.Month


class Given(NamedTuple):
    costs: Costs
    assumptions: model.Assumptions
    machines: model.Machines
    prices: model.Prices

    def checked(self) -> "Given":
        """
        Raises:
            ValueError: nothing can be divided by it, or it is no share.
        """
        must_be_positive(self.costs, "rows_a_second", "page_us", "kept_page_us")
        must_be_positive(self.assumptions, "call_minutes")
        names = ("busiest", "vcpus", "memory_mib", "sockets_an_instance", "relay_mbit_an_instance")
        must_be_positive(self.machines, *names)
        must_be_shares(self.assumptions, "relayed", "kept_pages")
        must_be_shares(self.machines, "busiest")
        return self


def steps(traffic: Iterable[tuple[str, float]], given: Given) -> list[Step]:
    """One for each name with its minutes a month; PostgreSQL keeps the calls of those before."""
    result, recorded = [], 0.0
    for name, minutes in traffic:
        result.append(Step(str(name), minutes, model.month(minutes, *given, recorded_minutes=recorded)))
        recorded += minutes
    return result


def sizes(calls_a_day: Iterable[float], given: Given) -> list[Step]:
    """Each by itself, as if there had been nothing before."""
    result = []
    for calls in calls_a_day:
        minutes = calls * DAYS_A_MONTH * given.assumptions.call_minutes
        result += steps([(f"{calls:,.0f}", minutes)], given)
    return result


def reached(steps: Sequence[Step], limits: Mapping[str, int]) -> dict[str, str | None]:
    """For each tier with a limit, the first step that needs more than it; None when none does."""
    found: dict[str, str | None] = dict.fromkeys(limits)
    for step in reversed(steps):
        for need in step.month.needs:
            if need.tier in limits and need.instances > limits[need.tier]:
                found[need.tier] = step.name
    return found


def as_table(steps: Sequence[Step], *, of: str, limits: Mapping[str, int] = {}) -> str:
    lines = [_heads(of), *map(_cells, steps)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in lines]
    return "\n".join([*text, "", _NOTE, *_limit_lines(steps, limits)])


def as_markdown(steps: Sequence[Step], *, of: str, limits: Mapping[str, int] = {}) -> str:
    head = _heads(of)
    rows = [head, ["---", *["---:"] * (len(head) - 1)], *map(_cells, steps)]
    return "\n".join([*(f"| {' | '.join(row)} |" for row in rows), *_limit_lines(steps, limits)])


def as_csv(steps: Sequence[Step], *, of: str, limits: Mapping[str, int] = {}) -> str:
    records = [_record(step, of) for step in steps]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().rstrip("\n")


def as_json(steps: Sequence[Step], *, of: str, limits: Mapping[str, int] = {}) -> str:
    return json.dumps(
        {
            "steps": [_record(step, of) for step in steps],
            "limits": {tier: {"limit": limits[tier], "reached": name} for tier, name in reached(steps, limits).items()},
        },
        indent=2,
    )


FORMATS = {"table": as_table, "markdown": as_markdown, "csv": as_csv, "json": as_json}
_NOTE = (
    "Instances for the busiest minute; * where more than the minimum are needed. one machine: how much of one instance all tiers\n"
    "together would use, of what it may be used; above 100% it does not bear them. $: a month, by the prices given."
)


def _heads(of: str) -> list[str]:
    return [
        of,
        "minutes a month",
        "sockets",
        "joins/s",
        "messages/s",
        *model.TIERS,
        "one machine",
        "egress TB",
        "$ a month",
    ]


def _cells(step: Step) -> list[str]:
    load = step.month.load
    return [
        step.name,
        f"{step.minutes:,.0f}",
        f"{load.sockets:,.0f}",
        f"{load.joins:,.2f}",
        f"{load.messages:,.1f}",
        *(f"{need.instances:,}{'' if need.by == 'minimum' else '*'}" for need in step.month.needs),
        f"{step.month.one_machine:,.0%}",
        f"{step.month.egress_gb / 1000:,.1f}",
        f"{step.month.dollars:,.0f}",
    ]


def _record(step: Step, of: str) -> dict:
    load = step.month.load
    return {
        of.replace(" ", "_"): step.name,
        "minutes_a_month": round(step.minutes, 2),
        **{name: round(value, 4) for name, value in load._asdict().items()},
        **{need.tier: need.instances for need in step.month.needs},
        **{f"{need.tier}_exact": round(need.exact, 4) for need in step.month.needs},
        **{f"{need.tier}_by": need.by for need in step.month.needs},
        "one_machine": round(step.month.one_machine, 4),
        "egress_gb": round(step.month.egress_gb, 2),
        "dollars_a_month": round(step.month.dollars, 2),
    }


def _limit_lines(steps: Sequence[Step], limits: Mapping[str, int]) -> list[str]:
    lines = []
    for tier, name in reached(steps, limits).items():
        said = f"is not enough from {name} on" if name else f"is enough up to {steps[-1].name}"
        lines.append(f"{tier}: the limit of {limits[tier]} {said}.")
    return ["", *lines] if lines else []
