"""A command group whose global options may stand anywhere on the line, and whose failures are one red line."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from genesis_server.cli.commands import Commands
from genesis_server.cli.exits import ExitCode
from genesis_server.cli.failure import CommandError, from_client
from genesis_server.cli.session import Session


class GenesisGroup(TyperGroup):
    """The root of the command line."""

    def __init__(self, **given: Any) -> None:
        """As any group, but with commands that are imported when they are asked for."""
        super().__init__(**given)
        self.commands: Any = Commands()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the global options from wherever they stand."""
        takes_value = {
            name: not getattr(option, "is_flag", False) for option in self.params for name in (*option.opts, *option.secondary_opts)
        }
        return super().parse_args(ctx, hoist(args, takes_value))

    def invoke(self, ctx: Any) -> Any:
        """Run the command; tell its failure."""
        try:
            return super().invoke(ctx)
        except CommandError as error:
            failure = error
        except BrokenPipeError:
            # What is still buffered has nowhere to go; Python would complain about it at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(ExitCode.CLOSED) from None
        except OSError as error:
            failure = CommandError(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))
        except Exception as error:
            import genesis

            if not isinstance(error, genesis.GenesisError):
                raise
            failure = from_client(error, _session(ctx).server)
        tell(_session(ctx), failure)
        raise typer.Exit(failure.code)


def tell(session: Session, failure: CommandError) -> None:
    """Print a failure: one red line, and what more there is to say below it."""
    from rich.text import Text

    session.err.print(Text.assemble(("error ", "bold red"), (failure.message, "red")))
    for detail in failure.details:
        session.err.print(Text(f"      {detail}", style="dim"))


def hoist(args: Sequence[str], takes_value: Mapping[str, bool]) -> list[str]:
    """The arguments with the options of `takes_value` moved to the front; what follows `--` stays where it is."""
    front: list[str] = []
    rest: list[str] = []
    waiting = list(args)
    while waiting:
        arg = waiting.pop(0)
        if arg == "--":
            return [*front, *rest, arg, *waiting]
        name, equals, _ = arg.partition("=")
        if name not in takes_value:
            rest.append(arg)
            continue
        front.append(arg)
        if takes_value[name] and not equals and waiting:
            front.append(waiting.pop(0))
    return [*front, *rest]


def _session(ctx: Any) -> Session:
    return ctx.find_object(Session) or Session(server="")
