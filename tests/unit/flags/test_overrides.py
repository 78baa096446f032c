"""The environment switches flags."""

from __future__ import annotations

import pytest

from genesis_server.flags.definition import FlagMistakesError
from genesis_server.flags.overrides import Override, read_overrides


@pytest.mark.parametrize("word", ["true", "on", "YES", " 1 "])
def test_words_for_on(word: str) -> None:
    assert read_overrides({"GENESIS_FLAG_OTEL_ENABLED": word}).flags["otel_enabled"].value is True


@pytest.mark.parametrize("word", ["false", "Off", "no", "0"])
def test_words_for_off(word: str) -> None:
    assert read_overrides({"GENESIS_FLAG_OTEL_ENABLED": word}).flags["otel_enabled"].value is False


def test_names_in_use_already_still_work() -> None:
    found = read_overrides({"ENABLE_OTEL_TRACING": "false", "USE_V2_ORCHESTRATOR": "false", "ENABLE_HTDAG_PLANNER": "false"})
    assert found.flags == {
        "otel_enabled": Override(value=False, variable="ENABLE_OTEL_TRACING"),
        "orchestration_enabled": Override(value=False, variable="USE_V2_ORCHESTRATOR"),
    }
    assert found.planner_off


def test_the_planner_stays_on_when_its_variable_says_so_or_nothing() -> None:
    assert not read_overrides({"ENABLE_HTDAG_PLANNER": "true"}).planner_off
    assert not read_overrides({"ENABLE_HTDAG_PLANNER": ""}).planner_off


def test_the_new_name_beats_the_old_one() -> None:
    found = read_overrides({"GENESIS_FLAG_OTEL_ENABLED": "on", "ENABLE_OTEL_TRACING": "off"})
    assert found.flags["otel_enabled"] == Override(value=True, variable="GENESIS_FLAG_OTEL_ENABLED")


def test_other_variables_are_none_of_our_business() -> None:
    assert read_overrides({"PATH": "x", "ENABLE_HALO_ROUTER": "maybe", "GENESIS_LISTEN": "y"}).flags == {}


def test_every_mistake_is_told_with_its_variable() -> None:
    with pytest.raises(FlagMistakesError) as caught:
        read_overrides(
            {
                "GENESIS_FLAG_OTEL_ENABLED": "flase",
                "GENESIS_FLAG_OTEL_ENABLE": "on",
                "GENESIS_FLAG_SPICE_ENABLED": "on",
                "ENABLE_HTDAG_PLANNER": "2",
            }
        )
    assert caught.value.mistakes == (
        "ENABLE_HTDAG_PLANNER: must be true or false, not '2'",
        "GENESIS_FLAG_OTEL_ENABLE: no such flag; did you mean otel_enabled?",
        "GENESIS_FLAG_OTEL_ENABLED: must be true or false, not 'flase'",
        "GENESIS_FLAG_SPICE_ENABLED: the feature of this flag is not built, so nothing would read it; unset it",
    )
