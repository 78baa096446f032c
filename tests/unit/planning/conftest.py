"""Snapshots the planning tests share: made once, for they are immutable."""

from __future__ import annotations

from importlib.resources import files

import pytest

from genesis_server.agents.index import CatalogueIndex
from genesis_server.agents.loading import load_agents
from genesis_server.planning.method_files import shipped_methods
from genesis_server.planning.methods import MethodLibrary


@pytest.fixture(scope="session")
def shipped_index() -> CatalogueIndex:
    return CatalogueIndex(load_agents((files("genesis_server") / "data" / "agents.toml").read_text("utf-8")))


@pytest.fixture(scope="session")
def methods() -> MethodLibrary:
    return shipped_methods()
