"""Asks rules in one line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from genesis_server.flags.rules.compiling import compile_rule
from genesis_server.flags.rules.work import begin
from genesis_server.model.flags import Generation

Say = Callable[..., object]


def _say(rule: object, *, key: str = "flag", generation: Generation = Generation.V3, who: str = "user-1", **attributes: object) -> object:
    data: dict[str, object] = {**attributes, "$flagd": {"timestamp": 1_700_000_000}}
    if who:
        data["targetingKey"] = who
    return compile_rule(key, rule, generation=generation).ask(data)


@pytest.fixture(autouse=True)
def _all_steps() -> None:
    """Operators that are called without a rule around them have all steps."""
    begin()


@pytest.fixture(scope="session")
def say() -> Say:
    """What a rule says of `attributes` for the subject `who`."""
    return _say
