"""Puts shared rules where flags refer to them: `{"$ref": "name"}` becomes the rule `name` of the document's `$evaluators`.

By structure, where flagd's evaluators replace text. A shared rule may refer to others, which flagd's specification leaves open and its
evaluator in Python allows to those written further down: here to any, as long as they do not refer to each other in a circle.
"""

from __future__ import annotations

from collections.abc import Mapping

from genesis_server.flags.rules.errors import RuleMistakesError, RulePath
from genesis_server.flags.rules.shape import MAX_VALUES
from genesis_server.flags.rules.work import MAX_DEPTH
from genesis_server.model.flags import JsonValue

REF = "$ref"
_CHARACTERS = 10
"""Of a text that count as one more value."""


def inline_refs(rule: JsonValue, evaluators: Mapping[str, JsonValue]) -> JsonValue:
    """The rule with every reference replaced. Raises RuleMistakesError for an unknown name, a circle, and a rule that becomes too large."""
    inliner = _Inliner(evaluators)
    inlined = inliner.value(rule, (), 0)
    if inliner.mistakes:
        raise RuleMistakesError(inliner.mistakes)
    return inlined


class _Inliner:
    """Replaces the references of one rule."""

    def __init__(self, evaluators: Mapping[str, JsonValue]) -> None:
        self.mistakes: list[tuple[RulePath, str]] = []
        self._evaluators = evaluators
        self._done: dict[str, tuple[JsonValue, int]] = {}
        self._within: list[str] = []
        self._values = 0

    def value(self, value: JsonValue, path: RulePath, depth: int) -> JsonValue:
        """A part of the rule, or of a shared rule that is put at `path`, with its references replaced."""
        self._values += 1 + (len(value) // _CHARACTERS if isinstance(value, str) else 0)
        if self._values > MAX_VALUES or depth > MAX_DEPTH:
            if not self.mistakes:
                self.mistakes.append((path, f"with its references a rule may have {MAX_VALUES} values, nested {MAX_DEPTH} deep"))
            return None
        if isinstance(value, list):
            return [self.value(item, self._below(path, number), depth + 1) for number, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and REF in value:
            return self._shared(value[REF], self._below(path, REF), depth)
        return {name: self.value(part, self._below(path, name), depth + 1) for name, part in value.items()}

    def _below(self, path: RulePath, part: str | int) -> RulePath:
        """Inside a shared rule the path stays at the reference: that is the place in the flag."""
        return path if self._within else (*path, part)

    def _shared(self, name: JsonValue, path: RulePath, depth: int) -> JsonValue:
        if not isinstance(name, str) or name not in self._evaluators:
            self.mistakes.append((path, f"$evaluators has no {str(name)[:60]!r}"))
            return None
        if name in self._within:
            self.mistakes.append((path, f"$evaluators refer to each other in a circle: {' -> '.join([*self._within, name])}"))
            return None
        if name not in self._done:
            self._within.append(name)
            before = self._values
            shared = self.value(self._evaluators[name], path, depth)
            self._within.pop()
            self._done[name] = shared, self._values - before
            return shared
        shared, values = self._done[name]
        self._values += values
        return shared
