"""How likely it is that no task does an action of the goal, in points.

The points have equal weights, which on new data do about as well as fitted ones (Dawes, The robust beauty of improper linear models,
1979); data/validation.toml says them and from how many on an action counts as left out.
"""

from __future__ import annotations

from genesis_server.text.words import stem
from genesis_server.validation.coverage import Coverage
from genesis_server.validation.elements import Action
from genesis_server.validation.offered import Offered
from genesis_server.validation.policy import CompletenessPolicy
from genesis_server.validation.vocabulary import default_vocabulary

UNKNOWN = 0.5
SUPPORTING = 1.0
TOO_FEW = 0.5
SIMILARITY = 2.0
NONE = -10.0


class Evidence:
    """Weighs the actions of a goal against the tasks of a plan."""

    def __init__(self, coverage: Coverage, offered: Offered | None, policy: CompletenessPolicy, *, too_few: bool) -> None:
        """Weigh against these tasks.

        Args:
            coverage: what the tasks say.
            offered: what the catalogue offers; None: there is none.
            policy: limits.
            too_few: whether there are fewer tasks than the goal has actions.
        """
        self._coverage = coverage
        self._offered = offered
        self._policy = policy
        self._too_few = too_few

    def surplus(self, action: Action) -> float:
        """By how many points what speaks for an action's being left out exceeds the limit; `NONE` for one that says too little."""
        details = frozenset(term for detail in action.details for term in detail.terms)
        if len(action.terms) < self._policy.fewest_words and not details:
            return NONE
        coverage, verb = self._coverage, stem(action.verb)
        own, rest = action.own_terms - {verb}, action.terms - {verb}
        called, whole = coverage.answers(verb, rest | details)
        no_verb = 1.0 - called
        points = (
            no_verb
            + (1.0 - coverage.share(own) if own else UNKNOWN)
            + (1.0 - coverage.share(details) if details else UNKNOWN)
            + (1.0 - whole)
            + TOO_FEW * self._too_few
            - SUPPORTING * (action.verb in default_vocabulary().supporting_verbs)
        )
        if self._offered is None or not (similarity := self._offered.similarity(action.span.text)):
            return points - self._policy.left_out_by_words
        doer = self._offered.doer(action.span.text, verb)
        return points + SIMILARITY * similarity + (no_verb if doer is not None else 0.0) - self._policy.left_out
