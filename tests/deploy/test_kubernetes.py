"""The Kubernetes manifests: they fit the schemas, keep to the restricted profile, and go with what the server really does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from dockerfile import stages

from genesis_server.rpc.health import LIVENESS, READINESS
from genesis_server.settings.fields import Fields

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "server" / "deploy" / "kubernetes"
KUBERNETES = kubernetes_validate.latest_version()
MANIFESTS = [
    (path.name, manifest)
    for path in sorted(FOLDER.glob("*.yaml"))
    if path.name != "kustomization.yaml"
    for manifest in yaml.safe_load_all(path.read_text("utf-8"))
]


def manifest(kind: str) -> dict[str, Any]:
    """The only one of a kind."""
    [found] = [one for _, one in MANIFESTS if one["kind"] == kind]
    return found


@pytest.fixture
def pod() -> dict[str, Any]:
    """What the pod is."""
    return manifest("StatefulSet")["spec"]["template"]["spec"]


@pytest.fixture
def container(pod: dict[str, Any]) -> dict[str, Any]:
    """Its only container."""
    [found] = pod["containers"]
    return found


@pytest.fixture
def variables() -> dict[str, str]:
    """What the container's environment is: the image's, and the config map over it."""
    [image] = [one for one in stages((REPOSITORY / "Dockerfile").read_text("utf-8")) if one.name == "runtime"]
    said = dict(word.partition("=")[::2] for word in image.last("ENV").words)
    return {name: value for name, value in said.items() if name.startswith("GENESIS_")} | manifest("ConfigMap")["data"]


@pytest.mark.parametrize(("name", "one"), MANIFESTS, ids=lambda value: value if isinstance(value, str) else value["kind"])
def test_each_manifest_fits_its_schema(name: str, one: dict[str, Any]) -> None:
    """Strictly: a name that Kubernetes does not know is a mistake."""
    kubernetes_validate.validate(one, KUBERNETES, strict=True)
    assert one["kind"] == "Namespace" or one["metadata"]["namespace"] == "genesis", name


def test_a_mistake_would_be_found() -> None:
    """The schemas are really looked at."""
    wrong = manifest("ServiceAccount") | {"automountToken": False}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


def test_the_kustomization_names_every_file_but_the_secret() -> None:
    """A secret's template is never applied over a real one."""
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
    assert set(kustomization["resources"]) == {name for name, _ in MANIFESTS} - {"secret.yaml"}


def test_the_pod_keeps_to_the_restricted_profile(pod: dict[str, Any], container: dict[str, Any]) -> None:
    """The rules of the Pod Security Standards' strictest profile, and a read-only root besides."""
    security = pod["securityContext"]
    assert security["runAsNonRoot"]
    assert security["runAsUser"] == 10001
    assert security["seccompProfile"]["type"] == "RuntimeDefault"
    own = container["securityContext"]
    assert own == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert not {"hostNetwork", "hostPID", "hostIPC", "hostAliases"} & set(pod)
    assert not any("hostPort" in port for port in container["ports"])
    allowed = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
    assert all(set(volume) - {"name"} <= allowed for volume in pod["volumes"])
    assert manifest("Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert pod["automountServiceAccountToken"] is manifest("ServiceAccount")["automountServiceAccountToken"] is False


def test_probes_ask_what_the_server_tells_where_it_tells_it(container: dict[str, Any], variables: dict[str, str]) -> None:
    """On the port without TLS, for names the health service knows; the liveness probe never asks for readiness."""
    probes = {name: container[name]["grpc"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    port = int(variables["GENESIS_HEALTH_LISTEN"].rpartition(":")[2])
    assert {name: probe["service"] for name, probe in probes.items()} == {
        "startupProbe": READINESS,
        "readinessProbe": READINESS,
        "livenessProbe": LIVENESS,
    }
    assert {probe["port"] for probe in probes.values()} == {port}
    assert not variables["GENESIS_HEALTH_LISTEN"].startswith("127.")


def test_ports_are_those_the_server_listens_on(container: dict[str, Any], variables: dict[str, str]) -> None:
    """Container, services and network policy agree."""
    listened = {name: int(variables[f"GENESIS_{setting}"].rpartition(":")[2]) for name, setting in PORTS.items()}
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == listened
    for _, service in MANIFESTS:
        if service["kind"] == "Service":
            assert all(port["port"] == listened[port["targetPort"]] for port in service["spec"]["ports"])
            assert service["spec"]["selector"] == manifest("StatefulSet")["spec"]["selector"]["matchLabels"]
    named = {port["port"] for rule in manifest("NetworkPolicy")["spec"]["ingress"] for port in rule["ports"]}
    assert named == {"grpc", "http"}


PORTS = {"grpc": "LISTEN", "http": "HTTP_LISTEN", "health": "HEALTH_LISTEN"}


def test_there_is_time_to_drain(pod: dict[str, Any], variables: dict[str, str]) -> None:
    """Kubernetes kills only after the server has ended by itself: lame duck, grace, and 5 seconds to close."""
    seconds = {
        name: float(variables.get(f"GENESIS_{name.upper()}", Fields.model_fields[name].default))
        for name in ("lame_duck_seconds", "stop_grace_seconds")
    }
    assert pod["terminationGracePeriodSeconds"] >= sum(seconds.values()) + 5


def test_one_pod_with_one_volume(pod: dict[str, Any], container: dict[str, Any], variables: dict[str, str]) -> None:
    """Two machines must not write one SQLite file."""
    spec = manifest("StatefulSet")["spec"]
    assert spec["replicas"] == 1
    [claim] = spec["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts[claim["metadata"]["name"]] == variables["GENESIS_DATA_DIR"]
    assert set(mounts) == {claim["metadata"]["name"], *(volume["name"] for volume in pod["volumes"])}
    assert spec["serviceName"] in {one["metadata"]["name"] for _, one in MANIFESTS if one["kind"] == "Service"}


def test_the_server_takes_these_settings(variables: dict[str, str], container: dict[str, Any], tmp_path: Path) -> None:
    """With the files of the documented command where the secret puts them, `genesis config check` has nothing to say."""
    subprocess.run([str(FOLDER.parent / "credentials.sh"), str(tmp_path / "made")], check=True, capture_output=True)
    [mounted] = [mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == "credentials"]
    secret = set(manifest("Secret")["stringData"])
    here = {name: value.replace(mounted, str(tmp_path / "made")) for name, value in variables.items()}
    named = {Path(value).name for name, value in variables.items() if value.startswith(mounted)}
    assert named == secret
    assert check(here) == 0


def check(variables: dict[str, str]) -> int:
    """The exit code of `genesis config check` in this environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GENESIS_")}
    command = [sys.executable, "-m", "genesis_server", "config", "check"]
    return subprocess.run(command, env=clean | variables, capture_output=True, check=False).returncode
