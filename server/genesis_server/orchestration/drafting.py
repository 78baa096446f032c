"""A goal becomes a draft of a plan: by a language model, else by heuristics, else as one task; with the reason for the level.

The model is asked when one is configured, the caller and the flags allow it, nothing that would be sent looks like an injection, and
there is time. What it answers is checked by planning/model_draft.py. A share of the caller's time is kept back for the heuristic plan, so
that a model that hangs costs a level and not the answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import Artefact
from genesis_server.model.draft import ModelAnswer, ModelDraft
from genesis_server.model.plan import Plan
from genesis_server.model.provenance import DegradationLevel, ModelUse, TripwireHit
from genesis_server.orchestration.offloading import INLINE_GOAL_LENGTH, INLINE_OFFERS, offload
from genesis_server.orchestration.snapshots import Snapshots
from genesis_server.planning.model_brief import make_brief
from genesis_server.planning.model_draft import DraftModel, UnusableDraftError, plan_from_draft
from genesis_server.planning.planner import Draft, plan_goal
from genesis_server.resilience.ladder import walk

_LOG = logging.getLogger(__name__)

MIN_SECONDS_LEFT = 1.0
"""With less time than that left a model is not asked: it would hardly answer, and the heuristic plan needs what is left."""
KEPT_SHARE = 0.3
"""Share of the time left that is kept for the heuristic plan."""
KEPT_SECONDS = 0.25
"""Time that is kept at least."""
MODEL_FLAG = "llm_integration_enabled"
NOT_CONFIGURED = "no language model is configured"
NOT_ASKED_FOR = "the heuristic level was asked for"
SUSPICIOUS = "the goal holds text that looks like an instruction to a language model, so it was not sent to one"
NO_TIME = f"less than {MIN_SECONDS_LEFT:g} s was left, so the language model was not asked"
_REMEMBERED_TEXTS = 4_096


@dataclass(frozen=True, slots=True)
class Wish:
    """What a plan is wanted for."""

    goal: str
    index: CatalogueIndex | None = None
    """The request's own catalogue; None: the registered agents."""
    givens: tuple[Artefact, ...] = ()
    max_level: DegradationLevel = DegradationLevel.UNSPECIFIED
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Drafted:
    """A plan with how it was made; the id and version are given where it is stored."""

    plan: Plan
    level: DegradationLevel
    level_reason: str
    """Why not a higher level, in one sentence; empty where nothing higher was to be had."""
    model_use: ModelUse | None = None
    """What the language model used up, also in vain."""
    notes: tuple[str, ...] = ()
    """What was put right in the model's draft."""
    model_draft: ModelDraft | None = None
    """What the model wrote, when it became the plan; a replay makes the plan of it again."""
    tried_level: DegradationLevel = DegradationLevel.UNSPECIFIED
    """The level the plan was tried at without a model; making it again begins there."""

    @property
    def message(self) -> str:
        """The outcome in one sentence."""
        return "; ".join((self.level_reason or f"{len(self.plan.tasks)} tasks at level {self.level.name}", *self.notes))


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What came of the model: a draft, or why there is none."""

    drafted: Drafted | None = None
    why_not: str = ""
    use: ModelUse | None = None


class Drafter:
    """Drafts plans on the snapshots it is given."""

    def __init__(
        self,
        *,
        scan: Callable[[str, str], tuple[TripwireHit, ...]],
        model: DraftModel | None = None,
        entries: int = 60,
        default_seconds: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the parts.

        Args:
            scan: the tripwire, (text, field) → hits.
            model: the language model; None: none is configured.
            entries: how many catalogue entries it is told at most.
            default_seconds: time there is for a call whose caller set no deadline.
            clock: monotonic seconds.
        """
        self._model = model
        self._entries = entries
        self._default_seconds = default_seconds
        self._clock = clock

        # Catalogues change seldom, and a scan takes longer than everything else about a brief.
        @lru_cache(maxsize=_REMEMBERED_TEXTS)
        def is_suspicious(text: str) -> bool:
            return bool(scan(text, "catalogue"))

        self._is_suspicious: Callable[[str], bool] = is_suspicious

    async def draft(self, wish: Wish, snapshots: Snapshots, *, seconds_left: float | None, hits: tuple[TripwireHit, ...]) -> Drafted:
        """The best draft there is; `hits` are what the tripwire saw in the goal.

        Raises DecompositionError EMPTY_GOAL, and without error handling what the heuristic planner raises.
        """
        attempt = _Attempt() if snapshots.minimal_reason else await self._try_model(wish, snapshots, seconds_left, hits)
        if attempt.drafted is not None:
            return attempt.drafted
        draft, tried = await self._without_model(wish, snapshots)
        reason = "; ".join(part for part in (attempt.why_not, draft.level_reason) if part)
        return Drafted(draft.plan, draft.level, reason, attempt.use, tried_level=tried)

    async def _try_model(self, wish: Wish, snapshots: Snapshots, seconds_left: float | None, hits: tuple[TripwireHit, ...]) -> _Attempt:
        """A draft of the model, or why there is none: nothing that it or its endpoint does is an error of the call."""
        left = self._default_seconds if seconds_left is None else seconds_left
        refusal = self._refusal(wish, snapshots, left, hits)
        if self._model is None or refusal is not None:
            return _Attempt(why_not=refusal or "")
        use: ModelUse | None = None
        start = self._clock()
        try:
            index = wish.index or snapshots.agents
            brief = await asyncio.to_thread(
                make_brief, wish.goal, index=index, givens=wish.givens, limit=self._entries, is_suspicious=self._is_suspicious
            )
            seconds = left - max(KEPT_SECONDS, KEPT_SHARE * left) - (self._clock() - start)
            answer = await self._model.draft(brief, seconds=seconds) if seconds > 0 else ModelAnswer(None, NO_TIME)
            use = answer.use
            if answer.draft is None:
                why_not = answer.why_not
            else:
                made = await asyncio.to_thread(plan_from_draft, wish.goal, answer.draft, index=index, givens=wish.givens)
                return _Attempt(Drafted(made.plan, DegradationLevel.LLM, "", use, made.notes, answer.draft))
        except UnusableDraftError as error:
            why_not = f"the language model's draft {error}"
        except Exception as error:
            if not snapshots.flags.enabled("error_handling_enabled"):
                raise
            _LOG.exception("asking the language model failed in the server itself")
            why_not = f"asking the language model failed ({type(error).__name__})"
        if use is not None:
            _LOG.warning("planned without the language model: %s", why_not)
        return _Attempt(why_not=why_not, use=use)

    def _refusal(self, wish: Wish, snapshots: Snapshots, left: float, hits: tuple[TripwireHit, ...]) -> str | None:
        """Why the model is not asked, empty when that goes without saying; None when it is asked."""
        if wish.max_level is DegradationLevel.MINIMAL or not any(character.isalnum() for character in wish.goal):
            return ""
        if self._model is None:
            return NOT_CONFIGURED if wish.max_level is DegradationLevel.LLM else ""
        if wish.max_level is DegradationLevel.HEURISTIC:
            return NOT_ASKED_FOR
        if not snapshots.flags.enabled(MODEL_FLAG):
            return f"the flag {MODEL_FLAG} is off"
        if hits:
            return SUSPICIOUS
        return NO_TIME if left < MIN_SECONDS_LEFT else None

    async def _without_model(self, wish: Wish, snapshots: Snapshots) -> tuple[Draft, DegradationLevel]:
        """A draft by heuristics, or at the minimal level; and the level it was tried at."""
        index = wish.index or snapshots.agents
        forced = snapshots.minimal_reason
        level = DegradationLevel.MINIMAL if forced else DegradationLevel(min(wish.max_level, DegradationLevel.HEURISTIC))

        def plan_at(max_level: DegradationLevel) -> Draft:
            return plan_goal(wish.goal, index=index, methods=snapshots.methods, givens=wish.givens, max_level=max_level)

        levels = [level]
        if level is not DegradationLevel.MINIMAL and snapshots.flags.enabled("error_handling_enabled"):
            levels.append(DegradationLevel.MINIMAL)
        rungs = [(rung, partial(plan_at, rung)) for rung in levels]
        large = len(wish.goal) > INLINE_GOAL_LENGTH or len(index.offers) > INLINE_OFFERS
        landing = await offload(large, lambda: walk(rungs, catch=Exception))
        if landing.falls:
            _LOG.error("the heuristic planner failed; planned at the minimal level", exc_info=landing.falls[0].error)
            reason = f"the heuristic planner failed ({landing.falls[0].reason})"
            return replace(landing.result, level_reason=reason), landing.level
        return replace(landing.result, level_reason=forced) if forced else landing.result, landing.level
