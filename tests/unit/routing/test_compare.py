"""Two routings side by side."""

from routing_cases import agent, index_of, model, side_by_side

from genesis_server.model.plan import Task
from genesis_server.model.routing import ExplanationLevel, Routing, RuleEffect
from genesis_server.routing.compare import changes
from genesis_server.routing.router import route_plan
from genesis_server.routing.rules.condition import ALWAYS, Atom, Operator
from genesis_server.routing.rules.rule import Rule
from genesis_server.routing.rules.rulebook import compile_rulebook

INDEX = index_of(agent("good", model("m", 1, 0.95)), agent("poor", model("m", 1, 0.6)))
TASKS = (Task("a", "x", capability="do"), Task("b", "y", capability="do"))
GOOD = Atom("agent.id", Operator.EQUAL, "good")
ONLY_B = Atom("task.id", Operator.EQUAL, "b")


def _route(*rules: Rule, tasks: tuple[Task, ...] = TASKS, level: ExplanationLevel = ExplanationLevel.SUMMARY) -> Routing:
    return route_plan(side_by_side(*tasks), index=INDEX, rulebook=compile_rulebook(rules), explanation=level)


def test_only_what_changes_is_told_with_the_rule_that_changed_it() -> None:
    """A preview names the task, who had it, who gets it, and the rule."""
    assert changes(_route(), _route()) == ()
    deny = Rule("deny-good", RuleEffect.DENY, when=ONLY_B, who=GOOD)
    (change,) = changes(_route(), _route(deny))
    assert (change.task_id, change.because) == ("b", ("deny-good",))
    assert change.before
    assert change.after
    assert (change.before.id, change.after.id) == ("good", "poor")
    assert change.text == "goes to poor with m instead of good with m because of deny-good"
    (back,) = changes(_route(deny), _route())
    assert (back.because, back.text) == (("deny-good",), "goes to good with m instead of poor with m because of deny-good")


def test_a_task_nobody_gets_any_more_says_why() -> None:
    """The worst change of all is not hidden."""
    (change,) = changes(_route(), _route(Rule("none", RuleEffect.DENY, when=ONLY_B)))
    assert change.after is None
    assert change.text == "goes to nobody instead of good with m because of none (a rule refuses everybody)"


def test_a_rule_that_does_something_else_now_is_named() -> None:
    """The same id with another effect is the cause, though it fires in both."""
    (change, _) = changes(_route(Rule("r", RuleEffect.PREFER, when=ALWAYS, who=GOOD)), _route(Rule("r", RuleEffect.DENY, who=GOOD)))
    assert change.because == ("r",)


def test_tasks_of_one_routing_only_are_told_too() -> None:
    """A task that came or went is a change; without proofs nothing is said of rules."""
    first = _route(tasks=TASKS[:1], level=ExplanationLevel.NONE)
    both = _route(level=ExplanationLevel.NONE)
    (came,) = changes(first, both)
    assert (came.task_id, came.before, came.because) == ("b", None, ())
    (went,) = changes(both, first)
    assert (went.task_id, went.after, went.text) == ("b", None, "goes to nobody instead of good with m")
