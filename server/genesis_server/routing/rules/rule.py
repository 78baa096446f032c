"""A rule as it is written, and what each effect does.

A rule fires for a task when it is enabled, valid at the moment of the decision, and its `when` holds.

Allow, deny and require decide who may have the task. Allow and deny speak about the candidates in `who`, require about all others,
which it refuses. For each candidate the rule of the highest priority that speaks about it decides; at equal priority a refusal
wins over an allowance. So an allowance shields its candidates from all refusals of lower priority, and from nothing else: hard
constraints refuse whom no rule mentions.

Prefer orders who is left, before the score: candidates in the `who` of a rule of higher priority go first; among rules of one
priority those that are in more of them. Weight adds the rule's weight to the score of the candidates in `who`; the sum of all is
held within -1 and 1.

Ids order rules of equal priority for people and name one of several that refuse alike; no decision depends on them.
"""

from __future__ import annotations

from dataclasses import dataclass

from genesis_server.model.routing import RuleEffect
from genesis_server.routing.rules.condition import ALWAYS, Condition

HARD_EFFECTS = frozenset({RuleEffect.ALLOW, RuleEffect.DENY, RuleEffect.REQUIRE})
REFUSALS = frozenset({RuleEffect.DENY, RuleEffect.REQUIRE})
ENABLED_FACT = "rule.enabled"
"""The fact that blocks a rule that is switched off."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule."""

    id: str
    effect: RuleEffect
    when: Condition = ALWAYS
    """Over the facts of task, plan, caller and time."""
    who: Condition = ALWAYS
    """Over the facts of a candidate."""
    priority: int = 0
    """The higher goes first."""
    weight: float = 0.0
    """What WEIGHT adds to the score, -1 to 1."""
    enabled: bool = True
    valid_from: float | None = None
    """Seconds since the epoch; None: ever since."""
    valid_until: float | None = None
    """Seconds since the epoch, exclusive; None: for ever."""
    explanation: str = ""
    """Why it fired, with facts as `{task.goal}`."""
    description: str = ""
    line: int = 0
    """Where it stands in its file, from 1; 0: in none."""

    @property
    def order(self) -> tuple[int, str]:
        """Sorts rules from the first that is asked to the last."""
        return (-self.priority, self.id)

    def valid_at(self, now: float) -> bool:
        """Whether its window is open at `now`, seconds since the epoch."""
        return (self.valid_from is None or now >= self.valid_from) and (self.valid_until is None or now < self.valid_until)
