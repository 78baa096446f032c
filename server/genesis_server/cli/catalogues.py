"""Catalogues from files in anybody's form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genesis_server.cli.failure import CommandError
from genesis_server.cli.files import read_text
from genesis_server.cli.session import Session
from genesis_server.cli.text import counted

if TYPE_CHECKING:
    from genesis.v1 import catalogue_pb2
    from genesis_server.model.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """What a file held."""

    catalogue: Catalogue
    notes: tuple[str, ...]
    """What it was, and what was changed on the way."""


def catalogue_option(run: Session, path: Path | None) -> catalogue_pb2.Catalogue | None:
    """The catalogue of a file as the request carries it; None when there is none."""
    if path is None:
        return None
    from genesis_server.rpc.convert import catalogue_to_proto

    read = read_catalogue(path)
    for note in read.notes:
        run.note(note)
    return catalogue_to_proto(read.catalogue)


def read_catalogue(path: Path) -> CatalogueFile:
    """The catalogue of an agents file in TOML, or of JSON in Genesis', MCP's, OpenAI's or A2A's form."""
    from genesis_server.agents.importing import CatalogueImportError, import_json
    from genesis_server.agents.loading import AgentsFileError, load_agents

    text = read_text(path)
    try:
        if path.suffix == ".toml":
            return CatalogueFile(load_agents(text, path.name), ())
        read = import_json(text)
    except (CatalogueImportError, AgentsFileError) as error:
        raise CommandError(f"{path} holds no catalogue", details=[str(mistake) for mistake in error.mistakes]) from error
    counts = f"{counted(len(read.catalogue.agents), 'agent')} and {counted(len(read.catalogue.tools), 'tool')}"
    return CatalogueFile(read.catalogue, (f"{path}: {counts} ({', '.join(read.formats)})", *read.notes))
