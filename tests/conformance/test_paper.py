"""The suite itself: what it quotes stands in the paper, what the paper lists is quoted, and it knows nothing but the paper."""

import ast
import re
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
PAPER = (FOLDER.parent.parent / "docs" / "protocol.md").read_text()
MODULES = {path.name: ast.parse(path.read_text()) for path in sorted(FOLDER.glob("*.py"))}
ASKING = {name: tree for name, tree in MODULES.items() if name.startswith("test_") and name != Path(__file__).name}

# What a client cannot bring about from outside.
UNTRIED = {
    "internal": "the server would have to have a fault",
    "unavailable": "the server would have to lose its store of rooms, or be starting",
}

# Sentences that promise nothing of the server: what clients do, what words mean, headings. By section and beginning.
FOR_CLIENTS = set((FOLDER / "for_clients.txt").read_text().splitlines())
BEGINNING = 60  # characters

UNTRIED_SENTENCES = {
    ("3", "or was one and leads elsewhere"): "somebody who edits the site would have to have moved it",
    (
        "6",
        "The server also sends `members` by itself when it knows that something was missed.",
    ): "its nodes would have to miss something",
    (
        "9",
        "says that this server is about to stop: after that time open a new socket and resume there.",
    ): "it would have to be one of several: alone it has nobody to send its people to",
    (
        "9",
        "sends each of its clients `reconnect` with a moment of its own, spread over the time that is left;",
    ): "it would have to be one of several",
}


def plain(text: str) -> str:
    return " ".join(text.split())


WRITTEN = dict(re.findall(r"^## (\d+)\. (.*?)(?=^## |\Z)", PAPER, re.MULTILINE | re.DOTALL))
SECTIONS = {number: plain(text) for number, text in WRITTEN.items()}


def sentences(number: str) -> list[str]:
    """Of the section's text: its sentences, and the rows of its tables; no examples."""
    text = re.sub(r"```.*?```", "", WRITTEN[number], flags=re.DOTALL)
    parts = re.split(r"\n\s*\n|\n(?=\s*[-|\d])", text)
    plainly = [plain(part).removeprefix("- ") for part in parts]
    found = [re.split(r"(?<=[.:;?])\s+(?=[A-Z`*(])", part) if not part.startswith("|") else [part] for part in plainly]
    return [one for part in found for one in part if re.search(r"[a-z]", one)]


def is_quoted(number: str, sentence: str) -> bool:
    """Whether some part of it is."""
    text = SECTIONS[number]
    begin = text.index(sentence)
    quotes = [plain(quote) for section, quote in (*PROMISES, *UNTRIED_SENTENCES) if section == number]
    return any(text.index(quote) < begin + len(sentence) and begin < text.index(quote) + len(quote) for quote in quotes)


def functions(tree: ast.Module) -> list[ast.FunctionDef]:
    """The tests of a file, without the one that only waits for what others have begun."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith(("test_", "wait_"))
        and node.name != "test_waiting"
    ]


def promises(function: ast.FunctionDef) -> list[tuple[str, str]]:
    return [
        tuple(ast.literal_eval(argument) for argument in decorator.args)
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "promise"
    ]


PROMISES = sorted({quoted for tree in ASKING.values() for function in functions(tree) for quoted in promises(function)})


@pytest.mark.parametrize(("section", "quote"), PROMISES)
def test_what_is_quoted_stands_in_the_paper(section, quote):
    assert plain(quote) in SECTIONS[section]


@pytest.mark.parametrize(("section", "quote"), UNTRIED_SENTENCES)
def test_what_is_said_to_be_out_of_reach_stands_in_the_paper_and_is_tried_nowhere(section, quote):
    assert plain(quote) in SECTIONS[section]
    assert (section, quote) not in PROMISES


def test_every_sentence_is_tried_or_promises_nothing_of_the_server():
    silent = {
        f"{number} {sentence}"[:BEGINNING]
        for number in SECTIONS
        for sentence in sentences(number)
        if not is_quoted(number, sentence)
    }

    assert sorted(silent - FOR_CLIENTS) == []
    assert sorted(FOR_CLIENTS - silent) == []


@pytest.mark.parametrize("name", ASKING)
def test_every_test_says_which_promise_it_holds(name):
    assert functions(ASKING[name])
    assert not [function.name for function in functions(ASKING[name]) if not promises(function)]


def test_every_error_is_tried_or_said_to_be_out_of_reach():
    listed = set(re.findall(r"^\| `([a-z-]+)`(?: ↻)? \| (?:\d+|–) \|", PAPER, re.MULTILINE))
    tried = {node.value for tree in ASKING.values() for node in ast.walk(tree) if isinstance(node, ast.Constant)}

    assert len(listed) == 22
    assert listed - tried == set(UNTRIED)


def test_every_section_with_promises_is_tried():
    assert {section for section, _ in PROMISES} == set(SECTIONS)


@pytest.mark.parametrize("name", MODULES)
def test_nothing_of_the_project_is_imported(name):
    allowed = {*sys.stdlib_module_names, "pytest", "websockets", "tests.conformance"}

    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.Import):
            assert all(alias.name.partition(".")[0] in allowed for alias in node.names), name
        if isinstance(node, ast.ImportFrom):
            assert node.module.partition(".")[0] in allowed or node.module.startswith("tests.conformance."), name
