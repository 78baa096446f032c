"""Which words of the goal a drafted task answers.

A model is asked to copy them. When what it copied does not stand in the goal, letter by letter or word by word, the longest stretch of
the goal whose content words all occur in the task's own text is taken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from genesis_server.model.span import Span
from genesis_server.text.words import Word, content_stems, stem, stop_words, words

MOST_GOAL_WORDS = 2_000
FEWEST_SHARED = 2
"""Content words a stretch must share with a task that has as many; one word alone is chance."""


def spans_of(goal: str, copied: str, task_goal: str) -> tuple[Span, ...]:
    """The piece of `goal` that a task answers, as one span, or nothing when none can be told."""
    exact = _exact(goal, copied.strip())
    if exact is not None:
        return (exact,)
    goal_words = words(goal)[:MOST_GOAL_WORDS]
    found = _copied(goal_words, [word.text for word in words(copied)]) or _shared(goal_words, frozenset(content_stems(task_goal)))
    if not found:
        return ()
    start, end = found[0].start, found[-1].end
    return (Span(start, end, goal[start:end]),)


def _exact(goal: str, copied: str) -> Span | None:
    """Where the goal holds these very letters; not inside a Latin word, while scripts without blanks have no such bound."""
    if not copied or len(copied) > len(goal):
        return None
    found = re.search(rf"(?<![A-Za-z0-9]){re.escape(copied)}(?![A-Za-z0-9])", goal)
    return Span(found.start(), found.end(), found.group()) if found else None


def _copied(goal_words: Sequence[Word], copied: Sequence[str]) -> Sequence[Word]:
    """The first stretch of the goal with these very words."""
    texts = [word.text for word in goal_words]
    size = len(copied)
    if size == 0:
        return ()
    first = copied[0]
    for place, text in enumerate(texts):
        if text == first and texts[place : place + size] == list(copied):
            return goal_words[place : place + size]
    return ()


def _shared(goal_words: Sequence[Word], stems: frozenset[str]) -> Sequence[Word]:
    """The stretch of the goal with most content words in a row that `stems` holds, the first of the longest."""
    best: tuple[int, int, int] = (0, 0, 0)
    start, count = 0, 0
    for place, word in enumerate(goal_words):
        if word.text in stop_words():
            continue
        if stem(word.text) not in stems:
            count = 0
            continue
        start = start if count else place
        count += 1
        if count > best[0]:
            best = (count, start, place + 1)
    return goal_words[best[1] : best[2]] if best[0] >= min(FEWEST_SHARED, max(1, len(stems))) else ()
