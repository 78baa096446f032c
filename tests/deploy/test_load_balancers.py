"""The load balancers' configurations go with what the server does when it drains; tests/e2e/test_rolling_restart.py runs them."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

import pytest
import yaml

from genesis_server.rpc.health import READINESS
from genesis_server.settings.fields import Fields

FOLDER = Path(__file__).resolve().parents[2] / "server" / "deploy"
HAPROXY = (FOLDER / "haproxy.cfg").read_text("utf-8")
ENVOY = (FOLDER / "envoy.yaml").read_text("utf-8")


def envoy_check() -> dict[str, object]:
    """Envoy's health check."""
    numbers = dict.fromkeys(Template(ENVOY).get_identifiers(), "1")
    [cluster] = yaml.safe_load(Template(ENVOY).substitute(numbers))["static_resources"]["clusters"]
    [check] = cluster["health_checks"]
    return check


def haproxy_seconds() -> float:
    """How long HAProxy takes to notice a drain."""
    [inter], [fall] = re.findall(r" inter (\d+)ms", HAPROXY), re.findall(r" fall (\d+)", HAPROXY)
    return int(inter) / 1000 * int(fall)


def envoy_seconds() -> float:
    """How long Envoy takes to notice a drain."""
    check = envoy_check()
    return float(str(check["interval"]).removesuffix("s")) * int(str(check["unhealthy_threshold"]))


@pytest.mark.parametrize("seconds", [haproxy_seconds(), envoy_seconds()], ids=["haproxy", "envoy"])
def test_a_drain_is_noticed_well_within_the_lame_duck_time(seconds: float) -> None:
    """With room for a busy machine."""
    assert seconds <= Fields.model_fields["lame_duck_seconds"].default / 3


def test_both_ask_for_readiness() -> None:
    """What turns when the server drains."""
    assert envoy_check()["grpc_health_check"] == {"service_name": READINESS}
    assert "uri /readyz" in HAPROXY


def test_both_take_the_same_variables() -> None:
    """One set of addresses for either; HAProxy needs the HTTP ports besides."""
    of_haproxy, of_envoy = set(Template(HAPROXY).get_identifiers()), set(Template(ENVOY).get_identifiers())
    assert of_haproxy - of_envoy == {"GENESIS_A_HTTP_PORT", "GENESIS_B_HTTP_PORT"}
    assert of_envoy <= of_haproxy
