"""Write the stubs of the clients in other languages, each by its own module in protos/languages/, with ordinary packages only.

    python protos/clients.py                  every language whose programs are on PATH; says which are not
    python protos/clients.py go rust          these languages; fails when a program is missing
    python protos/clients.py --check          fail when what is committed is not what the protos say
    python protos/clients.py --image FILE     only write the descriptors that all of them are made from, for a language of your own

All of them get one set of descriptors with comments: the contract without the import of the constraints' file (as in the Python
stubs, see contract.py), and the files of google.rpc and grpc.health.v1 that clients read errors and health with.
"""

from __future__ import annotations

import argparse
import filecmp
import importlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from contract import image, without_constraints_import
from google.protobuf import descriptor_pb2
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = sorted(path.stem for path in (ROOT / "protos" / "languages").glob("*.py"))


class Language(Protocol):
    """What a module of protos/languages/ has."""

    NEEDS: tuple[str, ...]
    """Programs on PATH without which nothing is written."""
    WRITES: str
    """The folder that holds nothing but generated files, relative to the repository."""
    write: Callable[[Path, Path], None]
    """Takes the file of descriptors, and the folder to write instead of WRITES."""


def descriptors() -> descriptor_pb2.FileDescriptorSet:
    """The contract and what clients need beside it; every file comes after those it imports."""
    found = without_constraints_import(image())
    for name, more in (("google/rpc/error_details.proto", error_details_pb2), ("grpc/health/v1/health.proto", health_pb2)):
        found.file.add().MergeFromString(more.DESCRIPTOR.serialized_pb)
        # The Python package of grpc.health.v1 has it in another folder than everybody else.
        found.file[-1].name = name
    return found


def differences(fresh: Path, kept: Path) -> list[str]:
    """Names of files that are not the same in both folders."""
    names = {str(path.relative_to(top)) for top in (fresh, kept) for path in top.rglob("*") if path.is_file()}
    return sorted(
        name
        for name in names
        if not (fresh / name).is_file() or not (kept / name).is_file() or not filecmp.cmp(fresh / name, kept / name, shallow=False)
    )


def generate(name: str, source: Path, *, check: bool) -> str | None:
    """Write or check the files of a language; what is wrong, or None."""
    language = cast("Language", importlib.import_module(f"languages.{name}"))
    kept = ROOT / language.WRITES
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "fresh"
        fresh.mkdir()
        language.write(source, fresh)
        if check:
            stale = differences(fresh, kept)
            return f"{name}: stale in {language.WRITES}, run `make proto`: {', '.join(stale[:5])}" if stale else None
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(fresh, kept)
    return None


def main() -> int:
    """Write or check what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("language", nargs="*", choices=[*LANGUAGES, []], help="all when none is named")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when something is stale")
    parser.add_argument("--image", type=Path, metavar="FILE", help="write the descriptors to this file, and nothing else")
    options = parser.parse_args()
    if options.image:
        options.image.write_bytes(descriptors().SerializeToString(deterministic=True))
        return 0
    wrong: list[str] = []
    written: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "genesis.binpb"
        source.write_bytes(descriptors().SerializeToString(deterministic=True))
        for name in options.language or LANGUAGES:
            needs = importlib.import_module(f"languages.{name}").NEEDS
            missing = [program for program in needs if shutil.which(program) is None]
            if missing:
                print(f"{name}: left alone, {' and '.join(missing)} not on PATH", file=sys.stderr)
                if options.language:
                    wrong.append(f"{name}: {' and '.join(missing)} missing")
                continue
            problem = generate(name, source, check=options.check)
            (wrong if problem else written).append(problem or name)
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    print(f"{'fresh' if options.check else 'written'}: {', '.join(written) or 'nothing'}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
