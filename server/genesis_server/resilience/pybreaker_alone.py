"""pybreaker, without the Redis client that it loads wherever one is installed: 13 MB and a tenth of a second for every start."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import pybreaker
else:

    def _load() -> Any:
        modules = cast("dict[str, Any]", sys.modules)
        if "redis" in modules:
            return importlib.import_module("pybreaker")
        modules["redis"] = None  # makes its import fail, which pybreaker takes for "not installed"
        try:
            return importlib.import_module("pybreaker")
        finally:
            del modules["redis"]

    pybreaker = _load()

__all__ = ["pybreaker"]
