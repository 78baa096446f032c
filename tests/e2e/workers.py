"""Workers for end-to-end tests: those of the SDK in threads, and ones that say exactly what they are told to, right or wrong."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from prometheus_client.parser import text_string_to_metric_families

import genesis
from genesis.v1 import agent_service_pb2, agent_service_pb2_grpc, catalogue_pb2, plan_pb2, update_pb2, work_pb2
from servers import Server

Metadata = Sequence[tuple[str, str]]
FAST = {"GENESIS_WORKER_LEASE_SECONDS": "2.5", "GENESIS_ACKNOWLEDGE_SECONDS": "1", "GENESIS_REROUTE_SECONDS": "0.3"}
"""A server that loses patience with its workers soon."""
NO_WAIT = plan_pb2.RetryPolicy()
NO_WAIT.initial_backoff.FromMilliseconds(1)


def eventually(check: Callable[[], object], seconds: float = 20.0) -> Any:
    """What `check` gives as soon as it gives something; fails when it does not in time."""
    end = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.01)
    return found


def card(agent_id: str, *skills: str, slots: int = 1) -> catalogue_pb2.AgentCard:
    """An agent that can do these."""
    return catalogue_pb2.AgentCard(
        id=agent_id, max_concurrent_tasks=slots, skills=[catalogue_pb2.Skill(id=skill, description=skill) for skill in skills]
    )


def task(task_id: str, skill: str, **fields: Any) -> plan_pb2.Task:
    """A task for whoever has the skill; it is tried again without a wait."""
    return plan_pb2.Task(id=task_id, goal=skill, capability=skill, **{"retry": NO_WAIT, **fields})


def artefact(name: str, kind: str = "") -> Any:
    """An input or output of a task."""
    return {"name": name, "type": kind}


def plan_of(client: genesis.Client, *tasks: plan_pb2.Task, edges: Sequence[Any] = (), dispatch: bool = True, **orchestrate: Any) -> str:
    """A stored plan of just these tasks, handed to agents; edges are pairs of task ids, or as plans have them. Its id."""
    made = client.orchestrate("Write a report", **orchestrate).plan
    edits = [update_pb2.Edit(add_task=one) for one in tasks]
    pairs = [plan_pb2.Edge(from_task_id=edge[0], to_task_id=edge[1]) if isinstance(edge, tuple) else edge for edge in edges]
    edits += [update_pb2.Edit(add_edge=edge) for edge in pairs]
    edits += [update_pb2.Edit(remove_task_id=old.id) for old in made.tasks if not old.parent_id]
    client.update_plan(made.id, edits=edits)
    if dispatch:
        client.update_plan(made.id, dispatch=True)
    return made.id


def ended(client: genesis.Client, plan_id: str, seconds: float = 20.0) -> Any:
    """The plan as it is when it has ended."""
    over = {plan_pb2.PLAN_STATE_DONE, plan_pb2.PLAN_STATE_FAILED, plan_pb2.PLAN_STATE_CANCELLED}
    return eventually(lambda: (found := client.get_plan(plan_id, contents=True)).plan.state in over and found, seconds)


def run_of(client: genesis.Client, plan_id: str, task_id: str) -> work_pb2.TaskRun:
    """How far the work on a task is."""
    return next((run for run in client.get_plan(plan_id).runs if run.task_id == task_id), work_pb2.TaskRun())


def state_of(client: genesis.Client, plan_id: str, task_id: str) -> int:
    """The state of a task."""
    return next(one.state for one in client.get_plan(plan_id).plan.tasks if one.id == task_id)


def metrics(server: Server, process: int = 0) -> Mapping[str, float]:
    """What /metrics of a process tells, by name and labels: `name{a="x"}`."""
    host, port = server.http.rsplit(":", 1)
    with urllib.request.urlopen(f"http://{host}:{int(port) + process}/metrics", timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return {_named(sample): sample.value for family in families for sample in family.samples}


def _named(sample: Any) -> str:
    labels = ",".join(f'{key}="{value}"' for key, value in sorted(sample.labels.items()))
    return f"{sample.name}{{{labels}}}" if labels else sample.name


def apart(address: str) -> grpc.Channel:
    """A channel with a connection of its own."""
    return grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])


def channels_to_both(server: Server) -> list[grpc.Channel]:
    """One channel to each of the two processes of a server, in the order of their numbers."""
    # The first process serves before the second one does.
    server.wait_for_log('"serving"', 30.0, times=2)
    found: dict[int, grpc.Channel] = {}
    for _ in range(200):
        channel = apart(server.address)
        before = [_calls(server, number) for number in (0, 1)]
        with contextlib.suppress(grpc.RpcError):
            agent_service_pb2_grpc.AgentServiceStub(channel).List(agent_service_pb2.AgentServiceListRequest(), timeout=10)
        number = next(number for number in (0, 1) if _calls(server, number) > before[number])
        if number in found:
            channel.close()
        else:
            found[number] = channel
        if len(found) == 2:
            return [found[0], found[1]]
    raise AssertionError("all connections went to one process")


def _calls(server: Server, process: int) -> float:
    return sum(
        value for name, value in metrics(server, process).items() if name.startswith("grpc_server_started_total") and '"List"' in name
    )


@dataclass
class RawWorker:
    """A worker that does what the test says and nothing by itself."""

    channel: grpc.Channel
    card: catalogue_pb2.AgentCard
    sign: Callable[[str, bytes], Metadata] = field(default=lambda _method, _body: ())
    """Credentials for a call of a method with a body."""
    session: str = ""
    load: float = 0.0

    @property
    def stub(self) -> agent_service_pb2_grpc.AgentServiceStub:
        """The agents' service."""
        return agent_service_pb2_grpc.AgentServiceStub(self.channel)

    def call(self, method: str, request: Any) -> Any:
        """A unary call of AgentService."""
        metadata = self.sign(f"/genesis.v1.AgentService/{method}", request.SerializeToString())
        return getattr(self.stub, method)(request, timeout=10, metadata=metadata)

    def join(self) -> RawWorker:
        """Register."""
        self.session = self.call("Register", agent_service_pb2.RegisterRequest(card=self.card)).session_id
        return self

    def beat(self, *progress: agent_service_pb2.LeaseProgress) -> None:
        """Say that it is alive."""
        self.call("Heartbeat", agent_service_pb2.HeartbeatRequest(session_id=self.session, load=self.load, progress=progress))

    def leave(self) -> None:
        """Deregister."""
        self.call("Deregister", agent_service_pb2.DeregisterRequest(session_id=self.session))

    def open(self, *, slots: int = 1, held: Sequence[str] = (), channel: grpc.Channel | None = None) -> RawStream:
        """Open a stream of work."""
        stream = RawStream(channel or self.channel, self.sign("/genesis.v1.AgentService/Work", b""))
        stream.say(open=agent_service_pb2.WorkOpen(session_id=self.session, slots=slots, held_lease_ids=held))
        return stream

    @contextlib.contextmanager
    def alive(self) -> Iterator[None]:
        """It says so as long as the block lasts."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(0.3):
                with contextlib.suppress(grpc.RpcError):
                    self.beat()

        beats = threading.Thread(target=beat, daemon=True)
        beats.start()
        try:
            yield
        finally:
            over.set()
            beats.join()

    @contextlib.contextmanager
    def working(self, *, slots: int = 1, held: Sequence[str] = ()) -> Iterator[RawStream]:
        """Joined, alive and with a stream as long as the block lasts."""
        self.join()
        stream = self.open(slots=slots, held=held)
        try:
            with self.alive():
                yield stream
        finally:
            stream.close()
            with contextlib.suppress(grpc.RpcError):
                self.leave()


class RawStream:
    """A stream of work, message by message."""

    def __init__(self, channel: grpc.Channel, metadata: Metadata = ()) -> None:
        """Open it; nothing is said yet."""
        self._say: queue.SimpleQueue[agent_service_pb2.WorkRequest | None] = queue.SimpleQueue()
        self._heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        stub = agent_service_pb2_grpc.AgentServiceStub(channel)
        self.call = stub.Work(iter(self._say.get, None), metadata=metadata, timeout=60)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        try:
            for message in self.call:
                self._heard.put(message)
            self._heard.put(None)
        except grpc.RpcError as error:
            self._heard.put(error)

    def say(self, **message: Any) -> None:
        """Say something."""
        self._say.put(agent_service_pb2.WorkRequest(**message))

    def hear(self, seconds: float = 20.0) -> agent_service_pb2.WorkResponse | None:
        """The next message; None at the end. Raises grpc.RpcError when the stream fails, and queue.Empty when nothing comes."""
        heard = self._heard.get(timeout=seconds)
        if isinstance(heard, grpc.RpcError):
            raise heard
        return heard

    def hears_nothing(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        try:
            self.hear(seconds)
        except queue.Empty:
            return True
        return False

    def take(self, seconds: float = 20.0, *, acknowledge: bool = True) -> agent_service_pb2.WorkAssignment:
        """The next message, which is a task."""
        heard = self.hear(seconds)
        assert heard is not None
        assert heard.WhichOneof("message") == "assignment", heard
        if acknowledge:
            self.say(acknowledge=agent_service_pb2.WorkAcknowledgement(lease_id=heard.assignment.lease.lease_id))
        return heard.assignment

    def notice(self, seconds: float = 20.0) -> agent_service_pb2.LeaseNotice:
        """The next message, which is a notice."""
        heard = self.hear(seconds)
        assert heard is not None
        assert heard.WhichOneof("message") == "notice", heard
        return heard.notice

    def moved(self, seconds: float = 20.0) -> None:
        """Hear that this server wants the worker elsewhere."""
        message = self.hear(seconds)
        assert message is not None
        assert message.WhichOneof("message") == "move", message

    def report(self, given: agent_service_pb2.WorkAssignment, **outcome: Any) -> agent_service_pb2.WorkReported:
        """Report how a task went, here; what the server says of it."""
        self.say(report=report_of(given, **outcome))
        while True:
            heard = self.hear()
            assert heard is not None
            if heard.WhichOneof("message") == "reported":
                return heard.reported

    def close(self) -> None:
        """Say no more, and end it."""
        self._say.put(None)
        self.call.cancel()


def report_of(given: agent_service_pb2.WorkAssignment, **outcome: Any) -> work_pb2.ReportRequest:
    """A report about a task under its lease: `done`, `failed` or `declined`, and perhaps `usage`."""
    return work_pb2.ReportRequest(plan_id=given.plan_id, task_id=given.task.id, lease=given.lease, **outcome)


def done(**outputs: Any) -> work_pb2.ReportedDone:
    """It succeeded, with these outputs."""
    reported = work_pb2.ReportedDone()
    for name, value in outputs.items():
        one = reported.outputs.add(name=name)
        if isinstance(value, work_pb2.ArtefactReference):
            one.reference.CopyFrom(value)
        elif isinstance(value, bool):
            one.value.bool_value = value
        elif isinstance(value, int | float):
            one.value.number_value = value
        else:
            one.value.string_value = value
    return reported


def failed(error: str = "it broke", *, permanent: bool = False) -> work_pb2.ReportedFailed:
    """It failed."""
    return work_pb2.ReportedFailed(error=error, permanent=permanent)


@contextlib.contextmanager
def at_work(worker: genesis.Worker, address: str, **options: Any) -> Iterator[genesis.Worker]:
    """A worker of the SDK that works while the block runs, from when the server knows it."""
    worker.start(address, **options)
    try:
        agent_id = worker.card.id
        with genesis.connect(address, **{key: value for key, value in options.items() if key != "agent_key"}) as client:
            eventually(lambda: any(entry.card.id == agent_id and entry.workers for entry in client.agents()))
        yield worker
    finally:
        worker.stop(finish=False)
