"""The rules as Prometheus reads them: valid, tested at their thresholds, and never without the words a person needs."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from monitoring import stack

ALERTS = stack.rules(alerts=True)
NAMES = sorted({rule["alert"] for rule in ALERTS})
TEST_FILES = sorted((stack.PROMETHEUS / "tests").glob("*.yaml"))
TWELVE = 12
BESIDE = {"Watchdog", "TargetDown"}
"""Alerts of the monitoring itself."""
CATEGORIES = {"availability", "performance", "errors", "deployment", "cost", "security"}
SCRAPE = timedelta(seconds=15)
COUNTERS = ("_total", "_bucket", "_count", "_sum")


def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    promtool = stack.program("promtool")
    stack.checked(promtool, "check", "config", str(stack.PROMETHEUS / "prometheus.yml"))
    stack.checked(promtool, "check", "rules", *map(str, stack.RULE_FILES))


@pytest.mark.parametrize("file", TEST_FILES, ids=[path.stem for path in TEST_FILES])
def test_alerts_fire_at_their_threshold_and_not_one_step_below(file: Path) -> None:
    stack.checked(stack.program("promtool"), "test", "rules", str(file))


def test_the_four_jobs_have_the_names_that_rules_and_dashboards_hold_on_to() -> None:
    config = yaml.safe_load((stack.PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    assert [job["job_name"] for job in config["scrape_configs"]] == ["genesis", "prometheus", "grafana", "node-exporter"]
    assert (config["global"]["scrape_interval"], config["global"]["evaluation_interval"]) == ("15s", "15s")


def test_there_are_twelve_alerts_and_two_of_the_monitoring_itself() -> None:
    assert len(set(NAMES) - BESIDE) == TWELVE
    assert set(NAMES) >= BESIDE


@pytest.mark.parametrize(
    "rule", ALERTS, ids=[f"{rule['alert']}-{rule['labels']['severity']}-{number}" for number, rule in enumerate(ALERTS)]
)
def test_an_alert_says_how_bad_it_is_what_it_means_and_where_to_look(rule: dict[str, Any]) -> None:
    name, words = rule["alert"], rule["annotations"]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["labels"]["category"] in CATEGORIES
    assert set(words) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert len(words["summary"]) > 10
    assert words["description"].endswith(".")
    assert words["runbook_url"].endswith(f"/runbooks/{name}.md")
    assert (stack.RUNBOOKS / f"{name}.md").is_file()
    assert words["dashboard_url"].rsplit("/d/", 1)[1] in stack.dashboard_ids()


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_has_unit_tests_that_it_fires_with_exact_words_and_that_it_does_not(name: str) -> None:
    tests = [
        check
        for path in TEST_FILES
        for case in yaml.safe_load(path.read_text("utf-8"))["tests"]
        for check in case["alert_rule_test"]
        if check["alertname"] == name
    ]
    fired = [alert for check in tests for alert in check["exp_alerts"]]
    severities = {rule["labels"]["severity"] for rule in ALERTS if rule["alert"] == name}
    assert {alert["exp_labels"]["severity"] for alert in fired} == severities
    assert all(set(alert["exp_annotations"]) == {"summary", "description", "runbook_url", "dashboard_url"} for alert in fired)
    assert name == "Watchdog" or any(not check["exp_alerts"] for check in tests)


@pytest.mark.parametrize("name", sorted(name for name in NAMES if "Burn" in name or "Rate" in name or "Latency" in name))
def test_an_alert_about_a_share_of_calls_wants_a_hundred_of_them(name: str) -> None:
    for rule in ALERTS:
        if rule["alert"] == name:
            assert rule["expr"].strip().endswith("> 100"), rule["expr"]


@pytest.mark.parametrize("rule", [*ALERTS, *stack.rules(alerts=False)], ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_takes_rates_of_counters_over_windows_that_hold_several_scrapes(rule: dict[str, Any]) -> None:
    nodes = stack.nodes(rule["expr"])
    for node in nodes:
        if isinstance(node, promql_parser.Call) and node.func.name in {"rate", "increase"}:
            assert node.args[0].range >= 2 * SCRAPE
            assert node.args[0].vector_selector.name.endswith(COUNTERS)
    counters = [node.name for node in nodes if isinstance(node, promql_parser.VectorSelector) and node.name.endswith(COUNTERS)]
    assert len(counters) == stack.rates(rule["expr"])


def test_no_series_is_recorded_twice() -> None:
    recorded = Counter((rule["record"], tuple(sorted(rule.get("labels", {}).items()))) for rule in stack.rules(alerts=False))
    assert set(recorded.values()) == {1}
