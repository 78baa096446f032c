"""What the ends of attempts say of their agents."""

from __future__ import annotations

from genesis_server.orchestration.dispatching.verdicts import Verdict, Verdicts


def test_a_success_after_a_success_says_nothing_more() -> None:
    verdicts = Verdicts()
    for agent_id in ("ann", "bob", "ann", "ann"):
        verdicts.note(agent_id)
    assert list(verdicts) == [Verdict("ann"), Verdict("bob")]
    assert verdicts.failing == set()


def test_every_fault_counts_and_so_does_a_success_after_one() -> None:
    verdicts = Verdicts()
    for fault in ("broken", "broken", None, None, "broken"):
        verdicts.note("ann", fault)
    assert [verdict.fault for verdict in verdicts] == ["broken", "broken", None, "broken"]
    assert verdicts.failing == {"ann"}
