"""What a change of a flag would do: the difference in words, and who would get something else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from itertools import takewhile

from genesis_server.flags.definition import FlagDefinition, built_in_flags
from genesis_server.flags.snapshot import Evaluation, FlagSnapshot
from genesis_server.model.flags import FlagContext, JsonValue

SUBJECTS = 10_000
"""Made-up targeting keys that a change is tried on."""
_DRAWN_BY = frozenset({"targetingKey", "$flagd"})
_MOST_LINES = 3_000
"""Lines of each side that are compared one by one; comparing takes the square of their number."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Somebody who would get something else."""

    index: int
    """Position of the context."""
    before: Evaluation | None
    """None: there was no such flag."""
    after: Evaluation | None
    """None: there would be none."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do."""

    before: str
    """The definition that holds, JSON; empty when there is none."""
    after: str
    """The one that would hold, JSON; empty when there would be none."""
    diff: str
    """Both, indented, as a unified diff; empty when they are the same."""
    differences: tuple[Difference, ...]
    """The contexts that would get another variant or value, in order."""
    moved_share: float | None
    """The part of `SUBJECTS` made-up targeting keys that would get another variant; None when the rules ask for other attributes too, or
    nothing is drawn."""


def preview(
    key: str,
    before: FlagSnapshot,
    after: FlagSnapshot,
    contexts: Sequence[FlagContext],
    *,
    now: float,
    over: Callable[[], bool] = lambda: False,
) -> Preview:
    """What becomes of the flag `key` between two snapshots. `now`: seconds since the epoch, for rules that read the clock.

    It takes a tenth of a second when something is drawn, and many seconds when the rules cost as much as they may: not for an event loop.
    When `over` says that nobody waits any more it ends soon, with the answer for those it came to.
    """
    texts = [_text(snapshot.definition(key)) for snapshot in (before, after)]
    return Preview(
        before=texts[0],
        after=texts[1],
        diff=diff_of(*texts),
        differences=tuple(_differences(key, before, after, _until(over, contexts))),
        moved_share=_moved_share(key, before, after, now, over),
    )


def diff_of(before: str, after: str) -> str:
    """The unified diff of two definitions, JSON, each on lines of its own; empty when they say the same."""
    old, new = _lines(before), _lines(after)
    if old == new:
        return ""
    if max(len(old), len(new)) > _MOST_LINES:
        head = ["--- before", "+++ after", f"@@ -1,{len(old)} +1,{len(new)} @@"]
        lines = [*head, *(f"-{line}" for line in old), *(f"+{line}" for line in new)]
    else:
        lines = list(unified_diff(old, new, "before", "after", lineterm=""))
    return "".join(f"{line}\n" for line in lines)


def _until(over: Callable[[], bool], contexts: Iterable[FlagContext]) -> Iterator[FlagContext]:
    return takewhile(lambda _: not over(), contexts)


def _differences(key: str, before: FlagSnapshot, after: FlagSnapshot, contexts: Iterable[FlagContext]) -> Iterator[Difference]:
    for index, context in enumerate(contexts):
        old, new = _evaluation(key, before, context), _evaluation(key, after, context)
        if _answer(old) != _answer(new):
            yield Difference(index, old, new)


def _moved_share(key: str, before: FlagSnapshot, after: FlagSnapshot, now: float, over: Callable[[], bool]) -> float | None:
    rules = [
        flag.compiled
        for snapshot in (before, after)
        for flag in _asked(key, snapshot)
        if flag is not None and flag.active and flag.compiled is not None
    ]
    if not any(rule.draws for rule in rules) or any(rule.reads is None or rule.reads - _DRAWN_BY for rule in rules):
        return None
    contexts = _until(over, (FlagContext(f"subject-{number}", time=now) for number in range(SUBJECTS)))
    moved = sum(_variant(_evaluation(key, before, context)) != _variant(_evaluation(key, after, context)) for context in contexts)
    return moved / SUBJECTS


def _asked(key: str, snapshot: FlagSnapshot) -> Iterator[FlagDefinition | None]:
    """The definitions that decide the flag: its own and that of its group."""
    yield snapshot.definition(key)
    built_in = built_in_flags().get(key)
    if built_in is not None and built_in.group:
        yield snapshot.definition(built_in.group)


def _evaluation(key: str, snapshot: FlagSnapshot, context: FlagContext) -> Evaluation | None:
    return None if snapshot.definition(key) is None else snapshot.evaluate(key, context)


def _variant(evaluation: Evaluation | None) -> str:
    return "" if evaluation is None else evaluation.variant


def _answer(evaluation: Evaluation | None) -> tuple[str, str]:
    value: JsonValue = None if evaluation is None else evaluation.value
    return _variant(evaluation), json.dumps(value, sort_keys=True)


def _text(definition: FlagDefinition | None) -> str:
    return "" if definition is None else definition.text


def _lines(text: str) -> list[str]:
    return json.dumps(json.loads(text), ensure_ascii=False, indent=2).splitlines() if text else []
