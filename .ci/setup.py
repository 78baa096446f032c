"""Install Genesis and what it needs into .venv, exactly as uv.lock says. Standard library only, any Python from 3.8 on.

    python3 .ci/setup.py                          the newest Python on PATH that fits, into .venv
    python3 .ci/setup.py --python 3.13 --into F   that Python, into the folder F
    python3 .ci/setup.py --flagd-core             only flagd's own evaluators, with which tests compare ours

The lock names the public default index. Where another one is configured, `uv sync --locked` would call the lock outdated
and `--frozen` would still fetch from the addresses in it; there the lock is exported with its hashes, and the same
versions of the same files are installed from the configured index.

Two versions of flagd's evaluator go into environments of their own, .tools/flagd-core-1 and -2, since neither fits beside the other.
Nothing but tests needs them: where they cannot be installed, .venv is ready nevertheless.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from get_uv import UvMissingError, find_uv
from package_index import Index, find_certificates, find_index

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ">=3.11,<3.14"
FLAGD_CORES = ("flagd-core-1", "flagd-core-2")
NO_PYTHON = (
    "Genesis needs Python 3.11, 3.12 or 3.13: install one, or let uv download it "
    "(that takes the network, and UV_PYTHON_DOWNLOADS not set to never)"
)


class SetupError(Exception):
    """A step failed; what it said is on the terminal, the message says what to do."""


def environ_of_uv(environ: dict[str, str]) -> dict[str, str]:
    """The environment that uv runs in."""
    # Compiled once here, a server starts in a third of the time, also where Python may not write bytecode.
    environ = {**environ, "UV_COMPILE_BYTECODE": "1"}
    environ.pop("VIRTUAL_ENV", None)
    certificates = find_certificates(environ)
    if certificates:
        environ["SSL_CERT_FILE"] = certificates
    return environ


def install(environ: dict[str, str], python: str, venv: Path) -> None:
    """Make `venv` what the lock says, with a Python that `python` fits. Raises UvMissingError or SetupError."""
    uv = find_uv(environ)
    index = find_index(environ)
    environ = {**environ_of_uv(environ), "UV_PROJECT_ENVIRONMENT": str(venv)}
    found = subprocess.run([uv, "python", "find", "--no-project", python], env=environ, cwd=ROOT, check=False, capture_output=True)
    if found.returncode:
        print(f"no Python {python} on this machine: uv tries to download one", file=sys.stderr)
        run([uv, "python", "install", "3.13" if python == PYTHONS else python], environ, NO_PYTHON)
    if index.public:
        failed = "the packages could not be installed; what uv says above tells why"
        run([uv, "sync", "--locked", "--all-extras", "--quiet", "--python", python], environ, failed)
    else:
        install_from(index, uv, environ, python, venv)
    run([str(venv / "bin" / "python"), "-m", "compileall", "-q", "server", "client/python"], environ, "the sources could not be compiled")


def install_from(index: Index, uv: str, environ: dict[str, str], python: str, venv: Path) -> None:
    """Install the locked versions from another index than the lock names. Raises SetupError."""
    print(f"installing from {index.shown} ({index.named_by})", file=sys.stderr)
    environ["UV_DEFAULT_INDEX"] = index.url
    failed = f"the packages could not be installed from {index.shown}; what uv says above tells why"
    with tempfile.TemporaryDirectory() as folder:
        pinned = str(Path(folder) / "requirements.txt")
        run([uv, "export", "--frozen", "--all-extras", "--quiet", "--no-emit-project", "--output-file", pinned], environ, failed)
        if not (venv / "bin" / "python").exists():
            run([uv, "venv", "--quiet", "--python", python, str(venv)], environ, NO_PYTHON)
        into = ["--quiet", "--python", str(venv)]
        run([uv, "pip", "sync", *into, "--require-hashes", pinned], environ, failed)
        run([uv, "pip", "install", *into, "--no-deps", "--editable", str(ROOT)], environ, failed)


def install_flagd_cores(environ: dict[str, str], python: str) -> None:
    """Make the environments of flagd's evaluators what their pins say. Raises UvMissingError or SetupError."""
    uv = find_uv(environ)
    index = find_index(environ)
    environ = {**environ_of_uv(environ), "UV_DEFAULT_INDEX": index.url}
    for name in FLAGD_CORES:
        venv = ROOT / ".tools" / name
        failed = f"flagd's evaluator could not be installed into .tools/{name} from {index.shown}; what uv says above tells why"
        if not (venv / "bin" / "python").exists():
            run([uv, "venv", "--quiet", "--clear", "--python", python, str(venv)], environ, NO_PYTHON)
        pinned = str(ROOT / ".ci" / f"{name}.txt")
        run([uv, "pip", "sync", "--quiet", "--python", str(venv), "--require-hashes", pinned], environ, failed)


def run(command: list[str], environ: dict[str, str], otherwise: str) -> None:
    """Run a step. Raises SetupError with `otherwise` when it fails."""
    if subprocess.run(command, env=environ, cwd=ROOT, check=False, stdout=sys.stderr).returncode:
        raise SetupError(otherwise)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Install Genesis and what it needs, exactly as uv.lock says.")
    parser.add_argument("--python", default=PYTHONS, help="a version, a range, or the path of an interpreter")
    parser.add_argument("--into", default=str(ROOT / ".venv"), help="folder of the virtual environment")
    parser.add_argument("--flagd-core", action="store_true", help="only flagd's own evaluators, with which tests compare ours")
    asked = parser.parse_args()
    into = Path(asked.into).resolve()
    try:
        if not asked.flagd_core:
            install(dict(os.environ), asked.python, into)
    except (UvMissingError, SetupError) as problem:
        sys.exit(f"set-up failed: {problem}")
    try:
        if asked.flagd_core or into == ROOT / ".venv":
            install_flagd_cores(dict(os.environ), asked.python)
    except (UvMissingError, SetupError) as problem:
        if asked.flagd_core:
            sys.exit(f"set-up failed: {problem}")
        print(f"without {', '.join(FLAGD_CORES)} the tests that compare with them skip: {problem}", file=sys.stderr)
