"""The compose file: it fits the schema, everything it mounts is there, and every service is shut in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dockerfile import stages

from genesis_server.settings.fields import Fields

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "monitoring"
FILE = FOLDER / "compose.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
YOURS = "credentials/"
"""What somebody makes before the first start."""


def test_it_fits_the_schema() -> None:
    """The one of the Compose Specification."""
    command = [str(Path(sys.executable).parent / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def mounts(service: dict[str, Any]) -> list[list[str]]:
    """Source, target and mode of each volume."""
    return [said.split(":") for said in service.get("volumes", [])]


def test_what_is_mounted_is_there() -> None:
    """Files of the repository exist and are mounted read-only; the rest is what credentials.sh makes, or a volume that is declared."""
    for service in SERVICES.values():
        for source, _, *mode in mounts(service):
            if not source.startswith("."):
                assert source in COMPOSE["volumes"]
                continue
            assert mode == ["ro"]
            assert source.startswith(f"./{YOURS}") or (FOLDER / source).exists(), source
    assert {secret["file"].partition("/")[0] for secret in COMPOSE["secrets"].values()} == {YOURS.strip("/")}


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_shut_in(name: str) -> None:
    """A pinned image, a read-only root without rights, bounds on what it takes, and nobody but this machine reaches it."""
    service = SERVICES[name]
    assert re.search(r":v?\d+\.\d+\.\d+(-\w+)?(@sha256:[0-9a-f]{64})?$", service["image"])
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert service["init"]
    assert {"mem_limit", "cpus", "pids_limit"} <= set(service)
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])
    assert service["healthcheck"]["test"][0] == "CMD"
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert all(one["condition"] == "service_healthy" for one in service.get("depends_on", {}).values())
    assert set(service["networks"]) <= set(COMPOSE["networks"])


def test_prometheus_finds_what_it_scrapes() -> None:
    """Each target is a service on a network they share, and so is the Alertmanager."""
    said = yaml.safe_load((FOLDER / "prometheus" / "prometheus.yml").read_text("utf-8"))
    groups = [group for job in said["scrape_configs"] for group in job.get("static_configs", [])]
    groups += [group for one in said["alerting"]["alertmanagers"] for group in one["static_configs"]]
    targets = {target for group in groups for target in group["targets"]}
    assert {target.partition(":")[0] for target in targets} == {"server", "prometheus", "grafana", "alertmanager"}
    shared = set(SERVICES["prometheus"]["networks"])
    assert all(shared & set(SERVICES[target.partition(":")[0]]["networks"]) for target in targets)
    assert f"server:{image_settings()['GENESIS_HTTP_LISTEN'].rpartition(':')[2]}" in targets


def test_grafana_finds_what_it_shows() -> None:
    """Data sources are services, and dashboards lie where their provider looks."""
    sources, providers = provisioned("datasources"), provisioned("dashboards")
    assert sources
    assert {one["url"].removeprefix("http://").partition(":")[0] for one in sources} <= set(SERVICES)
    targets = {target: source for source, target, *_ in mounts(SERVICES["grafana"])}
    assert [targets[one["options"]["path"]] for one in providers] == ["./grafana/dashboards"]


def provisioned(what: str) -> list[dict[str, Any]]:
    """What Grafana is given at its start."""
    files = sorted((FOLDER / "grafana" / "provisioning" / what).glob("*.yaml"))
    return [one for path in files for one in yaml.safe_load(path.read_text("utf-8"))[{"dashboards": "providers"}.get(what, what)]]


def test_nobody_but_the_server_reaches_the_flags() -> None:
    """Redis asks for no password, so it is on a network of its own, and publishes nothing."""
    [network] = SERVICES["redis"]["networks"]
    assert {name for name, one in SERVICES.items() if network in one["networks"]} == {"server", "redis"}
    assert COMPOSE["networks"][network]["internal"]
    assert "ports" not in SERVICES["redis"]


def test_the_server_has_time_to_drain() -> None:
    """The engine kills only after it has ended by itself."""
    needed = sum(Fields.model_fields[name].default for name in ("lame_duck_seconds", "stop_grace_seconds"))
    assert int(SERVICES["server"]["stop_grace_period"].removesuffix("s")) >= needed + 5


def test_the_server_takes_these_settings(tmp_path: Path) -> None:
    """With the files of the documented command, `genesis config check` has nothing to say."""
    made = tmp_path / "made"
    subprocess.run([str(REPOSITORY / "server" / "deploy" / "credentials.sh"), str(made), "server"], check=True, capture_output=True)
    said = image_settings() | SERVICES["server"]["environment"]
    assert {value.removeprefix("/run/secrets/") for value in said.values() if value.startswith("/run/secrets/")} == set(COMPOSE["secrets"])
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GENESIS_")}
    here = {name: value.replace("/run/secrets", str(made)) for name, value in said.items()}
    command = [sys.executable, "-m", "genesis_server", "config", "check"]
    done = subprocess.run(command, env=clean | here, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def image_settings() -> dict[str, str]:
    """What the image sets."""
    image = stages((REPOSITORY / "Dockerfile").read_text("utf-8"))[-1]
    return {name: value for name, _, value in (word.partition("=") for word in image.last("ENV").words) if name.startswith("GENESIS_")}
