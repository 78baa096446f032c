"""Stubs of the Rust client: prost and tonic, by the generator crate in client/rust/generate."""

from __future__ import annotations

import subprocess
from pathlib import Path

NEEDS = ("cargo",)
WRITES = "client/rust/src/gen"

_CRATE = Path(__file__).resolve().parents[2] / "client" / "rust"


def write(descriptors: Path, target: Path) -> None:
    """Write the stubs, the table of methods and the descriptors without comments into `target`."""
    command = ["cargo", "run", "--quiet", "--locked", "--package", "genesis-client-generate", "--", str(descriptors), str(target)]
    subprocess.run(command, cwd=_CRATE, check=True)
