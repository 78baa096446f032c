"""Measurement 8: mutants of gold plans, through Validate.

A plan becomes each kind of mutant it can: a step dropped (what waited for it waits for what it waited for), a back edge, a step said
again in other words (paraphrase.py), a step given to a wrong agent, a step's tool swapped for another one of the catalogue. Found
means: a dropped step, an error of completeness; a back edge, an error of structure; a repeated step, a finding that names the new one;
a wrong agent, an error that names the step; a swapped tool, a finding that names the step. Beside each kind stands how many gold plans
have a finding of the same sort. Beside both, where similar words alone could tell, what plain_checks.py finds.

While the checks were written the development half was looked at (ids whose number leaves 0 or 1 when divided by 4); how far the other
half is untouched, docs/quality.md says. Mutations are drawn from the record's id and the seed, so they are the same on
every machine.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gold_plans import Gold, Step, ultratool, worfbench
from measurement import Figure, Run, in_view, spread_over_folds
from paraphrase import paraphrase
from plain_checks import BASELINE, PlainChecks

import genesis
from genesis.v1.catalogue_pb2 import AgentCard, Catalogue, Skill, Tool
from genesis.v1.plan_pb2 import TASK_KIND_PRIMITIVE, Edge, Plan, Task
from genesis.v1.routing_pb2 import TARGET_KIND_AGENT, Assignment, Target, TaskRoute
from genesis.v1.validation_pb2 import (
    FINDING_KIND_REPEATED_TASK,
    FINDING_KIND_UNFIT_TARGET,
    PRINCIPLE_COMPLETENESS,
    PRINCIPLE_ROUTING,
    PRINCIPLE_SOLVABILITY,
    PRINCIPLE_STRUCTURE,
    SEVERITY_ERROR,
    Finding,
)

AGAIN = "again"


@dataclass(frozen=True)
class Mutant:
    """A changed plan, with the step that was changed."""

    plan: Gold
    step: str


@dataclass(frozen=True)
class Outcome:
    """Of one record: whether each mutant was found, and what is said of the gold plan. By the figure's name."""

    id: str
    held_out: bool
    values: dict[str, float]
    plain: dict[str, float]
    """The same by the plain checks, where they have one."""


def dropped(gold: Gold, draw: random.Random) -> Mutant:
    """Without a step."""
    gone = draw.choice(gold.steps).id
    before = [one for one, two in gold.links if two == gone]
    after = [two for one, two in gold.links if one == gone]
    kept = [link for link in gold.links if gone not in link]
    bridges = [(one, two) for one in before for two in after if (one, two) not in kept]
    return Mutant(replace(gold, steps=tuple(s for s in gold.steps if s.id != gone), links=(*kept, *bridges)), gone)


def back_edge(gold: Gold, draw: random.Random) -> Mutant | None:
    """With a step that waits for one that waits for it."""
    if not gold.links:
        return None
    start, end = draw.choice(gold.links)
    return Mutant(replace(gold, links=(*gold.links, (end, start))), start)


def said_again(gold: Gold, draw: random.Random) -> Mutant:
    """With a step once more, in other words, beside the step it repeats."""
    step = draw.choice(gold.steps)
    again = Step(AGAIN, paraphrase(step.text, draw), step.tool)
    place = draw.randrange(len(gold.steps) + 1)
    links = [(one, AGAIN) for one, two in gold.links if two == step.id]
    return Mutant(replace(gold, steps=(*gold.steps[:place], again, *gold.steps[place:]), links=(*gold.links, *links)), AGAIN)


def swapped(gold: Gold, tools: Sequence[str], draw: random.Random) -> Mutant | None:
    """With another tool named for a step."""
    named = [step for step in gold.steps if step.tool]
    if not named:
        return None
    step = draw.choice(named)
    other = draw.choice([tool for tool in tools if tool != step.tool])
    return Mutant(replace(gold, steps=tuple(replace(s, tool=other) if s is step else s for s in gold.steps)), step.id)


def measure(run: Run) -> list[Figure]:
    """Figures of both data sets: all, and the half that was only scored."""
    tools, requests = ultratool(run.data / "ultratool")
    tasks = [gold for gold in worfbench(run.data / "worfbench") if gold.steps][: run.limit]
    requests = requests[: run.limit]
    with genesis.connect(run.address) as client:
        by_tools = _Bench(client, tools, run.seed, PlainChecks(tools, requests))
        by_words = _Bench(client, [], run.seed, PlainChecks([], tasks))
        outcomes = {
            "UltraTool": [by_tools.ultratool(gold) for gold in in_view(requests, "mutants of UltraTool")],
            "WorfBench": [by_words.worfbench(gold) for gold in in_view(tasks, "mutants of WorfBench")],
        }
    figures: list[Figure] = []
    for name, some in outcomes.items():
        figures += _figures(name, some)
        figures += _figures(f"{name} held out", [outcome for outcome in some if outcome.held_out])
    return figures


_AIMS = {"found": ">= 80 %", "back edge found": "100 %", "gold rejected": "<= 5 %", "gold rejected for structure": "0 %"}


def _figures(name: str, outcomes: Sequence[Outcome]) -> list[Figure]:
    figures: list[Figure] = []
    for value in dict.fromkeys(value for outcome in outcomes for value in outcome.values):
        having = [outcome for outcome in outcomes if value in outcome.values]
        aim = _AIMS.get(value, _AIMS["found"] if value.endswith(" found") else "")
        figures.append(spread_over_folds(f"{name}: {value}", [o.id for o in having], [o.values[value] for o in having], aim=aim))
        plain = [outcome for outcome in outcomes if value in outcome.plain]
        if plain:
            figures.append(spread_over_folds(f"{name}: {value}", [o.id for o in plain], [o.plain[value] for o in plain], by=BASELINE))
    return figures


class _Bench:
    """Asks Validate about plans and their mutants."""

    def __init__(self, client: genesis.Client, tools: Sequence[tuple[str, str]], seed: int, plain: PlainChecks) -> None:
        self._client = client
        self._plain = plain
        self._seed = seed
        self._tools = [name for name, _ in tools]
        self._by_tool = Catalogue(tools=[Tool(name=name, description=words) for name, words in tools])
        self._by_agent = Catalogue(
            agents=[AgentCard(id=f"agent_{name}", skills=[Skill(id=name, name=name, description=words)]) for name, words in tools]
        )
        self._nobody = Catalogue(agents=[AgentCard(id="nobody", skills=[Skill(id="nothing")])])

    def ultratool(self, gold: Gold) -> Outcome:
        """All kinds, with the catalogue of tools; agents, each with one tool as its skill, for wrong agents."""
        values, plain = self._both(gold, self._by_tool)
        draw = random.Random(f"{self._seed} swapped {gold.id}")
        mutant = swapped(gold, self._tools, draw)
        if mutant is not None:
            told = self._told(mutant.plan, self._by_tool)
            values["swapped tool found"] = _any(told, lambda f: f.kind == FINDING_KIND_UNFIT_TARGET and mutant.step in f.task_ids)
            values["gold with a finding as for a swapped tool"] = _any(
                self._told(gold, self._by_tool), lambda f: f.kind == FINDING_KIND_UNFIT_TARGET
            )
            plain["swapped tool found"] = float(self._plain.misfits(mutant.plan, mutant.step))
            plain["gold with a finding as for a swapped tool"] = float(self._plain.misfits(gold))
            for named, how in ((True, "skill named"), (False, "words alone")):
                values |= self._wrong_agent(gold, mutant.step, how, named=named)
        return Outcome(gold.id, gold.held_out, values, plain)

    def worfbench(self, gold: Gold) -> Outcome:
        """Kinds that need no tools. Nobody offers what the steps say, so whether they can be done is not asked."""
        return Outcome(gold.id, gold.held_out, *self._both(gold, self._nobody))

    def _both(self, gold: Gold, catalogue: Catalogue) -> tuple[dict[str, float], dict[str, float]]:
        intact = self._told(gold, catalogue)
        values = {
            "gold rejected": _any(intact, _is_error),
            "gold rejected for structure": _any(intact, _error_of(PRINCIPLE_STRUCTURE)),
            "gold with a finding of completeness": _any(intact, lambda f: f.principle == PRINCIPLE_COMPLETENESS),
            "gold with a finding as for a repeated step": _any(intact, lambda f: f.kind == FINDING_KIND_REPEATED_TASK),
        }
        again = said_again(gold, random.Random(f"{self._seed} again {gold.id}"))
        told = self._told(again.plan, catalogue)
        plain = {
            "repeated step found": float(self._plain.repeats(again.plan, AGAIN)),
            "gold with a finding as for a repeated step": float(self._plain.repeats(gold)),
        }
        values["repeated step found"] = _any(told, lambda f: f.kind == FINDING_KIND_REPEATED_TASK and AGAIN in f.task_ids)
        if len(gold.steps) >= 2:
            fewer = dropped(gold, random.Random(f"{self._seed} dropped {gold.id}"))
            told = self._told(fewer.plan, catalogue)
            values["dropped step found"] = _any(told, _error_of(PRINCIPLE_COMPLETENESS))
            seen = {finding.message for finding in intact if finding.principle == PRINCIPLE_COMPLETENESS}
            values["dropped step told, by a finding the gold plan does not have"] = _any(
                told, lambda f: f.principle == PRINCIPLE_COMPLETENESS and f.message not in seen
            )
        back = back_edge(gold, random.Random(f"{self._seed} back {gold.id}")) if len(gold.steps) >= 2 else None
        if back is not None:
            values["back edge found"] = _any(self._told(back.plan, catalogue), _error_of(PRINCIPLE_STRUCTURE))
        return values, plain

    def _wrong_agent(self, gold: Gold, step_id: str, how: str, *, named: bool) -> dict[str, float]:
        """One step goes to an agent drawn from all others; `named`: the steps name their skills."""
        draw = random.Random(f"{self._seed} agent {gold.id}")
        routed = replace(gold, steps=tuple(step for step in gold.steps if step.tool))
        right = {step.id: step.tool for step in routed.steps}
        wrong = right | {step_id: draw.choice([tool for tool in self._tools if tool != right[step_id]])}
        plan = routed if named else replace(routed, steps=tuple(replace(step, tool="") for step in routed.steps))

        def errors(routes: dict[str, str]) -> list[Finding]:
            found = self._told(plan, self._by_agent, routes)
            return [finding for finding in found if finding.principle == PRINCIPLE_ROUTING and _is_error(finding)]

        return {
            f"wrong agent ({how}) found": _any(errors(wrong), lambda finding: step_id in finding.task_ids),
            f"gold routing ({how}) rejected": float(bool(errors(right))),
        }

    def _told(self, gold: Gold, catalogue: Catalogue, agents: dict[str, str] | None = None) -> list[Finding]:
        links = [link for link in gold.links if {link[0], link[1]} <= {step.id for step in gold.steps}]
        plan = Plan(
            goal=gold.goal,
            tasks=[Task(id=step.id, goal=step.text, capability=step.tool, kind=TASK_KIND_PRIMITIVE) for step in gold.steps],
            edges=[Edge(from_task_id=one, to_task_id=two) for one, two in links],
        )
        routes = [
            TaskRoute(task_id=step, assignment=Assignment(target=Target(kind=TARGET_KIND_AGENT, id=f"agent_{tool}", skill_id=tool)))
            for step, tool in (agents or {}).items()
        ]
        answer = self._client.validate(plan, catalogue=catalogue, routes=routes)
        solvable = catalogue is not self._nobody
        return [finding for finding in answer.verdict.findings if solvable or finding.principle != PRINCIPLE_SOLVABILITY]


def _any(findings: Sequence[Finding], wanted: Callable[[Finding], bool]) -> float:
    return float(any(wanted(finding) for finding in findings))


def _is_error(finding: Finding) -> bool:
    return finding.severity == SEVERITY_ERROR


def _error_of(principle: int) -> Callable[[Finding], bool]:
    return lambda finding: finding.principle == principle and _is_error(finding)
