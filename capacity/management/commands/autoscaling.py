"""Plays a year of autoscaling through, with what Elastic Beanstalk is told, and says what was short and what it costs."""

import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.template.loader import render_to_string

from capacity import model, plots, scaling
from capacity.beanstalk import Scaling
from capacity.costs import Costs
from capacity.options import BEANSTALK, RESULTS, add, amount, chosen, given, refusals
from capacity.options import scaling as rules

_GROUPS = {
    "traffic": scaling.Year,
    "costs": Costs,
    "assumptions": model.Assumptions,
    "machines": model.Machines,
    "prices": model.Prices,
}


class Command(BaseCommand):
    help = (
        "A simulated year of autoscaling of signaling or web, with the limits, target, cooldown and warm-up of Beanstalk's option files "
        "and the costs of bench/RESULTS.md: docs/capacity.md. Ends with 1 when more minutes are short than may be."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--beanstalk", type=Path, default=BEANSTALK, help="the folder with the option files")
        parser.add_argument("--role", default="signaling", help="which tier, and its folder; signaling or web")
        parser.add_argument("--results", type=Path, default=RESULTS, help="what was measured")
        parser.add_argument("--off", action="store_true", help="as if nothing scaled")
        parser.add_argument("--target-times", type=amount, default=1, help="so many times the target of the files")
        parser.add_argument(
            "--limit-minutes", type=amount, default=scaling.MOST_MINUTES_SHORT, help="that may be short"
        )
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--plot", type=Path, metavar="FOLDER", help="write the two charts into this folder, as SVG")
        for title, kind in _GROUPS.items():
            add(parser, title, kind)

    def handle(self, *args, **options) -> None:
        group, figures = _rules(options), given(options)
        with refusals():
            year = scaling.Year(**chosen(options, scaling.Year)).checked()
            tier = scaling.tier(options["role"], figures.costs, figures.assumptions, figures.machines)
        outcome = scaling.simulate(
            year,
            group,
            figures.costs,
            figures.assumptions,
            figures.machines,
            role=tier.role,
            is_on=not options["off"],
        )
        told = _told(outcome, tier, group, figures.prices, options)
        self.stdout.write(json.dumps(told, indent=2) if options["json"] else _text(told))
        if options["plot"]:
            _write(options["plot"], outcome, tier)
        if outcome.minutes_short > options["limit_minutes"]:
            raise CommandError(
                f"short: {outcome.minutes_short:,} minutes were short of capacity; {options['limit_minutes']:g} may be."
            )


def _rules(options: dict) -> Scaling:
    with refusals():
        if not options["target_times"]:
            raise ValueError("--target-times must be more than 0.")
        if options["role"] not in scaling.ROLES:
            raise ValueError(f"--role must be {' or '.join(scaling.ROLES)}, not {options['role']!r}.")
        found = rules(options["beanstalk"], options["role"])
    return found._replace(target=found.target * options["target_times"])


def _told(outcome: scaling.Outcome, tier: scaling.Tier, group: Scaling, prices: model.Prices, options: dict) -> dict:
    always = group.most * scaling.MINUTES / 60
    hour = getattr(prices, f"{tier.role}_hour")
    return {
        "scaling": "off" if options["off"] else group._asdict(),
        "minutes_short": outcome.minutes_short,
        "limit_minutes": options["limit_minutes"],
        "longest_short": outcome.longest_short,
        "short_in_spike": outcome.short_in_spike,
        "unit": tier.unit,
        "most": round(outcome.most),
        "a_machine_holds": round(tier.holds),
        "most_machines": outcome.most_machines,
        "machine_hours": round(outcome.machine_hours),
        "dollars": round(outcome.machine_hours * hour),
        "dollars_at_most": round(always * hour),
    }


def _text(told: dict) -> str:
    rules = told["scaling"]
    scaled = "off" if rules == "off" else "{least} to {most} machines, {target:,.0f} {metric} each".format(**rules)
    return "\n".join(
        [
            f"scaling            {scaled}",
            f"short of capacity  {told['minutes_short']:,} minutes of the year ({told['limit_minutes']:g} may be), "
            f"{told['short_in_spike']:,} of them in the spike; at most {told['longest_short']:,} running",
            f"most               {told['most']:,} {told['unit']}, {told['most_machines']} machines; "
            f"one holds {told['a_machine_holds']:,}",
            f"cost               {told['machine_hours']:,} machine hours, ${told['dollars']:,}; "
            f"${told['dollars_at_most']:,} with as many as there may be all the time",
        ]
    )


def _write(folder: Path, outcome: scaling.Outcome, tier: scaling.Tier) -> None:
    try:
        for name, layout in plots.draw(outcome, tier).items():
            (folder / f"{name}.svg").write_text(render_to_string("library/chart_file.svg", layout))
    except OSError as error:
        raise CommandError(f"no-folder: {error}") from error
