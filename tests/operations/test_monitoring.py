"""deploy/monitoring: every number that dashboard and alerts name is one that a node tells, and Prometheus reads the rules."""

import json
import re
import subprocess

import pytest
import yaml
from django.test import Client
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gruveo.metrics import registry
from tests.server import BASE_DIR

MONITORING = BASE_DIR / "deploy" / "monitoring"
ALERTS = [
    rule for group in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
PANELS = {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
}
EXPRESSIONS = {rule["alert"]: rule["expr"] for rule in ALERTS} | PANELS
OF_PROMETHEUS = {"up"}  # its own


@pytest.fixture(scope="module")
def page() -> bytes:
    """What a node tells, with a request that has been counted among it."""
    Client().get("/healthz")
    return generate_latest(registry)


@pytest.fixture(scope="module")
def told(page) -> set[str]:
    """The names of all samples."""
    by_type = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
    families = text_string_to_metric_families(page.decode())
    return {family.name + ending for family in families for ending in by_type.get(family.type, [""])}


def names(expression: str) -> set[str]:
    """The metrics that a query names."""
    without_labels = re.sub(r"\{[^}]*\}", "", expression)
    return set(re.findall(r"\b(?:gruveo|process)_\w+|\bup\b", without_labels))


@pytest.mark.parametrize("where", EXPRESSIONS)
def test_every_number_that_is_named_is_told(told, where):
    named = names(EXPRESSIONS[where])

    assert named
    assert named <= told | OF_PROMETHEUS


def test_the_dashboard_shows_every_number_of_ours(told):
    shown = set().union(*map(names, PANELS.values()))
    told = {name for name in told if name.startswith("gruveo_") and not name.endswith(("_sum", "_count", "_created"))}

    assert told - shown == set()


def promtool(*arguments: str) -> str:
    done = subprocess.run(["promtool", *arguments], cwd=BASE_DIR, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_reads_the_rules():
    assert f"SUCCESS: {len(ALERTS)} rules found" in promtool("check", "rules", "deploy/monitoring/alerts.yml")


def test_the_rules_say_what_they_should_in_known_cases():
    assert "SUCCESS" in promtool("test", "rules", "tests/operations/alerts.yml")


@pytest.mark.parametrize("where", PANELS)
def test_prometheus_reads_each_query_of_the_dashboard(tmp_path, where):
    query = PANELS[where].replace("$node", ".*")
    rules = {"groups": [{"name": "panels", "rules": [{"record": "panel", "expr": query}]}]}
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump(rules))

    assert "SUCCESS: 1 rules found" in promtool("check", "rules", str(file))


def test_prometheus_reads_what_a_node_tells(page):
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True)

    ours = [line for line in done.stdout.decode().splitlines() if line.startswith("gruveo_")]
    assert done.returncode in {0, 3}, done.stderr  # 3: it would name something otherwise
    assert ours == []
