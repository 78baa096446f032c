"""What a rulebook makes of one task, for a person and for a program."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from genesis_server.cli.show.rows import Rows
from genesis_server.cli.text import plain
from genesis_server.routing.rules.rulebook import Rulebook
from genesis_server.routing.rules.scenarios import ScenarioResult


def explained_view(rulebook: Rulebook, result: ScenarioResult) -> RenderableType:
    """Rules that fire, what keeps the others from it, and the candidates in the order the rules put them."""
    facts = result.scenario.facts
    fired = [rulebook.told(rule, facts, 0) for rule in rulebook.fired(facts)]
    lines = [
        Text.assemble(("fires ", "green"), (plain(rule.rule_id), "bold"), f" {rule.effect.name.lower()}: {plain(rule.explanation)}")
        for rule in fired
    ] or [Text("no rule fires")]
    lines += [
        Text(f"blocked {plain(rule.rule_id)}: {rule.fact.name} is {plain(rule.fact.value)}, needed {plain(rule.needed)}", style="dim")
        for rule in rulebook.blocked(facts)
    ]
    table = Rows("candidate", "refused by", "preferred", "added to the score", right=("added to the score",))
    for standing in sorted(result.standings, key=lambda one: (bool(one.refused_by), one.preference, -one.bonus, one.candidate)):
        place = "" if standing.refused_by else f"{standing.preference + 1}."
        table.add(
            Text(plain(standing.candidate), "dim" if standing.refused_by else ""),
            Text(plain(standing.refused_by), "red"),
            Text(place),
            Text(f"{standing.bonus:+.2f}" if standing.bonus else ""),
        )
    return Group(*lines, table)


def explained_json(rulebook: Rulebook, result: ScenarioResult) -> dict[str, Any]:
    """The same for a program."""
    facts = result.scenario.facts
    return {
        "fired": [
            {"rule_id": rule.rule_id, "effect": rule.effect.name, "explanation": rule.explanation}
            for rule in (rulebook.told(one, facts, 0) for one in rulebook.fired(facts))
        ],
        "blocked": [
            {"rule_id": rule.rule_id, "fact": rule.fact.name, "value": rule.fact.value, "needed": rule.needed}
            for rule in rulebook.blocked(facts)
        ],
        "candidates": [
            {"candidate": one.candidate, "refused_by": one.refused_by, "preference": one.preference, "bonus": one.bonus}
            for one in result.standings
        ],
    }
