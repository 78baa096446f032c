"""The image: what its Dockerfile says, and that its steps make a server that runs, read-only and without rights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from bare_root import REPOSITORY, STAND_INS, Builder, bare_debian
from dockerfile import Context, Stage, stages

import genesis
from servers import free_port

FILE = REPOSITORY / "Dockerfile"
UID = 10001
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def final() -> Stage:
    """The stage that becomes the image."""
    return stages(FILE.read_text("utf-8"))[-1]


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([str(BIN / "hadolint"), str(FILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_base_is_pinned() -> None:
    """By tag and digest, the same for all stages."""
    bases = {stage.base for stage in stages(FILE.read_text("utf-8"))}
    assert len(bases) == 1
    tag, _, digest = bases.pop().partition("@sha256:")
    assert tag.count(".") == 2
    assert len(digest) == 64


def test_it_runs_as_nobody_else_and_says_what_it_needs(final: Stage) -> None:
    """A number as the user, so that orchestrators can tell that it is not root; signals reach the server itself."""
    assert final.last("USER").text == f"{UID}:{UID}"
    assert final.last("ENTRYPOINT").words == ["genesis"]
    assert final.last("CMD").words == ["serve"]
    assert final.last("EXPOSE").text.split() == ["50051", "8000"]
    assert final.last("VOLUME").text == "/var/lib/genesis"
    assert final.last("STOPSIGNAL").text == "SIGTERM"
    labels = final.last("LABEL").text
    assert all(f"org.opencontainers.image.{name}=" in labels for name in ("title", "description", "licenses", "version", "revision"))


def test_its_version_is_the_projects(final: Stage) -> None:
    [version] = [one.text.partition("=")[2] for one in final.instructions if one.name == "ARG" and one.text.startswith("VERSION=")]
    assert f'\nversion = "{version}"\n' in (REPOSITORY / "pyproject.toml").read_text("utf-8")


def test_only_what_it_is_made_of_goes_to_the_builder() -> None:
    """No tests, no documents, no bytecode, nothing of this machine."""
    sent = set(Context(REPOSITORY).files("."))
    assert {"pyproject.toml", "uv.lock", ".ci/get_uv.py", "server/genesis_server/data/flags.json"} <= sent
    assert all(name.startswith(("server/genesis_server/", "client/python/genesis/", ".ci/")) or "/" not in name for name in sent)
    assert not [name for name in sent if "__pycache__" in name or name.startswith((".git", ".venv"))]


@dataclass(frozen=True)
class Image:
    """An image's file system, and the variables it runs with."""

    root: Path
    environment: Mapping[str, str]

    def run(self, arguments: list[str], *, data: Path, mounts: Mapping[Path, str], **more: str) -> tuple[int, str]:
        """As `start`, until it ends: exit code and what it says."""
        with self.start(arguments, data=data, mounts=mounts, **more) as process:
            said, _ = process.communicate(timeout=60)
        return process.returncode, said

    def start(self, arguments: list[str], *, data: Path, mounts: Mapping[Path, str], **more: str) -> subprocess.Popen[str]:
        """Run `genesis ARGUMENTS` in it as an engine would with a read-only root, a data volume and a temporary /tmp."""
        script = [
            "set -e",
            f"mount --bind {self.root} {self.root}",
            f"mount -t proc proc {self.root}/proc",
            f"mount -t tmpfs tmpfs {self.root}/tmp",  # noqa: S108  (inside that root)
            f"mount --bind {data} {self.root}/var/lib/genesis",
            *(f"mount --bind {source} {self.root}{target}" for source, target in mounts.items()),
            f"mount -o remount,bind,ro {self.root}",
            f"exec chroot {self.root} setpriv --reuid={UID} --regid={UID} --clear-groups --no-new-privs --bounding-set=-all"
            f" -- /bin/sh -c 'cd /var/lib/genesis && exec \"$@\"' sh {' '.join(arguments)}",
        ]
        return subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", "\n".join(script)],
            env={**self.environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Image]:
    """What the RUN steps make of a bare Debian."""
    archive = bare_debian()
    builder = Builder(archive, tmp_path, Context(REPOSITORY))
    begin = time.monotonic()
    try:
        built = [builder.build(stage) for stage in stages(FILE.read_text("utf-8"))][-1]
        print(f"the image's steps in a bare Debian: {time.monotonic() - begin:.0f} s")
        (built / "etc" / "genesis").mkdir()
        yield Image(built, builder.environments["runtime"])
    finally:
        subprocess.run(["rm", "-rf", *(str(builder.root(stage.name)) for stage in stages(FILE.read_text("utf-8")))], check=True)


@pytest.mark.timeout(900)
def test_its_steps_make_a_server_in_a_bare_debian(image: Image, tmp_path: Path) -> None:
    """One test, since the steps take long: nothing that installs is left, it is never open to everybody, and it serves read-only."""
    data, credentials = tmp_path / "data", tmp_path / "credentials"
    data.mkdir()
    os.chown(data, UID, UID)
    assert_only_what_it_needs(image)
    assert_it_does_not_start_open_to_everybody(image, data)
    subprocess.run([str(REPOSITORY / "server/deploy/credentials.sh"), str(credentials)], check=True, capture_output=True)
    assert_it_serves(image, data, credentials)
    assert {path.stat().st_uid for path in data.iterdir()} == {UID}
    assert "Read-only file system" in image.run(["touch", "/opt/venv/x"], data=data, mounts={})[1]


def assert_only_what_it_needs(image: Image) -> None:
    """Neither the base image's pip nor uv; the packages are compiled and belong to root."""
    assert [name for name in STAND_INS if (image.root / name).exists()] == []
    assert list((image.root / "opt/venv/bin").glob("pip*")) == []
    assert list(image.root.glob("usr/local/bin/uv*")) == []
    [package] = image.root.glob("opt/venv/lib/python3*/site-packages/genesis_server")
    assert package.stat().st_uid == 0
    assert list((package / "__pycache__").glob("__init__*.pyc"))
    assert (package / "data" / "flags.json").exists()
    assert (image.root / "var/lib/genesis").stat().st_uid == UID


def assert_it_does_not_start_open_to_everybody(image: Image, data: Path) -> None:
    """The image listens for other machines, so without credentials it says what to set up, and ends."""
    code, said = image.run(["genesis", "serve"], data=data, mounts={})
    assert code == 2, said
    assert "auth_mtls_file" in said
    assert "reachable from other machines" in said


def assert_it_serves(image: Image, data: Path, credentials: Path) -> None:
    """As its own user; its own health check finds it well; a plan is made over mutual TLS; it ends by itself when asked to."""
    port = free_port(neighbours=2)
    settings = {
        "GENESIS_LISTEN": f"0.0.0.0:{port}",
        "GENESIS_HTTP_LISTEN": f"127.0.0.1:{port + 1}",
        "GENESIS_HEALTH_LISTEN": f"127.0.0.1:{port + 2}",
        "GENESIS_LAME_DUCK_SECONDS": "0",
        "GENESIS_TLS_CERTIFICATE": "/etc/genesis/server.pem",
        "GENESIS_TLS_KEY": "/etc/genesis/server.key",
        "GENESIS_TLS_CLIENT_CA": "/etc/genesis/ca.pem",
        "GENESIS_AUTH_MTLS_FILE": "/etc/genesis/identities.toml",
    }
    mounts = {credentials: "/etc/genesis"}
    check = json.loads(stages(FILE.read_text("utf-8"))[-1].last("HEALTHCHECK").text.partition("CMD ")[2])
    server = image.start(["genesis", "serve"], data=data, mounts=mounts, **settings)
    try:
        end = time.monotonic() + 60
        while (found := image.run(check, data=data, mounts=mounts, **settings))[0]:
            assert server.poll() is None, server.communicate()[0]
            assert time.monotonic() < end, found
            time.sleep(0.2)
        assert f"Uid:\t{UID}\t{UID}" in Path(f"/proc/{server.pid}/status").read_text()
        with genesis.connect(
            f"127.0.0.1:{port}",
            root_certificates=credentials / "ca.pem",
            client_certificate=credentials / "admin.pem",
            client_key=credentials / "admin.key",
        ) as client:
            assert client.plan("Water the plants and feed the cat").plan.tasks
    finally:
        server.terminate()
        said, _ = server.communicate(timeout=30)
    assert server.returncode == 0, said
