"""What reports say of a plan."""

from __future__ import annotations

from genesis_server.model.update import Known, TaskDone
from genesis_server.model.work import Done, Report, Values


def done_event(report: Report) -> TaskDone:
    """A report of success as an event of its plan."""
    outputs = report.outcome.outputs if isinstance(report.outcome, Done) else Values()
    return TaskDone(report.task_id, outputs.plain, outputs.references)


def puts_out_the_same(report: Report, known: Known) -> bool:
    """Whether what a report brings is what its task is known to have put out; one that brings nothing does."""
    if not isinstance(report.outcome, Done):
        return True
    told = report.outcome.outputs
    mine = dict(known.outputs.get(report.task_id, {})), dict(known.references.get(report.task_id, {}))
    return mine == (dict(told.plain), dict(told.references))
