"""docs/threats.md: each threat has tests, and each of them exists."""

import ast
import re
from functools import cache

import pytest

from tests.server import BASE_DIR

ROWS = re.findall(
    r"^\| (T\d+) \| (.+?) \| (.+?) \| (.+?) \|$", (BASE_DIR / "docs" / "threats.md").read_text(), re.MULTILINE
)


@cache
def named_in(file: str) -> set[str]:
    tree = ast.parse((BASE_DIR / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_threats_are_numbered_in_order():
    assert [row[0] for row in ROWS] == [f"T{number:02}" for number in range(1, len(ROWS) + 1)]
    assert len(ROWS) > 30


@pytest.mark.parametrize(("number", "tests"), [(row[0], row[3]) for row in ROWS])
def test_each_is_held_off_by_tests_that_exist(number, tests):
    named = [text.strip("`").split("::") for text in tests.split("<br>")]

    assert named
    for file, name in named:
        assert name in named_in(file), f"{number}: {file} has no {name}"
