"""Failures as one red line with what to do, and an exit code; never a stack trace."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from genesis_server.cli.exits import ExitCode
from genesis_server.cli.text import plain, span

if TYPE_CHECKING:
    import genesis


class CommandError(Exception):
    """The command cannot do what was asked."""

    def __init__(self, message: str, *, code: ExitCode = ExitCode.USAGE, details: Sequence[str] = ()) -> None:
        """Keep what is wrong in one line, the exit code, and further lines."""
        super().__init__(message)
        self.message = message
        self.code = code
        self.details = tuple(details)


@contextmanager
def usage_errors() -> Generator[None]:
    """Turn the client's refusal of an argument into a usage error."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise CommandError("a text on the command line or in a file is not in the encoding of this terminal; use UTF-8") from error
    except ValueError as error:
        raise CommandError(str(error)) from error


def from_client(error: genesis.GenesisError, server: str) -> CommandError:
    """The failure of a call: what the server said, what to do, and how to find it in the log."""
    import genesis

    if isinstance(error, genesis.Unavailable) and not error.reason and _UNHEALTHY in error.message:
        told = f"the server at {server} takes no work now: `genesis health` and `genesis flag emergency` tell why"
        return CommandError(told, code=ExitCode.UNREACHABLE, details=[plain(error.message)])
    if isinstance(error, genesis.Unavailable) and not error.reason:
        return CommandError(
            f"no Genesis server answers at {server}: start one with `genesis serve`, or name another with --server or GENESIS_SERVER",
            code=ExitCode.UNREACHABLE,
            details=[plain(error.message)],
        )
    name = error.reason or error.code.name
    details = [f"{violation.field}: {violation.description}" for violation in error.field_violations]
    if details == [error.message]:
        details = []
    if error.retry_after is not None:
        details.append(f"try again in {span(error.retry_after)}")
    elif hint := _HINTS.get(error.code.name):
        details.append(hint)
    if error.correlation_id:
        details.append(f"correlation id {error.correlation_id}")
    return CommandError(f"{name}: {plain(error.message)}", code=_exit_code(error), details=[plain(detail) for detail in details])


_HINTS = {
    "UNAUTHENTICATED": "give a token with --token or GENESIS_TOKEN, or a client certificate",
    "PERMISSION_DENIED": "ask the operator for the role",
    "DEADLINE_EXCEEDED": "give it more time with --timeout",
    "UNIMPLEMENTED": "the server is older than this command",
}
_OF_THE_SERVER = frozenset({"INTERNAL", "UNKNOWN", "DATA_LOSS", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "UNAVAILABLE", "CANCELLED"})


_UNHEALTHY = "backend unhealthy"
"""What gRPC says of a server that is there and whose health is NOT_SERVING."""
_BY_INTENT = frozenset({"EMERGENCY_SHUTDOWN", "MAINTENANCE_MODE"})
"""Reasons of a server that is well and refuses because somebody told it to."""


def _exit_code(error: genesis.GenesisError) -> ExitCode:
    fault = error.code.name in _OF_THE_SERVER and error.reason not in _BY_INTENT
    return ExitCode.SERVER_FAULT if fault else ExitCode.REFUSED
