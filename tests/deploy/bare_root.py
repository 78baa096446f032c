"""Builds an image's file system without a container engine: the RUN steps of a Dockerfile in a bare Debian root, with chroot.

What the base image has beside Debian stands in: Debian's own Python, and files where the image keeps pip, which must be gone in the end.
"""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from dockerfile import Context, Instruction, Stage, assignments, substituted

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".tools" / "debian-bookworm-python3.tar"
PACKAGES = "python3,ca-certificates"
STAND_INS = ("usr/local/bin/pip", "usr/local/bin/pip3", "usr/local/lib/python3.13/site-packages/pip/__init__.py")
"""What python:slim has, and a bare root has not."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_INDEX = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")
_OFFLINE = re.compile(r"dns error|name resolution|Network is unreachable|could not be fetched.*cannot be read")
_BUILD_SECONDS = 900


def bare_debian() -> Path:
    """An archive of a bare Debian with Python, made once. Skips where it cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("needs root, for debootstrap and chroot")
    for program in ("debootstrap", "unshare", "setpriv"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if not CACHE.exists():
        CACHE.parent.mkdir(exist_ok=True)
        folder = CACHE.with_name(f"debian.{os.getpid()}")
        half = CACHE.with_name(f"debian.{os.getpid()}.tar")
        try:
            command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False)
            if done.returncode:
                pytest.skip(f"debootstrap finds no Debian to install: {done.stdout.strip().splitlines()[-1:]}")
            subprocess.run(["tar", "--create", "--file", str(half), "--directory", str(folder), "."], check=True)
            half.replace(CACHE)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            half.unlink(missing_ok=True)
    return CACHE


class Builder:
    """Builds the stages of a Dockerfile, each in a folder."""

    def __init__(self, archive: Path, folder: Path, context: Context) -> None:
        """Build below `folder`, every stage from `archive`."""
        self._archive = archive
        self._folder = folder
        self._context = context
        self.environments: dict[str, dict[str, str]] = {}
        """The variables that each stage ends with."""

    def root(self, stage: str) -> Path:
        """The folder of a stage."""
        return self._folder / stage

    def build(self, stage: Stage) -> Path:
        """Do what the stage says; its root."""
        root = self.root(stage.name)
        root.mkdir()
        subprocess.run(["tar", "--extract", "--file", str(self._archive), "--directory", str(root)], check=True)
        for name in STAND_INS:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
        self._let_out(root)
        known: dict[str, str] = {}
        environment, workdir = {"PATH": _PATH}, "/"
        for instruction in stage.instructions:
            if instruction.name == "ARG":
                known |= assignments(instruction, known)
            elif instruction.name == "ENV":
                environment |= assignments(instruction, environment | known)
            elif instruction.name == "WORKDIR":
                workdir = substituted(instruction.text, environment)
                (root / workdir.lstrip("/")).mkdir(parents=True, exist_ok=True)
            elif instruction.name == "COPY":
                self._copy(instruction, root, workdir)
            elif instruction.name == "RUN":
                self._run(instruction, root, workdir, environment | known)
        self.environments[stage.name] = environment
        return root

    def _let_out(self, root: Path) -> None:
        """What an engine lends to a build: names of hosts, and here the authorities that this machine trusts."""
        for name in ("/etc/resolv.conf", "/etc/hosts"):
            if Path(name).exists():
                shutil.copy(name, root / name.lstrip("/"))
        trusted = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile or _BUNDLE
        if Path(trusted).exists():
            shutil.copy(trusted, root / _BUNDLE.lstrip("/"))

    def _copy(self, instruction: Instruction, root: Path, workdir: str) -> None:
        *sources, target = instruction.words
        place = root / str(Path(workdir) / target).lstrip("/")
        into = target.endswith("/") or len(sources) > 1
        for source in sources:
            if others := instruction.option("from"):
                shutil.copytree(self.root(others[0]) / source.lstrip("/"), place, symlinks=True, dirs_exist_ok=True)
                continue
            files = list(self._context.files(source))
            assert files, f"COPY {source}: .dockerignore leaves nothing of it"
            whole = (self._context.root / source).is_dir()
            for name in files:
                below = os.path.relpath(name, source) if whole else Path(name).name
                end = place / below if whole or into else place
                end.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(self._context.root / name, end)

    def _run(self, instruction: Instruction, root: Path, workdir: str, environment: Mapping[str, str]) -> None:
        script = ["set -e", f"mount -t proc proc {root}/proc"]
        targets: list[Path] = []
        for mount in instruction.option("mount"):
            said = dict(part.partition("=")[::2] for part in mount.split(","))
            assert said["type"] == "bind", f"only bind mounts are known here, not {mount}"
            [source] = self._context.files(said["source"])
            targets.append(root / said["target"].lstrip("/"))
            targets[-1].touch()
            script.append(f"mount --bind {self._context.root / source} {targets[-1]}")
            script.append(f"mount -o remount,bind,ro {targets[-1]}")
        script.append(f'exec chroot {root} /bin/sh -c "$STEP"')
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", "\n".join(script)],
            env={**environment, **_network(), "STEP": f"cd {workdir}\n{instruction.text}"},
            capture_output=True,
            text=True,
            timeout=_BUILD_SECONDS,
            check=False,
        )
        for target in targets:
            target.unlink()
        if done.returncode and _OFFLINE.search(done.stderr):
            pytest.skip(f"the package index cannot be reached: {done.stderr.strip().splitlines()[-1]}")
        assert done.returncode == 0, f"RUN {instruction.text}\n{done.stdout}{done.stderr}"


def _network() -> dict[str, str]:
    """The proxy and package index that this machine is set up for, as build arguments would pass them, and the authorities lent."""
    passed = {name: value for name, value in os.environ.items() if name in _INDEX or name.lower().endswith("_proxy")}
    return passed | {"SSL_CERT_FILE": _BUNDLE}
