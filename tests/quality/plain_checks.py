"""Plain checks of a plan, the baselines beside measurement 8: nothing but similar words.

Two steps repeat each other from a cosine of ALIKE on; a step has the wrong tool when its own is not among the FITTING nearest to its
words. Both numbers are round ones that were chosen before any figure was seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from gold_plans import Gold
from tfidf import Similarity, plain_words

BASELINE = "TF-IDF cosine"
ALIKE = 0.5
FITTING = 5


class PlainChecks:
    """Checks by words that are weighed over all steps and all tools of a data set."""

    def __init__(self, tools: Sequence[tuple[str, str]], plans: Sequence[Gold]) -> None:
        """Weigh the words."""
        self._names = [name for name, _ in tools]
        self._tools = Similarity([f"{plain_words(name)} {words}" for name, words in tools]) if tools else None
        self._steps = Similarity([step.text for plan in plans for step in plan.steps])

    def repeats(self, plan: Gold, step: str = "") -> bool:
        """Whether a step (of this id; any, when none is named) says what another says."""
        alike = self._steps.among([each.text for each in plan.steps])
        np.fill_diagonal(alike, 0.0)
        rows = [number for number, each in enumerate(plan.steps) if step in {"", each.id}]
        return bool((alike[rows] >= ALIKE).any())

    def misfits(self, plan: Gold, step: str = "") -> bool:
        """Whether a step that names a tool (of this id; any, when none is named) has one that is not near its words."""
        named = [each for each in plan.steps if each.tool and step in {"", each.id}]
        if self._tools is None or not named:
            return False
        nearest = np.argsort(-self._tools.of([each.text for each in named]), axis=1, kind="stable")[:, :FITTING]
        return any(each.tool not in [self._names[place] for place in row] for each, row in zip(named, nearest, strict=True))
