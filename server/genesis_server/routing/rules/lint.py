"""Rules that cannot do what somebody wrote them for, each with concrete facts that show it.

UNREACHABLE: its `when` never holds, its `who` holds for no candidate, or (prefer and require) for every candidate.
SHADOWED: another rule of higher priority, or of equal priority and a refusal, fires whenever this one does and speaks about every
candidate this one speaks about, so that taking this one away changes no decision. (prefer: one of higher priority that fires
whenever this one does and splits the candidates in the same two parts.) Of two that shadow each other the later by id is named.
CONFLICTING: two rules that can fire together, and
 - have equal priority, one allowing a candidate that the other refuses (the refusal wins);
 - or refuse, between them, every candidate there could be, while neither does so alone;
 - or prefer at equal priority candidates of whom none can be in both (neither goes first).
NOT CHECKED: a rule with more than MAX_CONDITIONS comparisons in `when` and `who` together, which is left out of all of this.

Complete up to that bound by enumeration (situations.py), taking facts other than those of time to be independent of each other;
a finding of unreachable or shadowed is always true, a conflict's facts may be such that they never meet. Rules that are switched off
are not looked at. One rule is compared with one other; several that cover one together are not found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from genesis_server.model.routing import Fact, RuleEffect
from genesis_server.model.validation import Severity
from genesis_server.routing.rules.compiler import Test, compile_condition
from genesis_server.routing.rules.condition import And, Atom, Condition, Not, Operator, atoms_of, conjuncts, print_condition
from genesis_server.routing.rules.facts import CANDIDATE_FACTS, TASK_FACTS, FactValue, text_of
from genesis_server.routing.rules.rule import HARD_EFFECTS, REFUSALS, Rule
from genesis_server.routing.rules.rulebook import Rulebook
from genesis_server.routing.rules.situations import Situation, find_situation, values_in

MAX_CONDITIONS = 8


class LintKind(StrEnum):
    """What is wrong with a rule."""

    UNREACHABLE = "unreachable"
    SHADOWED = "shadowed"
    CONFLICTING = "conflicting"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One rule, or two, that cannot do what somebody wrote them for."""

    kind: LintKind
    severity: Severity
    rule_ids: tuple[str, ...]
    """The rule it is about, then the one that covers it or is in conflict with it."""
    message: str
    witness: tuple[Fact, ...] = ()
    """Facts of a task, and of a candidate, that show it; empty where a contradiction in the message does."""
    line: int = 0
    """Of the rule it is about; 0: in no file."""


def lint(rulebook: Rulebook) -> tuple[LintFinding, ...]:
    """Every finding, by the order of the rules."""
    enabled = [rule for rule in rulebook.rules if rule.enabled]
    findings: list[LintFinding] = []
    sound: list[_Checked] = []
    for rule in enabled:
        finding = _single(rule)
        if finding is None:
            sound.append(_checked(rule))
        else:
            findings.append(finding)
    for first, second in combinations(sound, 2):
        findings.extend(_pair(first, second))
    place = {rule.id: number for number, rule in enumerate(enabled)}
    return tuple(sorted(findings, key=lambda finding: [place[rule_id] for rule_id in finding.rule_ids]))


@dataclass(frozen=True, slots=True)
class _Checked:
    """A rule that is sound by itself, with examples that settle most pairs before anything is searched for."""

    rule: Rule
    when: Condition
    """With its window."""
    about: Condition
    """The candidates it speaks about."""
    fires: Test
    speaks: Test
    moment: Sequence[FactValue | None]
    """Facts of a task it fires for."""
    inside: Sequence[FactValue | None]
    """A candidate it speaks about."""
    outside: Situation | None
    """Facts of one it does not; None: it speaks about everybody."""


def _checked(rule: Rule) -> _Checked:
    when, about = _firing(rule), _spoken_of(rule)
    moment, inside, outside = (find_situation([wanted]) for wanted in ((when, True), (about, True), (about, False)))
    return _Checked(
        rule=rule,
        when=when,
        about=about,
        fires=compile_condition(when),
        speaks=compile_condition(about),
        moment=values_in(moment or {}, TASK_FACTS),
        inside=values_in(inside or {}, CANDIDATE_FACTS),
        outside=outside,
    )


def _firing(rule: Rule) -> Condition:
    window: list[Condition] = []
    if rule.valid_from is not None:
        window.append(Atom("time.now", Operator.AT_LEAST, rule.valid_from))
    if rule.valid_until is not None:
        window.append(Atom("time.now", Operator.LESS, rule.valid_until))
    return And((*window, *conjuncts(rule.when))) if window else rule.when


def _spoken_of(rule: Rule) -> Condition:
    return Not(rule.who) if rule.effect is RuleEffect.REQUIRE else rule.who


def _single(rule: Rule) -> LintFinding | None:
    """What is wrong with a rule whatever the others are."""
    count = sum(1 for condition in (rule.when, rule.who) for _ in atoms_of(condition))
    if count > MAX_CONDITIONS:
        message = f"{rule.id} has {count} comparisons; only rules with up to {MAX_CONDITIONS} are checked; make it several rules"
        return LintFinding(LintKind.NOT_CHECKED, Severity.INFO, (rule.id,), message, line=rule.line)
    when = _firing(rule)
    if find_situation([(when, True)]) is None:
        return _unreachable(rule, f"never fires: {_contradiction(when)} cannot hold")
    if find_situation([(rule.who, True)]) is None:
        effect = "refuses everybody" if rule.effect is RuleEffect.REQUIRE else "changes nothing"
        return _unreachable(rule, f"{effect}: no candidate is such that {_contradiction(rule.who)}")
    if rule.effect in {RuleEffect.PREFER, RuleEffect.REQUIRE} and find_situation([(rule.who, False)]) is None:
        return _unreachable(rule, f"changes nothing: every candidate is such that {print_condition(rule.who)}")
    return None


def _unreachable(rule: Rule, what: str) -> LintFinding:
    return LintFinding(LintKind.UNREACHABLE, Severity.WARNING, (rule.id,), f"{rule.id} {what}", line=rule.line)


def _contradiction(condition: Condition) -> str:
    """The parts of a condition that cannot hold together, none of which could be left out."""
    parts = list(conjuncts(condition))
    for part in list(parts):
        others = [other for other in parts if other is not part]
        if others and find_situation([(other, True) for other in others]) is None:
            parts = others
    return print_condition(And(tuple(parts))) if len(parts) > 1 else print_condition(parts[0])


def _pair(first: _Checked, second: _Checked) -> Iterator[LintFinding]:
    """What is wrong between two rules; `first` is asked before `second`."""
    covering, covered = _by_rank(first, second)
    if _may_cover(covering.rule, covered.rule) and (finding := _shadowed(covering, covered)) is not None:
        yield finding
        return
    effects = {first.rule.effect, second.rule.effect}
    equal = first.rule.priority == second.rule.priority
    if RuleEffect.ALLOW in effects and effects & REFUSALS:
        if equal:
            yield from _opposed(first, second)
    elif effects <= REFUSALS:
        yield from _nobody_left(first, second)
    elif effects == {RuleEffect.PREFER} and equal:
        yield from _undecided(first, second)


def _by_rank(first: _Checked, second: _Checked) -> tuple[_Checked, _Checked]:
    """The one that decides when both speak about a candidate, and the other."""
    if first.rule.priority == second.rule.priority and first.rule.effect is RuleEffect.ALLOW and second.rule.effect in REFUSALS:
        return second, first
    return first, second


def _may_cover(covering: Rule, covered: Rule) -> bool:
    if covering.effect in HARD_EFFECTS and covered.effect in HARD_EFFECTS:
        return True
    both_prefer = covering.effect is RuleEffect.PREFER and covered.effect is RuleEffect.PREFER
    return both_prefer and covering.priority > covered.priority


def _shadowed(covering: _Checked, covered: _Checked) -> LintFinding | None:
    if not _covers(covering, covered):
        return None
    same_rank = covering.rule.priority == covered.rule.priority
    candidate = find_situation([(covering.about, True), (covered.about, True)])
    facts = find_situation([(covering.when, True), (covered.when, True)])
    why = "the same priority" if same_rank else f"priority {covering.rule.priority}"
    message = (
        f"{covered.rule.id} changes no decision: {covering.rule.id} has {why}, fires whenever it does, and decides all it could decide"
    )
    ids = (covered.rule.id, covering.rule.id)
    return LintFinding(LintKind.SHADOWED, Severity.WARNING, ids, message, _witness(facts, candidate), covered.rule.line)


def _covers(covering: _Checked, covered: _Checked) -> bool:
    if not covering.fires(covered.moment):
        return False
    a, b = covering.about, covered.about
    if covering.rule.effect is not RuleEffect.PREFER and not covering.speaks(covered.inside):
        return False
    missed = find_situation([(b, True), (a, False)])
    if covering.rule.effect is RuleEffect.PREFER:
        same = missed is None and find_situation([(a, True), (b, False)]) is None
        reverse = find_situation([(a, True), (b, True)]) is None and find_situation([(a, False), (b, False)]) is None
        splits_alike = same or reverse
    else:
        splits_alike = missed is None
    return splits_alike and find_situation([(covered.when, True), (covering.when, False)]) is None


def _opposed(first: _Checked, second: _Checked) -> Iterator[LintFinding]:
    candidate = find_situation([(first.about, True), (second.about, True)])
    if candidate is None:
        return
    refusing, allowing = _by_rank(first, second) if second.rule.effect in REFUSALS else (first, second)
    message = (
        f"{allowing.rule.id} allows and {refusing.rule.id} refuses the same candidate at priority {first.rule.priority}; the refusal wins"
    )
    yield from _conflict(first, second, candidate, message)


def _nobody_left(first: _Checked, second: _Checked) -> Iterator[LintFinding]:
    if first.outside is None or second.outside is None:
        return
    left_out = values_in({**first.outside, **second.outside}, CANDIDATE_FACTS)
    if not first.speaks(left_out) and not second.speaks(left_out):
        return
    if find_situation([(first.about, False), (second.about, False)]) is not None:
        return
    message = f"{first.rule.id} and {second.rule.id} together refuse every candidate there could be"
    yield from _conflict(first, second, {}, message)


def _undecided(first: _Checked, second: _Checked) -> Iterator[LintFinding]:
    if first.speaks(second.inside) or second.speaks(first.inside):
        return
    if find_situation([(first.about, True), (second.about, True)]) is not None:
        return
    message = f"{first.rule.id} and {second.rule.id} prefer different candidates at priority {first.rule.priority}; neither goes first"
    yield from _conflict(first, second, {}, message)


def _conflict(first: _Checked, second: _Checked, candidate: Situation, message: str) -> Iterator[LintFinding]:
    facts = find_situation([(first.when, True), (second.when, True)])
    if facts is not None:
        ids = (first.rule.id, second.rule.id)
        yield LintFinding(LintKind.CONFLICTING, Severity.WARNING, ids, message, _witness(facts, candidate), first.rule.line)


def _witness(*situations: Situation | None) -> tuple[Fact, ...]:
    return tuple([Fact(name, text_of(name, value)) for situation in situations if situation for name, value in situation.items()])
