"""What a server reads before it starts: where the store is, and the files decisions are made from."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from genesis_server.agents.loading import AgentsFileError
from genesis_server.agents.registry import AgentRegistry
from genesis_server.app.access import agent_keys, authenticator, listener_tls
from genesis_server.app.errors import StartError
from genesis_server.app.language_model import check_language_model
from genesis_server.flags.definition import FlagMistakesError
from genesis_server.flags.overrides import Overrides, read_overrides
from genesis_server.flags.reading import read_flags
from genesis_server.flags.sources.file_content import FileContent
from genesis_server.orchestration.policy.file import RulebookFile
from genesis_server.planning.data_file import DataFileError
from genesis_server.planning.method_source import MethodSource
from genesis_server.security.paths import StorageDirectory, UnsafePathError
from genesis_server.settings import Settings
from genesis_server.settings.fields import STORE_FILE
from genesis_server.storage.opening import sqlite_path
from genesis_server.text.toml_file import DataFileError as TomlFileError

T = TypeVar("T")


def check(settings: Settings, environ: Mapping[str, str]) -> None:
    """Read all of it as `build` does. Raises StartError with every mistake. Ports and the store itself are tried by the start alone."""
    messages: list[str] = []
    for read in (
        lambda: store_url(settings),
        lambda: snapshots_at_start(settings, environ),
        lambda: check_flag_file(settings.flags_file),
        lambda: authenticator(settings),
        lambda: agent_keys(settings),
        lambda: listener_tls(settings),
        lambda: check_language_model(settings),
    ):
        try:
            read()
        except StartError as error:
            messages += error.messages
        except OSError as error:
            messages.append(f"{error.filename} cannot be read: {error.strerror}")
    if messages:
        raise StartError(*messages)


def store_url(settings: Settings) -> str:
    """Where plans are kept: the store the operator names, else a file that cannot leave the data folder. Raises StartError."""
    named = sqlite_path(settings.store) if settings.store else None
    try:
        if named is not None and settings.storage_test_mode:
            StorageDirectory(named.absolute().parent, test_mode=True)
        if settings.store:
            return settings.store
        folder = StorageDirectory(settings.data_dir.absolute(), test_mode=settings.storage_test_mode)
        return f"sqlite://{folder.path(STORE_FILE)}"
    except UnsafePathError as error:
        raise StartError(f"{'store' if settings.store else 'data_dir'}: {error}") from error


def snapshots_at_start(settings: Settings, environ: Mapping[str, str]) -> tuple[AgentRegistry, MethodSource, Overrides, RulebookFile]:
    """What decisions are made from, the flag file aside. Raises StartError with the mistakes of all of it."""
    messages: list[str] = []

    def attempt(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except (AgentsFileError, DataFileError, FlagMistakesError, TomlFileError) as error:
            messages.extend(str(mistake) for mistake in error.mistakes)
            return None

    registry = attempt(lambda: AgentRegistry(settings.agents_file))
    methods = attempt(lambda: MethodSource(settings.methods_dir, clock=time.time))
    overrides = attempt(lambda: read_overrides(environ))
    rulebook = attempt(lambda: RulebookFile(settings.rulebook_file, clock=time.time))
    if registry is None or methods is None or overrides is None or rulebook is None or messages:
        raise StartError(*messages)
    return registry, methods, overrides, rulebook


def check_flag_file(path: Path | None) -> None:
    """Read the flag file. Raises StartError with every mistake."""
    if path is None:
        return
    content = FileContent(path, now=time.time).read()
    if not isinstance(content, bytes):
        raise StartError(f"{path.name}: {content}")
    try:
        document = read_flags(content, name=path.name)
    except FlagMistakesError as error:
        raise StartError(*error.mistakes) from error
    mistakes = [mistake for of_flag in document.mistakes.values() for mistake in of_flag]
    if mistakes:
        raise StartError(*mistakes)
