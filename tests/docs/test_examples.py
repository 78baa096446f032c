"""The examples in the documents run as they stand, against a real server, and print what the documents say.

Every `sh` and `python` block of a document is run in order in one folder; what one `sh` block sets, the next ones know.
Comments above a block, unseen by readers, tell the exceptions:

    <!-- not run: WHY -->       leave it out
    <!-- needs: PROGRAM -->     leave it out where the program is not installed
    <!-- file: NAME -->         not a program: write it to this file first
    <!-- runs on: WHY -->       one command, a worker: go on when it has joined, stop it at the end of the document

A `text` block right behind one is what it prints, "…" standing for anything.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import genesis

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from servers import Server, clean_environment, running

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "client" / "python" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(
    r"(?:<!-- (?P<rule>not run|needs|file|runs on): (?P<what>.*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
SECONDS = 60
COLUMNS = 110
"""Wide enough for the tables."""
_ONE_SESSION = """set -a; ! [ -f .session ] || . ./.session; trap 'export -p > .session' EXIT
"""


@dataclass(frozen=True)
class Block:
    """A block of code in a document."""

    language: str
    text: str
    rule: str
    what: str
    line: int


def blocks(path: Path) -> list[Block]:
    """The blocks of a document in order."""
    text = path.read_text("utf-8")
    return [
        Block(found["language"], found["text"], found["rule"] or "", found["what"] or "", text.count("\n", 0, found.start("language")) + 1)
        for found in _BLOCK.finditer(text)
    ]


def programs(path: Path) -> list[Block]:
    """Those that are run."""
    return [block for block in blocks(path) if block.language in {"sh", "python"} and block.rule != "not run"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all documents, with what the examples ask for."""
    with running(tmp_path_factory.mktemp("examples"), settings={"GENESIS_REFLECTION": "true"}) as started:
        yield started


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if programs(path)], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_examples_run_and_print_what_they_say(path: Path, server: Server, tmp_path: Path) -> None:
    (tmp_path / "genesis-data").symlink_to(server.data_dir)
    with contextlib.ExitStack() as workers:
        for number, block in enumerate(found := blocks(path)):
            place = f"{path.name}:{block.line}"
            if block.rule == "file":
                (tmp_path / block.what).write_text(here(block.text, server), "utf-8")
            elif block.rule == "runs on":
                workers.enter_context(joined(block, server, tmp_path, place))
            elif block in programs(path) and (block.rule != "needs" or shutil.which(block.what, path=search_path())):
                printed = run(block, server, tmp_path, place)
                following = found[number + 1] if number + 1 < len(found) else None
                if following is not None and following.language == "text":
                    assert matches(following.text, printed), f"{path.name}:{following.line} says otherwise:\n{printed}"


def run(block: Block, server: Server, folder: Path, place: str) -> str:
    """What a block prints; it must end well."""
    program = command(block, server, before=_ONE_SESSION)
    environment = surroundings(server, folder)
    done = subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, f"{place} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


@contextlib.contextmanager
def joined(block: Block, server: Server, folder: Path, place: str) -> Iterator[None]:
    """A block whose worker has joined; it is stopped at the end, and must end well."""
    before, log, end = workers_at(server), folder / f"line-{block.line}.log", time.monotonic() + SECONDS
    program = command(block, server, before="exec ")
    with log.open("w") as sink:
        process = subprocess.Popen(program, cwd=folder, env=surroundings(server, folder), stdout=sink, stderr=sink)
    try:
        while workers_at(server) <= before:
            assert process.poll() is None, f"{place} ended with {process.returncode}:\n{log.read_text()}"
            assert time.monotonic() < end, f"{place} does not join:\n{log.read_text()}"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        code = process.wait(SECONDS)
    assert code == 0, f"{place} ended with {code}:\n{log.read_text()}"


def workers_at(server: Server) -> int:
    """How many workers have joined and are still there."""
    with genesis.connect(server.address) as client:
        return sum(len(agent.workers) for agent in client.agents())


def command(block: Block, server: Server, *, before: str) -> list[str]:
    """What runs a block; `before` stands before the commands of a shell."""
    text = here(block.text, server)
    return ["sh", "-euc", before + text] if block.language == "sh" else [sys.executable, "-c", text]


def here(text: str, server: Server) -> str:
    """A text with the addresses of the server that is there."""
    return text.replace("127.0.0.1:50051", server.address).replace("127.0.0.1:8000", server.http)


def surroundings(server: Server, folder: Path) -> dict[str, str]:
    """The variables of a block's process."""
    return clean_environment(GENESIS_SERVER=server.address, PATH=search_path(), HOME=str(folder), NO_COLOR="1", COLUMNS=str(COLUMNS))


def search_path() -> str:
    """Where programs are looked for: this Python's first."""
    import os

    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"


def matches(said: str, printed: str) -> bool:
    """Whether a text is what was printed, "…" standing for anything."""
    return re.fullmatch(".*?".join(re.escape(piece) for piece in said.strip().split("…")), printed.strip(), re.DOTALL) is not None


def test_the_pictures_show_the_tasks_of_todays_plans(server: Server) -> None:
    """The drawings in the README are what the command draws now; `python docs/make_images.py` makes them again."""
    from genesis_server.cli.demo import DEFAULT_BUDGET, DEFAULT_GOAL

    sys.path.insert(0, str(ROOT / "docs"))
    from make_images import plan_picture, repaired_picture

    with genesis.connect(server.address) as client:
        drawn = {
            "plan.svg": plan_picture(client.orchestrate(DEFAULT_GOAL, budget=DEFAULT_BUDGET)),
            "repaired.svg": repaired_picture(client),
        }
    for name, picture in drawn.items():
        assert without_choices(picture) == without_choices((ROOT / "docs" / "images" / name).read_text("utf-8")), name
        assert len(without_choices(picture)) > picture.count("<") / 2


def without_choices(picture: str) -> list[str]:
    """A drawing without who does what, which hangs on the hour and on what is in flight, and without the places that follow from it."""
    texts = re.sub(r'<text class="small"[^>]*>[^<]*(USD|-1)[^<]*</text>', "", picture)
    return re.sub(r' (x|y|d|width|height|viewBox|points)="[^"]*"', "", texts).split()


def test_a_wrong_text_would_be_noticed() -> None:
    """The comparison can fail."""
    assert matches("a … c\n", "a b c")
    assert not matches("a … d", "a b c")


def test_there_are_examples_to_run() -> None:
    """A change of the documents' form does not silence this file."""
    assert len(programs(ROOT / "README.md")) >= 5
