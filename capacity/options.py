"""What the commands of this package ask for: a figure of a model is an option with its own sentence; and the files that they read."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from capacity import model
from capacity.beanstalk import BadOptions, Scaling
from capacity.beanstalk import read as read_scaling
from capacity.costs import BadResults, Costs, read
from capacity.plan import Given

_ROOT = Path(__file__).resolve().parents[1]
RESULTS = _ROOT / "bench" / "RESULTS.md"
BEANSTALK = _ROOT / "deploy" / "beanstalk"


def add(parser: Any, title: str, kind: type) -> None:
    """An option for each field of the dataclass."""
    group = parser.add_argument_group(title)
    for one in fields(kind):
        known = f"{one.default:g}" if isinstance(one.default, int | float) else "as measured"
        said = f"{one.metadata['help']}; {known}".replace("%", "%%")
        group.add_argument(f"--{one.name.replace('_', '-')}", type=amount, help=said)


def chosen(options: dict, kind: type) -> dict[str, float]:
    """Those that were said."""
    return {one.name: options[one.name] for one in fields(kind) if options[one.name] is not None}


def costs(options: dict) -> Costs:
    """
    As said, and what was not said as measured.

    Raises:
        OSError: the file of results cannot be read.
        BadResults: nor what is in it.
    """
    said = chosen(options, Costs)
    if len(said) < len(fields(Costs)):
        said = vars(read(options["results"].read_text())) | said
    return Costs(**said)


def scaling(folder: Path, role: str) -> Scaling:
    """
    Of an unpacked bundle, or of the common folder and the role's, of which bundles are made.

    Raises:
        OSError: a file cannot be read.
        BadOptions: there are none, or they say something else.
    """
    folders = [folder, folder / "common", folder / role]
    return read_scaling(
        {path.name: path.read_text() for one in folders for path in (one / ".ebextensions").glob("*.config")}
    )


def given(options: dict, **assumed: float) -> Given:
    """
    All that a month depends on; `assumed` in place of the assumptions that nobody has said.

    Raises:
        CommandError: with a code at the beginning of its text.
    """
    with refusals():
        kinds = (model.Machines, model.Prices)
        assumptions = model.Assumptions(**(assumed | chosen(options, model.Assumptions)))
        return Given(costs(options), assumptions, *(kind(**chosen(options, kind)) for kind in kinds)).checked()


@contextmanager
def refusals() -> Iterator[None]:
    """What is wrong with files and figures, as an error of the command."""
    try:
        yield
    except OSError as error:
        raise CommandError(f"no-file: {error.filename} cannot be read: {error.strerror}.") from error
    except (BadResults, BadOptions) as error:
        raise CommandError(f"{error.code}: {error}") from error
    except ValueError as error:
        raise CommandError(f"bad-value: {error}") from error


def amount(text: str) -> float:
    try:
        number = float(text.replace("_", "").replace(",", ""))
    except ValueError:
        number = -1
    if not 0 <= number <= 1e15:  # NaN is neither
        raise argparse.ArgumentTypeError(f"{text!r} is no amount; write a number from 0 on.")
    return number
