"""Watching a plan while it is carried out: a live tree on a terminal, a line for each event elsewhere."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import typer

from genesis_server.cli.exits import ExitCode
from genesis_server.cli.picture import RunPicture

if TYPE_CHECKING:
    import genesis
    from genesis.v1.update_pb2 import WatchPlanResponse
    from genesis_server.cli.session import Session

    Told: TypeAlias = WatchPlanResponse | BaseException | None

_TICK = 0.2
_REFRESHES = 8
_PAUSE = 0.5
_BROKE_SECONDS = 1.0
"""A budget is given more, or a reservation comes back, before it counts as used up."""
_GIVE_UP_SECONDS = 30.0
"""How long a server may be away while its plan is watched."""


@contextmanager
def plan_goes_on(run: Session, plan_id: str) -> Generator[None]:
    """Let Ctrl-C end the watching, not the plan, and say so: exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        run.note(f"no longer watched; the plan goes on. Watch it again: genesis plans watch {plan_id} --runs")
        run.note(f"end it: genesis plans cancel {plan_id}")
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def show_until_end(
    run: Session, client: genesis.Client, plan_id: str, *, idle_seconds: float | None = None, while_it_can_pay: bool = False
) -> RunPicture:
    """Show a plan until it ends, or until nothing has moved for `idle_seconds`; the picture then.

    `while_it_can_pay`: also stop when all that waits waits for a budget that is used up.
    """
    return _shown(run, client, RunPicture.of(client.get_plan(plan_id)), idle_seconds, while_it_can_pay=while_it_can_pay)


def _shown(run: Session, client: genesis.Client, picture: RunPicture, idle_seconds: float | None, *, while_it_can_pay: bool) -> RunPicture:
    from genesis_server.cli.show.run_lines import change_lines, result_line
    from genesis_server.cli.show.run_tree import run_tree, run_view

    steps = follow(client, picture, idle_seconds=idle_seconds, while_it_can_pay=while_it_can_pay)
    if run.json:
        return _last(picture, steps, lambda _, __, ___: None)
    if not run.out.is_terminal:

        def print_lines(before: RunPicture, after: RunPicture, change: WatchPlanResponse) -> None:
            for line in change_lines(before, after, change, time.time()):
                run.out.print(line, soft_wrap=True)

        last = _last(picture, steps, print_lines)
        run.out.print(result_line(last), soft_wrap=True)
        return last
    from rich.live import Live

    shown = [picture]
    # The lock-free swap of the one entry is all that the thread that draws sees.
    with Live(
        get_renderable=lambda: run_view(shown[0], time.time(), run.out.height - 1),
        console=run.out,
        refresh_per_second=_REFRESHES,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ):
        last = _last(picture, steps, lambda _, after, __: shown.__setitem__(0, after))
    # What was drawn over and over is gone by now.
    run.out.print(run_tree(last, time.time()))
    run.out.print(result_line(last), soft_wrap=True)
    return last


def _last(
    picture: RunPicture,
    steps: Iterator[tuple[RunPicture, RunPicture, WatchPlanResponse]],
    show: Callable[[RunPicture, RunPicture, WatchPlanResponse], object],
) -> RunPicture:
    for before, after, change in steps:
        show(before, after, change)
        picture = after
    return picture


def follow(
    client: genesis.Client,
    picture: RunPicture,
    *,
    idle_seconds: float | None = None,
    while_it_can_pay: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[RunPicture, RunPicture, WatchPlanResponse]]:
    """Every change with the pictures before and after it, until the plan ends or nothing has moved for `idle_seconds`.

    `while_it_can_pay`: or until all that waits has waited for a budget for a second.
    """
    if picture.ended:
        return
    told: queue.SimpleQueue[Told] = queue.SimpleQueue()
    # It ends with the client's connection.
    threading.Thread(target=_listen, args=(client, picture, told), daemon=True).start()
    moved = clock()
    while not picture.ended:
        try:
            change = told.get(timeout=_TICK)
        except queue.Empty:
            if picture.moving():
                moved = clock()
            patience = _BROKE_SECONDS if while_it_can_pay and picture.cannot_pay() else idle_seconds
            if patience is not None and clock() - moved >= patience:
                return
            continue
        if change is None:
            return
        if isinstance(change, BaseException):
            raise change
        before, moved = picture, clock()
        picture = before.after(change)
        if change.diff.added_tasks:
            # Numbers and routes of tasks that came are the stored plan's.
            picture = RunPicture.of(client.get_plan(picture.plan.id))
        yield before, picture, change


def _listen(client: genesis.Client, picture: RunPicture, told: queue.SimpleQueue[Told]) -> None:
    """Put every change of a plan that has not ended into the queue; a stream that breaks off is taken up again."""
    import genesis

    version, heard = picture.plan.version, time.monotonic()
    while True:
        try:
            for change in client.watch_plan(picture.plan.id, after_version=version, runs=True):
                version, heard = max(version, change.version), time.monotonic()
                told.put(change)
        except (genesis.Unavailable, genesis.DeadlineExceeded) as error:
            if time.monotonic() - heard > _GIVE_UP_SECONDS:
                told.put(error)
                return
            time.sleep(_PAUSE)
        except BaseException as error:  # noqa: BLE001  (whoever reads the queue raises it)
            told.put(error)
            return
        else:
            told.put(None)
            return
