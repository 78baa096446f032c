"""What a rulebook makes of scenarios: facts of a task with what is expected (scenario_file.py says how they are written)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from genesis_server.routing.rules.facts import CandidateFacts, TaskFacts
from genesis_server.routing.rules.judging import NOBODY, RuleOutcome, judge
from genesis_server.routing.rules.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must come out; candidates are named `agent` or `agent/model`."""

    refused: tuple[str, ...] = ()
    """All of it is refused."""
    allowed: tuple[str, ...] = ()
    """Some of it is not refused."""
    first: str | None = None
    """Goes first when all else is equal, before everybody else; empty: everybody is refused."""
    fired: tuple[str, ...] = ()
    """Rules that fire; others may, too."""
    blocked: tuple[str, ...] = ()
    """Rules that do not."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One situation and what must come out of it."""

    name: str
    facts: TaskFacts
    candidates: tuple[CandidateFacts, ...]
    """Empty: those of a catalogue."""
    expect: Expectation
    line: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rules make of one candidate."""

    candidate: str
    """`agent/model`, or `agent` where there is no model."""
    refused_by: str
    """Id of the rule; empty: not refused."""
    preference: int
    """0 goes first; those with equal numbers are equal."""
    bonus: float


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """What came out."""

    scenario: Scenario
    fired: tuple[str, ...]
    standings: tuple[Standing, ...]
    failures: tuple[str, ...]
    """What was expected and did not come; none: passed."""

    @property
    def decision(self) -> tuple[tuple[str, bool, int, float], ...]:
        """What would be decided, whichever rule did it."""
        return tuple([(each.candidate, bool(each.refused_by), each.preference, each.bonus) for each in self.standings])


def run_scenarios(rulebook: Rulebook, scenarios: Sequence[Scenario], candidates: Sequence[CandidateFacts]) -> tuple[ScenarioResult, ...]:
    """What a rulebook makes of each scenario; `candidates` stand in for those of scenarios that name none."""
    return tuple([_run(rulebook, scenario, scenario.candidates or candidates) for scenario in scenarios])


def _run(rulebook: Rulebook, scenario: Scenario, candidates: Sequence[CandidateFacts]) -> ScenarioResult:
    capability = scenario.facts.get("task.capability")
    able = [each for each in candidates if capability is not None and each.get("agent.skill") == capability] or list(candidates)
    fired = rulebook.fired(scenario.facts)
    outcome = judge(fired, rulebook.columns(able), np.arange(len(able), dtype=np.intp))
    standings = tuple(_standings(rulebook, able, outcome))
    ids = tuple([rule.id for rule in fired])
    return ScenarioResult(scenario, ids, standings, tuple(_failures(scenario.expect, ids, standings)))


def _standings(rulebook: Rulebook, candidates: Sequence[CandidateFacts], outcome: RuleOutcome) -> Iterator[Standing]:
    ranks = np.unique(outcome.preference, return_inverse=True)[1].tolist()
    columns = zip(candidates, outcome.refused_by.tolist(), ranks, outcome.bonus.tolist(), strict=True)
    for candidate, refused_by, rank, bonus in columns:
        yield Standing(_name(candidate), _rule_id(rulebook, refused_by), rank, bonus)


def _rule_id(rulebook: Rulebook, number: int) -> str:
    return "" if number == NOBODY else rulebook.compiled[number].id


def _name(candidate: CandidateFacts) -> str:
    agent, model = candidate.get("agent.id"), candidate.get("agent.model")
    return f"{agent}/{model}" if model is not None else str(agent)


def _failures(expect: Expectation, fired: Sequence[str], standings: Sequence[Standing]) -> Iterator[str]:
    yield from (f"{rule_id} did not fire" for rule_id in expect.fired if rule_id not in fired)
    yield from (f"{rule_id} fired" for rule_id in expect.blocked if rule_id in fired)
    for name in (*expect.refused, *expect.allowed):
        named = [each for each in standings if _is(each, name)]
        passed = [each.candidate for each in named if not each.refused_by]
        if not named:
            yield f"{name} is no candidate"
        elif name in expect.refused and passed:
            yield f"{name} is not refused: nothing keeps it from {', '.join(dict.fromkeys(passed))}"
        elif name in expect.allowed and not passed:
            yield f"{name} is refused by {', '.join(sorted({each.refused_by for each in named}))}"
    if expect.first is not None:
        leaders = _leaders(standings)
        as_wanted = [_is(each, expect.first) for each in leaders] if expect.first else [not leaders]
        if not as_wanted or not all(as_wanted):
            names = ", ".join(dict.fromkeys(each.candidate for each in leaders)) or "nobody"
            yield f"{expect.first or 'nobody'} should go first, but it is {names}"


def _leaders(standings: Sequence[Standing]) -> list[Standing]:
    """Those who go first when all else is equal."""
    left = [each for each in standings if not each.refused_by]
    best = min(((each.preference, -each.bonus) for each in left), default=None)
    return [each for each in left if (each.preference, -each.bonus) == best]


def _is(standing: Standing, name: str) -> bool:
    return standing.candidate == name or standing.candidate.startswith(f"{name}/")
