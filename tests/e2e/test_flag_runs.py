"""A run keeps its flags: over restarts, in two processes at once, whatever becomes of the flag meanwhile, with a large context too.

GENESIS_FLAGS_LONG=1 tries 1 000 runs instead of 200.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

import genesis
from errors import failure
from flag_asker import NO_LIMIT, boolean, until
from genesis.v1 import common_pb2, flags_pb2, orchestrator_service_pb2_grpc
from genesis.v1 import orchestrator_service_pb2 as pb
from servers import Server, running
from workers import channels_to_both

RUNS = 1_000 if os.environ.get("GENESIS_FLAGS_LONG") == "1" else 200
GOAL = "Water the plants and then feed the cat"
HALF = boolean(targeting={"fractional": [["on", 50], ["off", 50]]})
SETTINGS = {"GENESIS_WORKERS": "2", **NO_LIMIT}
Stub = orchestrator_service_pb2_grpc.OrchestratorServiceStub


def ask(stub: Stub, run: str, *keys: str, context: flags_pb2.FlagContext | None = None) -> tuple[bool, ...]:
    """What flags are in a run."""
    answer = stub.Flag(pb.FlagRequest(keys=keys, run_id=run, context=context), timeout=20)
    return tuple(flag.value.bool_value for flag in answer.flags)


def known(server: Server, *keys: str) -> tuple[Stub, Stub]:
    """Both processes, when both know the flags."""
    stubs = tuple(Stub(channel) for channel in channels_to_both(server))
    for stub in stubs:
        until(lambda stub=stub: set(keys) <= {flag.key for flag in stub.Flag(pb.FlagRequest(), timeout=20).flags}, 5)
    return stubs[0], stubs[1]


def large_context(kilobytes: int) -> flags_pb2.FlagContext:
    context = flags_pb2.FlagContext(targeting_key="whale")
    context.attributes.update({"plan": "beta", "filler": ["x" * 1000] * kilobytes})
    return context


def test_a_run_keeps_its_flags_whatever_happens(tmp_path: Path) -> None:
    """In both processes, after every kind of change of the flag, and after a restart."""
    with running(tmp_path, settings=SETTINGS) as server, genesis.connect(server.address, retry=None) as client:
        client.put_flag("half", HALF, "test")
        client.put_flag("by_plan", boolean(targeting={"if": [{"==": [{"var": "plan"}, "beta"]}, "on", "off"]}), "test")
        first, second = known(server, "half", "by_plan")
        runs = [f"run-{number}" for number in range(RUNS)]

        def both(run: str) -> bool:
            with ThreadPoolExecutor(2) as pool:
                [[one], [two]] = pool.map(lambda stub: ask(stub, run, "half"), (first, second))
            assert one is two, "two processes pinned the same run differently"
            return one

        with ThreadPoolExecutor(4) as pool:
            began = dict(zip(runs, pool.map(both, runs), strict=True))
        assert 0.3 < sum(began.values()) / RUNS < 0.7
        assert ask(first, "whale", "by_plan", context=large_context(60)) == (True,)
        with pytest.raises(grpc.RpcError) as caught:
            ask(first, "leviathan", "by_plan", context=large_context(100))
        assert list(failure(caught.value).fields) == ["context.attributes"]
        for change in (
            lambda: client.set_flag_weight("half", 0, "nobody"),
            lambda: client.set_flag_weight("half", 100, "everybody"),
            lambda: client.put_flag("half", boolean(targeting={"substr": ["on", {"var": "nothing"}]}), "something else"),
            lambda: client.delete_flag("half", "gone"),
            lambda: client.delete_flag("by_plan", "gone"),
        ):
            change()
            some = runs[:: len(runs) // 20]
            for stub in (first, second):
                assert [ask(stub, run, "half") for run in some] == [(began[run],) for run in some]
        assert {run: ask(second, run, "half") for run in runs} == {run: (on,) for run, on in began.items()}
        with pytest.raises(grpc.RpcError):
            ask(first, "another", "half")
        # The context of the first call is the run's; another that comes later changes nothing.
        assert ask(second, "whale", "by_plan", context=flags_pb2.FlagContext(targeting_key="minnow")) == (True,)
        client.set_emergency_flag("read_only_mode", "test")
        assert ask(second, "whale", "by_plan") == (True,)
        until(lambda: ask(second, "whale", "read_only_mode") == (True,), 1)
        client.clear_emergency_flag("read_only_mode", "test")
    with running(tmp_path, settings=NO_LIMIT) as server, server.channel() as channel:
        stub = Stub(channel)
        assert {run: ask(stub, run, "half") for run in runs} == {run: (on,) for run, on in began.items()}
        assert ask(stub, "whale", "by_plan") == (True,)
        evaluation = stub.Flag(pb.FlagRequest(keys=["half"], run_id="run-0", explain=True), timeout=20).flags[0]
        assert evaluation.layer == flags_pb2.FLAG_LAYER_PIN
        assert evaluation.explanation.buckets[0].bucketed_by == json.dumps(["half", "run-0"])
    assert "Traceback" not in server.log.read_text()


def test_a_run_that_began_with_a_group_that_is_on_goes_on_with_it(server: Server) -> None:
    """Orchestrate is steered by the pin that its metadata names."""
    with genesis.connect(server.address, retry=None) as client:

        def level(run: str) -> int:
            return client.orchestrate(GOAL, metadata=[("genesis-run-id", run)]).provenance.level

        minimal = common_pb2.DEGRADATION_LEVEL_MINIMAL
        try:
            assert level("before") != minimal
            client.disable_flag("phase_1_core_enabled", "test")
            assert level("after") == minimal
            assert level("before") != minimal
            assert not client.flag("orchestration_enabled", run_id="after").flags[0].value.bool_value
            assert client.flag("orchestration_enabled", run_id="before").flags[0].value.bool_value
            client.enable_flag("phase_1_core_enabled", "test")
            assert level("after") == minimal, "a run does not change its mind"
        finally:
            client.delete_flag("phase_1_core_enabled", "test")
        assert level("later") != minimal
