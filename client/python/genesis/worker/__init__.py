"""Workers: functions that take tasks from a Genesis server and do them."""

from genesis.worker.context import Signal, TaskContext
from genesis.worker.outcomes import Decline, TaskFailed
from genesis.worker.worker import Worker

__all__ = ["Decline", "Signal", "TaskContext", "TaskFailed", "Worker"]
