"""Who hears of what, as Alertmanager itself decides it."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from monitoring import stack

from workers import eventually

FILE = stack.ALERTMANAGER / "alertmanager.yml"
ALERTS = stack.rules(alerts=True)
SECRETS = {
    "api_url",
    "routing_key",
    "service_key",
    "password",
    "auth_password",
    "credentials",
    "bearer_token",
    "slack_api_url",
    "smtp_auth_password",
}


def config() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text("utf-8"))


def receivers(**labels: str) -> list[str]:
    """Who is told of an alert with these labels."""
    pairs = [f"{name}={value}" for name, value in labels.items()]
    said = stack.checked(stack.program("amtool"), "config", "routes", "test", f"--config.file={FILE}", *pairs)
    return said.strip().split(",")


def test_alertmanager_takes_the_configuration() -> None:
    assert "SUCCESS" in stack.checked(stack.program("amtool"), "check-config", str(FILE))


@pytest.mark.parametrize(
    "rule", ALERTS, ids=[f"{rule['alert']}-{rule['labels']['severity']}-{number}" for number, rule in enumerate(ALERTS)]
)
def test_every_alert_reaches_those_it_concerns(rule: dict[str, Any]) -> None:
    severity = rule["labels"]["severity"]
    expected = {
        "critical": ["team-summary", "page"],
        "warning": ["team-summary", "on-call-mail"],
        "info": ["dead-mans-switch"],
    }[severity]
    assert receivers(alertname=rule["alert"], job="genesis", **rule["labels"]) == expected


def test_alerts_about_rollouts_also_go_to_the_channel_of_deployments() -> None:
    assert receivers(alertname="Any", severity="critical", category="deployment") == ["team-summary", "deployments", "page"]
    assert receivers(alertname="Any", severity="warning", category="deployment") == ["team-summary", "deployments", "on-call-mail"]


def test_information_is_in_the_mail_of_the_day_only_and_what_has_no_severity_is_not_lost() -> None:
    assert receivers(alertname="Any", severity="info") == ["team-summary", "nobody-more"]
    assert receivers(alertname="Any") == ["on-call-mail"]


def test_critical_alerts_page_and_are_told_in_the_channel_of_incidents() -> None:
    page = next(one for one in config()["receivers"] if one["name"] == "page")
    assert set(page) == {"name", "pagerduty_configs", "slack_configs", "email_configs"}
    assert page["slack_configs"][0]["channel"] == "#incidents"
    assert next(one for one in config()["receivers"] if one["name"] == "deployments")["slack_configs"][0]["channel"] == "#deployments"


def test_the_dead_mans_switch_is_told_every_minute_and_never_that_all_is_over() -> None:
    route = next(one for one in config()["route"]["routes"] if one["receiver"] == "dead-mans-switch")
    # A repeat that is as long as the group's interval is left out every other time.
    assert (route["group_wait"], route["group_interval"], route["repeat_interval"]) == ("0s", "1m", "50s")
    (webhook,) = next(one for one in config()["receivers"] if one["name"] == "dead-mans-switch")["webhook_configs"]
    assert webhook["send_resolved"] is False


def test_secrets_are_read_from_files() -> None:
    def fields(node: object) -> list[str]:
        if isinstance(node, dict):
            return [*map(str, node), *[name for below in node.values() for name in fields(below)]]
        return [name for below in node for name in fields(below)] if isinstance(node, list) else []

    found = fields(config())
    assert not SECRETS & set(found)
    assert {"slack_api_url_file", "routing_key_file", "smtp_auth_password_file", "credentials_file"} <= set(found)


LOUD_AND_QUIET = [
    (("GenesisErrorRateSevere", "critical"), ("GenesisErrorRateHigh", "critical")),
    (("GenesisErrorRateHigh", "critical"), ("GenesisErrorRateElevated", "warning")),
    (("GenesisErrorBudgetBurnFast", "critical"), ("GenesisErrorBudgetBurnSlow", "warning")),
    (("GenesisLatencyP95Critical", "critical"), ("GenesisLatencyP95High", "warning")),
    (("GenesisAgentsLost", "critical"), ("GenesisAgentsLost", "warning")),
]


def test_the_louder_alert_silences_the_quieter_one_of_the_same_service_only(tmp_path: Path) -> None:
    sink = stack.Sink()
    with sink.listening() as heard, stack.alertmanager(tmp_path / "alertmanager", heard) as address:
        for number, pair in enumerate(LOUD_AND_QUIET):
            both = [{"alertname": name, "severity": severity, "job": f"service-{number}"} for name, severity in pair]
            _post(address, *both, {**both[1], "job": f"other-{number}"})
        shown = {tuple(alert["labels"][name] for name in ("alertname", "severity", "job")): alert["status"] for alert in _alerts(address)}
    for number, (loud, quiet) in enumerate(LOUD_AND_QUIET):
        assert not shown[*loud, f"service-{number}"]["inhibitedBy"]
        assert shown[*quiet, f"service-{number}"]["inhibitedBy"], f"{quiet} is told beside {loud}"
        assert not shown[*quiet, f"other-{number}"]["inhibitedBy"]


def _post(address: str, *alerts: dict[str, str]) -> None:
    body = json.dumps([{"labels": labels} for labels in alerts]).encode()
    asked = urllib.request.Request(f"http://{address}/api/v2/alerts", data=body, headers={"Content-Type": "application/json"})
    urllib.request.urlopen(asked, timeout=10).close()  # noqa: S310  (the address is ours)


def _alerts(address: str) -> list[dict[str, Any]]:
    """All alerts, once it has decided about each of them."""

    def decided() -> list[dict[str, Any]] | None:
        with urllib.request.urlopen(f"http://{address}/api/v2/alerts", timeout=10) as answer:
            found = json.load(answer)
        return found if all(alert["status"]["state"] != "unprocessed" for alert in found) else None

    return eventually(decided)


def test_only_alerts_that_exist_silence_others_and_are_silenced() -> None:
    known = {rule["alert"] for rule in ALERTS}
    named = [
        name
        for rule in config()["inhibit_rules"]
        for matcher in (*rule["source_matchers"], *rule["target_matchers"])
        if matcher.startswith("alertname")
        for name in re.search(r'"(.*)"', matcher)[1].split("|")  # type: ignore[index]
    ]
    assert named
    assert set(named) <= known
    assert not {"Watchdog", "TargetDown"} & set(named)
