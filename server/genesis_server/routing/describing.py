"""What the columns of a decision mean, in nouns and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as attribute

from genesis_server.model.money import Money
from genesis_server.model.plan import Task
from genesis_server.model.routing import Candidate, LoadChoice, NearestMiss, RoutingConstraints, ScoreParts, Target, UnassignedReason
from genesis_server.routing.balance import Balance, Workload
from genesis_server.routing.candidates import Candidates
from genesis_server.routing.limits import failed_reasons, limits_of
from genesis_server.routing.policy import RoutingPolicy
from genesis_server.routing.rulings import Rulings
from genesis_server.routing.selection import Field
from genesis_server.routing.ties import SCORE_SCALE
from genesis_server.routing.wording import any_of, class_text, difference, load_text, name_of, seconds_text


@dataclass(frozen=True, slots=True)
class Describer:
    """Says what the columns mean; places count from a task's first candidate."""

    candidates: Candidates
    workload: Workload
    """As it was when all choices had been made."""
    rulings: Rulings
    policy: RoutingPolicy
    constraints: RoutingConstraints
    currency: str
    _names: dict[int, str] = attribute(default_factory=dict[int, str])
    _moneys: dict[int, Money] = attribute(default_factory=dict[int, Money])
    _differences: dict[tuple[float, ...], str] = attribute(default_factory=dict[tuple[float, ...], str])

    def row(self, field: Field, place: int) -> int:
        """A candidate's row of the pool."""
        return self.candidates.values.rows[field.first + place]

    def target(self, field: Field, place: int) -> Target:
        """Who a candidate is."""
        return self.candidates.pool.targets[self.row(field, place)]

    def name(self, field: Field, place: int) -> str:
        """Who a candidate is, in words."""
        row = self.row(field, place)
        found = self._names.get(row)
        if found is None:
            found = self._names[row] = name_of(self.candidates.pool.targets[row])
        return found

    def cost(self, field: Field, place: int) -> Money:
        """What a candidate is expected to cost."""
        return self._money(self.candidates.values.costs[field.first + place])

    def _money(self, nanos: int) -> Money:
        found = self._moneys.get(nanos)
        if found is None:
            found = self._moneys[nanos] = Money(nanos, self.currency)
        return found

    def score(self, field: Field, place: int) -> float:
        """A candidate's score, 0 to 1."""
        score = field.standing.score[field.first + place]
        return score if 0.0 < score <= 1.0 else max(0.0, min(1.0, score))

    def decisive(self, field: Field, chosen: int) -> str:
        """What decided between the choice and the next, in words."""
        if field.feasible == 1:
            return "the only candidate that passes every hard constraint"
        first = field.preferred
        if chosen != first:
            loss = self.score(field, first) - self.score(field, chosen)
            saved = Money(self.cost(field, first).nanos - self.cost(field, chosen).nanos, self.currency)
            return f"saves {saved} for {loss:.2f} of score against {self.name(field, first)}, to keep the budget"
        balance, order = field.balance, field.standing.order
        if balance is not None and (balance.is_sticky or balance.is_by_load):
            return self._balanced(field, balance)
        second = order[field.first + 1]
        if balance is not None and balance.compared[0] != order[field.first]:
            second = balance.compared[1]
        words, name = self._difference(field, chosen, second), self.name(field, second)
        preference = self.candidates.values.preference
        if preference[field.first + chosen] != preference[field.first + second]:
            return f"preferred by the rules to {name} ({words})"
        return f"{words} against {name}"

    def _difference(self, field: Field, one: int, other: int) -> str:
        """What each part adds to the score of one more than to that of the other; models of an agent often differ alike."""
        one, other = field.first + one, field.first + other
        weights, values, cheapness = self.policy.weights, self.candidates.values, field.standing.cheapness
        gains = (
            weights.skill_match * values.skill[one] - weights.skill_match * values.skill[other],
            weights.success * values.success[one] - weights.success * values.success[other],
            weights.cost * cheapness[one] - weights.cost * cheapness[other],
            values.bonus[one] - values.bonus[other],
        )
        found = self._differences.get(gains)
        if found is None:
            found = self._differences[gains] = difference(gains)
        return found

    def _balanced(self, field: Field, balance: Balance) -> str:
        if balance.is_sticky:
            return f"named by the sticky key among {len(balance.near_best)} that are about as good"
        other = balance.compared[0] if balance.chosen == balance.compared[1] else balance.compared[1]
        low, high = sorted(balance.loads)
        return f"has less to do than {self.name(field, other)}, which is about as good ({low:.3g} to {high:.3g} tasks a slot)"

    def load_choice(self, field: Field) -> LoadChoice | None:
        """How load or a sticky key chose; None when nobody else was about as good."""
        balance = field.balance
        if balance is None:
            return None
        chosen = self.name(field, balance.chosen)
        if balance.is_sticky:
            text = f"the sticky key names {chosen} among {len(balance.near_best)} that are about as good"
        else:
            drawn = "the two" if len(balance.near_best) == 2 else f"two drawn of {len(balance.near_best)}"
            named = [
                f"{self.name(field, place)} has {load_text(load)}" for place, load in zip(balance.compared, balance.loads, strict=True)
            ]
            why = "which has less" if balance.is_by_load else "which is the better one at equal load"
            text = f"of {drawn} that are about as good {' and '.join(named)}: {chosen}, {why}"
        return LoadChoice(
            near_best=tuple([self.target(field, place) for place in balance.near_best]),
            compared=tuple([self.target(field, place) for place in balance.compared]),
            text=text,
        )

    def nearest_miss(self, job: int, task: Task, field: Field) -> tuple[NearestMiss, str] | None:
        """The refused candidate that failed the fewest constraints, then the best by score; and what would help it."""
        refused = self.refused(field)
        if not refused:
            return None
        place = refused[0]
        failed = failed_reasons(field.failed[place])
        missing = "; ".join([self._what_failed(job, task, field, place, reason) for reason in failed])
        help_text = " and ".join([self._what_helps(task, field, place, reason) for reason in failed])
        return NearestMiss(self.target(field, place), failed, missing), help_text

    def refused(self, field: Field) -> list[int]:
        """Places of the refused candidates, the nearest to feasible first."""
        failed, score = field.failed, field.score
        places: list[int] = [place for place, flags in enumerate(failed) if flags]
        ranks = self.candidates.pool.rank_list
        places.sort(key=lambda place: (failed[place].bit_count(), -round(score[place] * SCORE_SCALE), ranks[self.row(field, place)]))
        return places

    def described(self, job: int, task: Task, field: Field, places: Sequence[int]) -> tuple[Candidate, ...]:
        """Some candidates, each with its scores, or with what refused it."""
        values, pool, standing = self.candidates.values, self.candidates.pool, field.standing
        found: list[Candidate] = []
        for place in places:
            at = field.first + place
            row, flags = values.rows[at], standing.failed[at]
            load = self.workload.load(field.level, field.given, pool.owner_list[row])
            parts = ScoreParts(values.skill[at], values.success[at], standing.cheapness[at], 1.0 / (1.0 + load), values.bonus[at])
            cost = self._money(values.costs[at])
            if flags:
                failed = failed_reasons(flags)
                detail = "; ".join([self._what_failed(job, task, field, place, reason) for reason in failed])
                found.append(Candidate(pool.targets[row], 0.0, parts, cost, failed, detail))
            else:
                found.append(Candidate(pool.targets[row], self.score(field, place), parts, cost))
        return tuple(found)

    def _what_failed(  # noqa: PLR0911 - a sentence for each reason
        self, job: int, task: Task, field: Field, place: int, reason: UnassignedReason
    ) -> str:
        row = self.row(field, place)
        target = self.target(field, place)
        limits = limits_of(task.constraints, self.constraints)
        match reason:
            case UnassignedReason.REGION:
                region = self.candidates.pool.regions[row]
                return f"{target.id} {f'runs in {region}' if region else 'has no region'}; allowed: {any_of(limits.regions)}"
            case UnassignedReason.DATA_CLASS:
                cleared = class_text(int(self.candidates.pool.clearances[row]))
                return f"{target.id} may see {cleared} data at most; the task's are {class_text(limits.data_class)}"
            case UnassignedReason.UNHEALTHY:
                return f"{target.id} is unhealthy"
            case UnassignedReason.EXCLUDED:
                return f"{target.id} is excluded by the request"
            case UnassignedReason.DEADLINE:
                latest = seconds_text(max(0.0, field.latest_end_seconds))
                return f"{self.name(field, place)} would end {self._end(field, place)} after the plan's start, later than {latest}"
            case UnassignedReason.BUDGET:
                most = Money(limits.max_cost or 0, self.currency)
                return f"{self.name(field, place)} costs {self.cost(field, place)}; the task may cost {most}"
            case UnassignedReason.RULE:
                return f"the rule {self._refusing_rule(field, place)} refuses {self.name(field, place)}{self._why(job, field, place)}"
            case _:
                score = self.candidates.values.skill[field.first + place]
                return f"the words of {target.skill_id or target.id} fit {score:.2f}; needed: {self.policy.match.text_threshold:.2f}"

    def _what_helps(  # noqa: PLR0911 - a sentence for each reason
        self, task: Task, field: Field, place: int, reason: UnassignedReason
    ) -> str:
        target = self.target(field, place)
        limits = limits_of(task.constraints, self.constraints)
        match reason:
            case UnassignedReason.REGION:
                region = self.candidates.pool.regions[self.row(field, place)]
                return f"allow the region {region}" if region else f"give {target.id} a region or allow any"
            case UnassignedReason.DATA_CLASS:
                return f"clear {target.id} for {class_text(limits.data_class)} data"
            case UnassignedReason.UNHEALTHY:
                return f"wait for {target.id} to get well"
            case UnassignedReason.EXCLUDED:
                return f"take {target.id} out of excluded_targets"
            case UnassignedReason.DEADLINE:
                return f"allow it to end after {self._end(field, place)}"
            case UnassignedReason.BUDGET:
                return f"raise the task's max_cost to {self.cost(field, place)}"
            case UnassignedReason.RULE:
                return f"change the rule {self._refusing_rule(field, place)}"
            case _:
                return "name a capability of the catalogue or add somebody who has it"

    def _refusing_rule(self, field: Field, place: int) -> str:
        return self.rulings.book.rulebook.compiled[self.candidates.values.refused_by[field.first + place]].id

    def _why(self, job: int, field: Field, place: int) -> str:
        rule = self.rulings.book.rulebook.compiled[self.candidates.values.refused_by[field.first + place]]
        text = self.rulings.told(job, rule, 0).explanation
        return f": {text}" if text else ""

    def _end(self, field: Field, place: int) -> str:
        return seconds_text(field.start_seconds + self.candidates.values.seconds[field.first + place])
