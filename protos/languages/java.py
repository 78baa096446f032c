"""The Java client builds its stubs from the descriptors themselves; protoc and its plugin come from Maven Central when it is built."""

from __future__ import annotations

import shutil
from pathlib import Path

NEEDS: tuple[str, ...] = ()
"""Nothing runs here."""
WRITES = "client/java/src/main/descriptors"
"""The folder that holds nothing but generated files."""


def write(descriptors: Path, target: Path) -> None:
    """Put the descriptors where the Maven build looks for them."""
    shutil.copyfile(descriptors, target / "genesis.binpb")
