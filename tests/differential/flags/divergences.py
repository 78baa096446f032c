"""Where Genesis means to answer otherwise than flagd's own evaluator, and why; whatever differs and is not listed here is a mistake."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flag_cases import EVERY_OPERATION, Case

from genesis_server.flags.json_text import LARGEST_INTEGER
from genesis_server.flags.rules.work import MAX_DEPTH


@dataclass(frozen=True, slots=True)
class Difference:
    """Two answers that are not the same."""

    case: Case
    """The flag with the one context they are for."""
    level: str
    """ "rule" or "flag"."""
    ours: list[Any]
    theirs: list[Any]

    @property
    def refused(self) -> bool:
        """Whether Genesis does not take the flag or its rule at all, and says so when it is loaded."""
        return self.ours[0] == "refused"


@dataclass(frozen=True, slots=True)
class Divergence:
    """A difference that is meant."""

    name: str
    because: str
    covers: Callable[[Difference], bool]
    share: float
    """Of all pairs that it may explain at most; more of them would hide mistakes."""
    example: dict[str, Any]
    """What differs so: members of a flag, of its document with "$evaluators", and of the context with "attributes"."""


def parts(value: Any) -> Iterator[Any]:
    """A value and everything in it."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def depth_of(value: Any) -> int:
    """How many lists and objects stand in one another at the deepest place."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        if isinstance(part, dict | list):
            deepest = max(deepest, depth)
            waiting.extend((inner, depth + 1) for inner in (part.values() if isinstance(part, dict) else part))
    return deepest


def operations(rule: Any) -> Iterator[tuple[str, Any]]:
    """Every object with one member in a rule: its name and what it is given."""
    for part in parts(rule):
        if isinstance(part, dict) and len(part) == 1:
            yield next(iter(part.items()))


def names_unknown_operation(found: Difference) -> bool:
    """Somewhere in the rule, or in what it refers to, stands an operation that flagd does not know, or a `$ref` to nothing."""
    evaluators = found.case.document.get("$evaluators", {})
    known = [("$ref", name) for name in evaluators]
    named = (each for rule in (found.case.rule, evaluators) for each in operations(rule))
    return found.refused and any(name not in EVERY_OPERATION and (name, arguments) not in known for name, arguments in named)


def overfills_var(found: Difference) -> bool:
    """Somewhere in the rule, or in what it refers to, `var` has more than a name and a default."""
    rules = [found.case.rule, found.case.document.get("$evaluators", {})]
    given = (arguments for rule in rules for name, arguments in operations(rule) if name == "var")
    return found.refused and any(isinstance(arguments, list) and len(arguments) > 2 for arguments in given)


def has_odd_number(found: Difference) -> bool:
    """Somewhere in the flag stands a whole number that other languages round."""
    largest = LARGEST_INTEGER if found.level == "flag" else 2**1024
    return found.refused and any(isinstance(part, int) and abs(part) > largest for part in parts(found.case.document))


def has_half_character(found: Difference) -> bool:
    """Somewhere in the flag stands half of a surrogate pair."""
    return found.level == "flag" and found.refused and "\\ud800" in json.dumps(found.case.document)


def has_unsound_default(found: Difference) -> bool:
    """The default is no name of a variant."""
    default = found.case.flag.get("defaultVariant")
    names = found.case.flag["variants"]
    return found.level == "flag" and found.refused and default is not None and not (isinstance(default, str) and default in names)


def has_unsound_targeting(found: Difference) -> bool:
    """The rule is no object, or has several operators."""
    rule = found.case.rule
    return found.refused and rule not in (None, {}) and not (isinstance(rule, dict) and len(rule) == 1)


def nests_too_deep(found: Difference) -> bool:
    """The rule is nested deeper than Genesis takes, with what it refers to in its place."""
    evaluators = found.case.document.get("$evaluators")
    return found.refused and depth_of(found.case.rule) + (depth_of(evaluators) if evaluators else 0) > MAX_DEPTH


def multiplies_beyond_bounds(found: Difference) -> bool:
    """A product of whole numbers is larger than any floating-point number."""
    return found.ours == ["error", "the product is too large a number"]


def holds_itself(found: Difference) -> bool:
    """`reduce` gives its whole data to the next round, which in theirs is the same object for all rounds, and so comes to hold itself."""
    return found.theirs[0] == "error" and "Circular" in found.theirs[1] and any(name == "reduce" for name, _ in operations(found.case.rule))


def compares_whole_contexts(found: Difference) -> bool:
    """An `==` or `!=` stands above two `var` that may be the whole context, or all of `$flagd`."""
    named = [
        arguments[0] if isinstance(arguments, list) and arguments else arguments
        for name, arguments in operations(found.case.rule)
        if name == "var"
    ]
    whole = [name for name in named if name in (None, "", "$flagd") or isinstance(name, dict | list)]
    return len(whole) > 1 and any(name in {"==", "!="} for name, _ in operations(found.case.rule))


def names_variant_by_number(found: Difference) -> bool:
    """The rule gave a number or a list, and there is a variant that Python would write the same way."""
    return found.level == "flag" and found.ours == ["error", "the rule gave int, which names no variant"] and found.theirs[2] == "1"


def textual_reference(found: Difference) -> bool:
    """Theirs puts `$evaluators` into the text of the document by a regular expression, which takes backslashes for its own."""
    return found.theirs[0] == "error" and "\\" in json.dumps(found.case.document.get("$evaluators", {}))


LISTED: tuple[Divergence, ...] = (
    Divergence(
        "unknown operation",
        "A typing error in a rule is told when the flag is loaded, not only to those who come to that branch.",
        names_unknown_operation,
        0.03,
        {"targeting": {"if": [True, "on", {"unknown": 1}]}},
    ),
    Divergence(
        "var with three arguments",
        "Theirs raises TypeError for those who come to that branch, ours tells when the flag is loaded.",
        overfills_var,
        0.01,
        {"targeting": {"var": ["a", "b", "c"]}},
    ),
    Divergence(
        "large integer",
        "Other languages round it, so that a flag would mean different things in different clients.",
        has_odd_number,
        0.02,
        {"targeting": {"if": [True, "on", 2**53]}},
    ),
    Divergence(
        "half a character",
        "It cannot be written as UTF-8, so no client could be sent the flag.",
        has_half_character,
        0.001,
        {"targeting": {"if": [True, "on", "\ud800"]}},
    ),
    Divergence(
        "unsound default",
        "The default variant must be one; theirs says so when it is needed, ours when the flag is loaded.",
        has_unsound_default,
        0.03,
        {"targeting": {"if": [True, "on"]}, "defaultVariant": "missing"},
    ),
    Divergence(
        "unsound targeting",
        "A rule is an object with one operator; theirs says so when the flag is asked, or never, ours when it is loaded.",
        has_unsound_targeting,
        0.03,
        {"targeting": {"var": "a", "if": 1}},
    ),
    Divergence(
        "deep rule",
        "A bound, so that no rule from outside exhausts the stack; theirs raises RecursionError later.",
        nests_too_deep,
        0.01,
        {"targeting": json.loads('{"if": [' * 60 + '"on"' + "]}" * 60)},
    ),
    Divergence(
        "product without bounds",
        "Python's whole numbers grow as long as there is memory; a rule from outside must not use that.",
        multiplies_beyond_bounds,
        0.001,
        {
            "targeting": {"<": [0, {"reduce": [{"var": "list"}, {"*": [{"var": "accumulator"}, {"var": "current"}]}, 1]}]},
            "attributes": {"list": [2**52] * 20},
        },
    ),
    Divergence(
        "accumulator that holds itself",
        "Each round of `reduce` has data of its own, so that they stay JSON.",
        holds_itself,
        0.001,
        {"targeting": {"reduce": [[0], {"var": ""}]}},
    ),
    Divergence(
        "context beside itself",
        "`==` of objects asks whether they are one; ours makes the whole context, with the flag's key in it, each time a rule asks for it.",
        compares_whole_contexts,
        0.002,
        {"targeting": {"==": [{"var": ""}, {"var": ""}]}},
    ),
    Divergence(
        "number as variant",
        "The format wants a text or a boolean; how a number is written as a variant's name differs from client to client.",
        names_variant_by_number,
        0.01,
        {"targeting": {"var": "n"}, "variants": {"1": True}, "defaultVariant": None, "attributes": {"n": 1}},
    ),
    Divergence(
        "reference as text",
        "Ours puts what `$ref` names in its place in the structure, whatever characters it holds.",
        textual_reference,
        0.02,
        {"targeting": {"if": [{"$ref": "a"}, "on"]}, "$evaluators": {"a": {"==": [{"var": "name"}, "é"]}}},
    ),
)
