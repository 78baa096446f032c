"""The dashboards as Grafana reads them, by the rules of grafana/dashboard-linter, and as the code makes them."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import Any

import promql_parser
import pytest
import yaml
from monitoring import stack

PANELS = stack.panels()
TARGETS = [(f"{panel['title']} {target['refId']}", target) for panel in PANELS for target in panel["targets"]]
IDS = [name for name, _ in TARGETS]
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
EXCEPTIONS = tomllib.loads((stack.ROOT / "grafana" / "lint.toml").read_text("utf-8"))["no_instance"]
SYSTEM_HEALTH = {
    1: "Overall health",
    2: "Request rate by RPC",
    3: "Error ratio against the SLO",
    4: "Latency P50, P95, P99",
    5: "Error budget left",
    6: "Planning, routing and validation time (P95)",
    7: "Tasks completed and failed",
    8: "Degradation level used",
    9: "Breaker states",
    10: "Agents live and load",
    11: "Flag version and evaluations by reason",
    12: "CPU, memory, file descriptors",
    13: "Build version, uptime, rollout step",
}


def selectors(expr: str) -> list[promql_parser.VectorSelector]:
    return [node for node in stack.nodes(stack.concrete(expr)) if isinstance(node, promql_parser.VectorSelector)]


def test_the_files_are_what_the_code_makes() -> None:
    code = stack.ROOT / "grafana" / "generate.py"
    done = subprocess.run([sys.executable, str(code), "--check"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_system_health_has_its_thirteen_panels() -> None:
    (board,) = [board for board in stack.dashboards() if board["uid"] == "genesis-system-health"]
    assert {panel["id"]: panel["title"] for panel in board["panels"]} == SYSTEM_HEALTH


@pytest.mark.parametrize("board", stack.dashboards(), ids=lambda board: board["uid"])
def test_a_dashboard_can_be_pointed_at_any_source_service_and_process_and_is_not_edited_by_hand(board: dict[str, Any]) -> None:
    assert board["editable"] is False
    assert board["title"]
    assert board["description"]
    variables = {one["name"]: one for one in board["templating"]["list"]}
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    for name, label in (("job", "Job"), ("instance", "Instance")):
        assert {"multi": True, "includeAll": True, "allValue": ".+", "label": label, "datasource": SOURCE}.items() <= variables[
            name
        ].items()


@pytest.mark.parametrize("board", stack.dashboards(), ids=lambda board: board["uid"])
def test_panels_do_not_lie_on_each_other(board: dict[str, Any]) -> None:
    places = [panel["gridPos"] for panel in board["panels"]]
    cells = [(x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])
def test_a_panel_has_a_title_a_description_a_unit_a_source_and_something_to_show(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == SOURCE
    assert panel["targets"]


@pytest.mark.parametrize("target", [target for _, target in TARGETS], ids=IDS)
def test_a_query_can_be_read_and_asks_only_the_chosen_servers(target: dict[str, Any]) -> None:
    assert target["datasource"] == SOURCE
    expr = target["expr"]
    promql_parser.parse(stack.concrete(expr))
    for selector in selectors(expr):
        asked = {one.name: (one.op, one.value) for one in selector.matchers.matchers}
        assert asked["job"] == (promql_parser.MatchOp.Re, ".+"), f"{selector.name} has no job=~$job"
        if selector.name not in EXCEPTIONS:
            assert asked["instance"] == (promql_parser.MatchOp.Re, ".+"), f"{selector.name} has no instance=~$instance"
    for name in ("job", "instance"):
        assert expr.count(f'{name}=~"${name}"') == expr.count(f"{name}=~")


def test_every_exception_has_a_reason_and_is_needed() -> None:
    asked = {selector.name for _, target in TARGETS for selector in selectors(target["expr"])}
    assert set(EXCEPTIONS) <= asked
    assert all(len(reason) > 20 for reason in EXCEPTIONS.values())


@pytest.mark.parametrize("target", [target for _, target in TARGETS], ids=IDS)
def test_counters_are_asked_for_rates_over_what_fits_the_scrapes(target: dict[str, Any]) -> None:
    expr = target["expr"]
    counters = [one.name for one in selectors(expr) if one.name.endswith(("_total", "_bucket", "_count", "_sum"))]
    assert len(counters) == stack.rates(stack.concrete(expr))
    assert expr.count("[") == expr.count("[$__rate_interval]"), "a fixed window shows nothing, or too little, when one zooms"


def test_grafana_finds_its_sources_and_dashboards() -> None:
    provisioning = stack.ROOT / "grafana" / "provisioning"
    sources = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text("utf-8"))["datasources"]
    assert [(one["type"], one["url"]) for one in sources] == [
        ("prometheus", "http://prometheus:9090"),
        ("alertmanager", "http://alertmanager:9093"),
    ]
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "genesis.yaml").read_text("utf-8"))["providers"]
    assert (provider["type"], provider["allowUiUpdates"]) == ("file", False)
