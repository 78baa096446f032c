"""What goes wrong with rules: when they are compiled, and when they are asked."""

from __future__ import annotations

RulePath = tuple[str | int, ...]
"""From the rule down to a part of it, for example ("if", 0, "in")."""


class RuleError(Exception):
    """A rule went wrong when it was asked; the text says how."""


class RuleMistakesError(ValueError):
    """A rule cannot be compiled; `mistakes` holds every place with what is wrong there."""

    def __init__(self, mistakes: list[tuple[RulePath, str]]) -> None:
        """Keep the mistakes."""
        super().__init__("; ".join(text for _, text in mistakes))
        self.mistakes = tuple(mistakes)
