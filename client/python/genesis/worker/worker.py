"""The worker: functions that become an agent."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal, Self, TypeVar, Unpack

from genesis import _values as values
from genesis.aio import AsyncClient, connect
from genesis.options import ConnectOptions, DurationLike
from genesis.v1.catalogue_pb2 import AgentCard, Model
from genesis.v1.common_pb2 import DataClass
from genesis.worker.engine import Engine
from genesis.worker.skill import Skill, skill
from genesis.worker.timing import Timing

_F = TypeVar("_F", bound=Callable[..., Any])


class Worker:
    """An agent made of functions. Each process that runs it is one worker of the agent.

        worker = genesis.Worker("writer", description="Writes documents.")

        @worker.skill("docs.write", examples=["write the release notes"])
        def write(notes: str) -> str: ...

        worker.run("127.0.0.1:50051")

    The id, the description and what else is given here go to the agent's card, with an entry for every skill.
    """

    def __init__(
        self,
        agent_id: str,
        *,
        name: str = "",
        description: str = "",
        version: str = "",
        models: Iterable[Model | Mapping[str, Any]] = (),
        max_concurrent_tasks: int = 1,
        region: str = "",
        max_data_class: DataClass | Literal["public", "internal", "confidential", "restricted"] = DataClass.DATA_CLASS_UNSPECIFIED,
        grace: float = 30.0,
    ) -> None:
        """An agent without skills yet.

        Args:
            agent_id: The agent's id; with `agent_key`, that of the key.
            name: Name for people.
            description: What the agent is for.
            version: Version of the card.
            models: Language models it can run on, with prices.
            max_concurrent_tasks: How many tasks a worker does at once.
            region: Where it runs.
            max_data_class: The most sensitive class of data it may see.
            grace: Seconds that tasks under way have to finish when the worker stops; then they are handed back.

        Raises:
            ValueError: when a number is out of range or a model is not of the contract's form.
        """
        if max_concurrent_tasks < 1 or grace < 0:
            raise ValueError("give max_concurrent_tasks from 1 and a grace time from 0 seconds")
        self._card = AgentCard(
            id=agent_id,
            name=name,
            description=description,
            version=version,
            models=[one if isinstance(one, Model) else values.from_json(one, Model(), "model") for one in models],
            max_concurrent_tasks=max_concurrent_tasks,
            region=region,
            max_data_class=values.enum_number(DataClass, "DATA_CLASS_", max_data_class),
        )
        self._grace = grace
        self._skills: dict[str, Skill] = {}
        self._thread: _Background | None = None

    @property
    def card(self) -> AgentCard:
        """The agent's card with the skills it has by now."""
        card = AgentCard()
        card.CopyFrom(self._card)
        card.skills.extend(one.entry for one in self._skills.values())
        return card

    def skill(
        self,
        skill_id: str,
        *,
        name: str = "",
        description: str = "",
        tags: Iterable[str] = (),
        examples: Iterable[str] = (),
        inputs: Mapping[str, str] | None = None,
        outputs: Mapping[str, str] | None = None,
        expected_duration: DurationLike | None = None,
    ) -> Callable[[_F], _F]:
        """Make a function, sync or async, a skill of the agent; the function itself stays as it is.

        Inputs go to parameters of their names. A parameter annotated `genesis.TaskContext` gets the task; `**inputs` gets the rest.

        Args:
            skill_id: The capability that tasks ask for.
            name: Name for people.
            description: What it does; the first paragraph of the docstring when left out.
            tags: Words it is found by.
            examples: Requests it answers.
            inputs: What it needs, types by name; the parameters without default when left out.
            outputs: What it puts out, types by name; from what the function returns when left out: the fields of a dataclass or
                TypedDict, or one output with the function's name.
            expected_duration: How long a task takes; one minute when left out.

        Raises:
            TypeError: when a parameter cannot take an input.
            ValueError: when there is such a skill already.
        """

        def register(function: _F) -> _F:
            if skill_id in self._skills:
                raise ValueError(f"the skill {skill_id!r} is there twice")
            self._skills[skill_id] = skill(
                function,
                skill_id,
                name=name,
                description=description,
                tags=tags,
                examples=examples,
                inputs=inputs,
                outputs=outputs,
                expected_duration=expected_duration,
            )
            return function

        return register

    def run(self, target: str, **options: Unpack[ConnectOptions]) -> None:
        """Work until SIGTERM or SIGINT: the first lets tasks finish, the second hands them back at once.

        Raises:
            GenesisError: when the server refuses the worker for good before it ever joined.
            ValueError: when it has no skill, or the options contradict each other.
        """
        asyncio.run(self._until_signalled(target, options))

    @asynccontextmanager
    async def running(self, target: str, **options: Unpack[ConnectOptions]) -> AsyncGenerator[Self]:
        """Work while the block runs, from when the server took the worker; then finish and leave.

        Raises:
            GenesisError: when the server refuses the worker for good before it ever joined.
            ValueError: when it has no skill, or the options contradict each other.
        """
        async with self._client(target, options) as client:
            engine = self._engine(client)
            work = asyncio.create_task(engine.run())
            joined = asyncio.create_task(engine.joined.wait())
            try:
                await asyncio.wait({work, joined}, return_when=asyncio.FIRST_COMPLETED)
                if not work.done():
                    yield self
            finally:
                joined.cancel()
                engine.stop()
                await work

    def start(self, target: str, **options: Unpack[ConnectOptions]) -> None:
        """Work in a thread of its own until `stop`. It joins as soon as a server answers.

        Raises:
            RuntimeError: when it works already.
            ValueError: when it has no skill, or the options contradict each other.
        """
        if self._thread is not None:
            raise RuntimeError("the worker is started already; stop it first")
        self._thread = _Background(lambda begun: self._in_background(target, options, begun))

    def stop(self, *, finish: bool = True) -> None:
        """Stop what `start` began, and wait for it: tasks finish within the grace time, or are handed back at once.

        Raises:
            GenesisError: when the server had refused the worker for good before it ever joined.
        """
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop(finish)

    async def _until_signalled(self, target: str, options: ConnectOptions) -> None:
        loop = asyncio.get_running_loop()
        async with self._client(target, options) as client:
            engine = self._engine(client)
            # Where the loop takes no signals (Windows), SIGINT cancels the run.
            with suppress(NotImplementedError):
                for number in (signal.SIGTERM, signal.SIGINT):
                    loop.add_signal_handler(number, engine.stop)
            await engine.run()

    async def _in_background(self, target: str, options: ConnectOptions, begun: Callable[[Callable[[bool], object]], None]) -> None:
        loop = asyncio.get_running_loop()
        async with self._client(target, options) as client:
            engine = self._engine(client)
            begun(lambda finish: loop.call_soon_threadsafe(lambda: engine.stop(finish=finish)))
            await engine.run()

    def _client(self, target: str, options: ConnectOptions) -> AsyncClient:
        own: ConnectOptions = {"agent": self._card.id} if options.get("agent_key") else {}
        return connect(target, **{**own, **options})

    def _engine(self, client: AsyncClient) -> Engine:
        if not self._skills:
            raise ValueError("the worker has no skill: decorate a function with @worker.skill(…)")
        return Engine(client, self.card, self._skills, grace=self._grace, timing=Timing())


class _Background:
    """A loop in a thread that ends with the program."""

    def __init__(self, work: Callable[[Callable[[Callable[[bool], object]], None]], Coroutine[Any, Any, None]]) -> None:
        self._begun: Future[Any] = Future()
        self._ended: Future[Any] = Future()
        threading.Thread(target=self._run, args=(work,), name="genesis-worker", daemon=True).start()
        wait((self._begun, self._ended), return_when=FIRST_COMPLETED)
        if not self._begun.done():
            self._ended.result()

    def _run(self, work: Callable[[Callable[[Callable[[bool], object]], None]], Coroutine[Any, Any, None]]) -> None:
        try:
            asyncio.run(work(self._begun.set_result))
        except BaseException as error:  # noqa: BLE001 (it is raised where somebody waits for it)
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)

    def stop(self, finish: bool) -> None:  # noqa: FBT001 (as it is handed on)
        # The loop is closed when the work ended by itself.
        with suppress(RuntimeError):
            self._begun.result()(finish)
        self._ended.result()
