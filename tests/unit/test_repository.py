"""The house around the code: the bootstrap, the front door, the checks that no linter makes."""

from __future__ import annotations

import ast
import base64
import hashlib
import io
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).resolve().parents[2]
CI = ROOT / ".ci"
sys.path.insert(0, str(CI))

import check_house  # noqa: E402  (they live beside the package, not in it)
import check_metric_names  # noqa: E402
import get_uv  # noqa: E402
import package_index  # noqa: E402
import repository  # noqa: E402

BOOTSTRAP = ("package_index.py", "get_uv.py", "setup.py")
PROGRAM = b"#!/bin/sh\necho uv 0.13.8\n"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "PIP_CONFIG_FILE": "/dev/null", "UV_NO_CONFIG": "1", "PATH": "/nowhere"}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


# --- the bootstrap ---


@pytest.mark.parametrize("name", BOOTSTRAP)
def test_the_bootstrap_needs_python_3_8_and_nothing_else(name: str) -> None:
    source = (CI / name).read_text("utf-8")
    imported = set()
    for node in ast.walk(ast.parse(source, feature_version=(3, 8))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).partition(".")[0])
    assert imported <= sys.stdlib_module_names | {"get_uv", "package_index"}


def test_without_any_configuration_the_public_index_is_used(home: dict[str, str]) -> None:
    assert package_index.find_index(home).public


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"UV_DEFAULT_INDEX": "corp=https://a/simple/", "UV_INDEX_URL": "https://b", "PIP_INDEX_URL": "https://c"}, "https://a/simple"),
        ({"UV_INDEX_URL": "https://b/simple", "PIP_INDEX_URL": "https://c"}, "https://b/simple"),
        ({"PIP_INDEX_URL": " https://c/simple/ "}, "https://c/simple"),
        ({"UV_DEFAULT_INDEX": "", "PIP_INDEX_URL": "https://c"}, "https://c"),
    ],
)
def test_variables_name_the_index_those_of_uv_first(home: dict[str, str], environ: dict[str, str], url: str) -> None:
    assert package_index.find_index(home | environ).url == url


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (".config/uv/uv.toml", '[[index]]\nname = "other"\nurl = "https://other"\n[[index]]\nurl = "https://mine"\ndefault = true # yes\n'),
        (".config/uv/uv.toml", 'index-url = "https://mine/"\n'),
        (".config/pip/pip.conf", "[global]\nindex-url = https://mine/\n"),
        (".pip/pip.conf", "[install]\nindex-url: https://mine\n"),
    ],
)
def test_configuration_files_name_the_index(tmp_path: Path, place: str, text: str) -> None:
    file = write(tmp_path / place, text)
    found = package_index.find_index({"HOME": str(tmp_path)})
    assert (found.url, found.named_by) == ("https://mine", str(file))


def test_a_configuration_file_that_cannot_be_read_names_nothing(tmp_path: Path, home: dict[str, str]) -> None:
    write(tmp_path / ".config/uv/uv.toml", "").write_bytes(b"\xff")
    broken = write(tmp_path / "broken.conf", "no section\n")
    assert package_index.find_index(home | {"PIP_CONFIG_FILE": str(broken), "UV_NO_CONFIG": ""}).named_by != str(broken)


def test_pips_file_by_variable_beats_the_environments_and_the_users(tmp_path: Path) -> None:
    named = write(tmp_path / "named.conf", "[global]\nindex-url = https://named\n")
    write(tmp_path / "venv/pip.conf", "[global]\nindex-url = https://venv\n")
    write(tmp_path / ".config/pip/pip.conf", "[global]\nindex-url = https://user\n")
    environ = {"HOME": str(tmp_path), "VIRTUAL_ENV": str(tmp_path / "venv")}
    assert package_index.find_index(environ).url == "https://venv"
    assert package_index.find_index(environ | {"PIP_CONFIG_FILE": str(named)}).url == "https://named"
    assert package_index.find_index({"HOME": str(tmp_path)}).url == "https://user"


def test_certificates_are_those_that_are_there(tmp_path: Path, home: dict[str, str]) -> None:
    mine = write(tmp_path / "mine.pem", "")
    assert package_index.find_certificates(home) is None
    assert package_index.find_certificates(home | {"SSL_CERT_FILE": "/no/such.pem", "PIP_CERT": str(mine)}) == str(mine)
    conf = write(tmp_path / "pip.conf", f"[global]\ncert = {mine}\n")
    assert package_index.find_certificates(home | {"PIP_CONFIG_FILE": str(conf)}) == str(mine)


def test_credentials_in_an_index_are_never_shown() -> None:
    index = package_index.Index("https://me:word@corp.example/simple", "PIP_INDEX_URL")
    assert index.shown == "https://corp.example/simple"
    assert not index.public


@pytest.mark.parametrize(
    "page",
    [
        '<a href="uv-1-any.whl">x</a>',
        '<a href="https://x.example/packages/uv-1-any.whl#sha256=00" data-x="&gt;">x</a>',
        '<base href="/deep/"><a href="other.whl"></a><a href="uv%2D1-any.whl">x</a>',
    ],
)
def test_links_of_an_index_page_are_found_however_they_are_written(page: str) -> None:
    found = get_uv.find_link(page, "https://x.example/simple/uv/", "uv-1-any.whl")
    assert found is not None
    assert found.startswith("https://x.example/")
    assert "#" not in found
    assert get_uv.find_link(page, "https://x.example/simple/uv/", "uv-2-any.whl") is None


def test_a_wheel_is_pinned_for_linux_and_macos_on_both_processors() -> None:
    systems = [("linux-gnu", "x86_64"), ("linux-musl", "x86_64"), ("linux-gnu", "arm64"), ("linux-musl", "aarch64")]
    systems += [("darwin", "x86_64"), ("darwin", "arm64")]
    for system, machine in systems:
        tag, digest = get_uv.wheel_for(system, machine)
        assert re.fullmatch(r"[0-9a-f]{64}", digest)
        assert ("macosx" in tag) == (system == "darwin")
    with pytest.raises(get_uv.UvMissingError, match="no uv wheel is pinned for sunos on sparc: install uv"):
        get_uv.wheel_for("sunos", "sparc")


def wheel() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        # Without the time of now, so that it has one hash.
        archive.writestr(zipfile.ZipInfo(f"uv-{get_uv.VERSION}.data/scripts/uv"), PROGRAM)
    return buffer.getvalue()


class IndexServer(ThreadingHTTPServer):
    """A package index that wants credentials and keeps its files on another path."""

    seen: list[tuple[str, str]]
    name: str
    daemon_threads = True


class IndexPages(BaseHTTPRequestHandler):
    server: IndexServer

    def do_GET(self) -> None:
        allowed = self.headers.get("Authorization", "")
        self.server.seen.append((self.path, allowed))
        pages = {"/simple/uv/": f'<a href="../../files/{self.server.name}">x</a>'.encode(), f"/files/{self.server.name}": wheel()}
        body = pages.get(self.path)
        self.send_response(404 if body is None else 200 if allowed else 401)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def index() -> Iterator[IndexServer]:
    tag, _ = get_uv.wheel_for(get_uv._system(), get_uv.platform.machine())
    with IndexServer(("127.0.0.1", 0), IndexPages) as server:
        server.seen = []
        server.name = f"uv-{get_uv.VERSION}-py3-none-{tag}.whl"
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def environ_of(index: IndexServer, home: dict[str, str], credentials: str = "me:w%40rd@") -> dict[str, str]:
    return home | {"UV_DEFAULT_INDEX": f"http://{credentials}127.0.0.1:{index.server_port}/simple", "no_proxy": "127.0.0.1"}


@pytest.fixture
def own_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(get_uv, "TOOLS", tmp_path / "tools")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "tools"


def test_uv_is_fetched_once_from_the_configured_index(
    index: IndexServer, home: dict[str, str], own_tools: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = hashlib.sha256(wheel()).hexdigest()
    monkeypatch.setattr(get_uv, "WHEELS", {key: (tag, digest) for key, (tag, _) in get_uv.WHEELS.items()})
    found = Path(get_uv.find_uv(environ_of(index, home)))
    assert found.is_relative_to(own_tools)
    assert found.read_bytes() == PROGRAM
    basic = "Basic " + base64.b64encode(b"me:w@rd").decode()
    assert index.seen == [("/simple/uv/", basic), (f"/files/{index.name}", basic)]
    assert "w%40rd" not in capsys.readouterr().err
    assert Path(get_uv.find_uv(environ_of(index, home))) == found
    assert len(index.seen) == 2


def test_a_wheel_with_another_hash_is_refused_and_not_kept(index: IndexServer, home: dict[str, str], own_tools: Path) -> None:
    with pytest.raises(get_uv.UvMissingError, match=r"has SHA-256 [0-9a-f]{64}, not [0-9a-f]{64}"):
        get_uv.find_uv(environ_of(index, home))
    assert not own_tools.exists()


def test_an_index_without_the_wheel_or_the_right_is_told_in_words(index: IndexServer, home: dict[str, str], own_tools: Path) -> None:
    with pytest.raises(get_uv.UvMissingError, match=r"/simple/uv/ answers 401 .*put it on PATH"):
        get_uv.find_uv(environ_of(index, home, credentials=""))
    index.name = "uv-0.0.1-py3-none-any.whl"
    with pytest.raises(get_uv.UvMissingError, match=rf"has no uv-{re.escape(get_uv.VERSION)}-py3"):
        get_uv.find_uv(environ_of(index, home))


def test_an_index_that_does_not_answer_is_told_in_words(home: dict[str, str], own_tools: Path) -> None:
    with pytest.raises(get_uv.UvMissingError, match=r"cannot be read .*check the index and the network"):
        get_uv.find_uv(home | {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple"})
    with pytest.raises(get_uv.UvMissingError, match="is no http address"):
        get_uv.find_uv(home | {"UV_DEFAULT_INDEX": "file:///simple"})


@pytest.mark.parametrize(("version", "taken"), [("0.13.0", True), ("1.0.2", True), ("0.4.9", False), ("nonsense", False)])
def test_a_uv_on_path_is_taken_when_it_is_new_enough(
    tmp_path: Path, home: dict[str, str], own_tools: Path, version: str, *, taken: bool
) -> None:
    program = write(tmp_path / "bin/uv", f"#!/bin/sh\necho uv {version}\n")
    program.chmod(0o755)
    environ = home | {"PATH": str(program.parent), "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple"}
    if taken:
        assert get_uv.find_uv(environ) == str(program)
    else:
        with pytest.raises(get_uv.UvMissingError):
            get_uv.find_uv(environ)


# --- the front door ---


def test_make_without_a_target_tells_every_target() -> None:
    told = subprocess.run(["make", "-C", str(ROOT), "--no-print-directory"], check=True, capture_output=True, text=True).stdout
    targets = re.findall(r"^  make (\w+)", told, re.MULTILINE)
    assert set(targets) >= {"help", "demo", "test", "serve", "check", "proto", "bench", "clean"}
    phony = re.findall(r"^\.PHONY: (\w+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(phony) - set(targets) == {"setup"}


def test_ci_runs_the_two_commands_and_is_sound_bash() -> None:
    script = CI / "run"
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert {"make check", "make test"} <= set(script.read_text("utf-8").splitlines())


def test_versions_agree() -> None:
    from genesis_server import __version__

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    client = tomllib.loads((ROOT / "client/python/pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == __version__
    assert client.get("version", __version__) == __version__


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Version 2.0, January 2004" in text
    assert "9. Accepting Warranty or Additional Liability" in text
    assert "APPENDIX: How to apply the Apache License to your work." in text


# --- the checks ---


def test_the_project_keeps_the_rules_of_the_house() -> None:
    assert check_house.findings() == []


def test_a_lock_with_another_index_is_found() -> None:
    lock = 'source = { registry = "https://corp.example/simple" }\nwheels = [{ url = "https://files.corp.example/a.whl" }]\n'
    assert len(check_house.foreign_sources(lock)) == 2
    assert check_house.foreign_sources('source = { editable = "." }') == []


def test_paths_of_one_machine_and_registries_are_found(tmp_path: Path) -> None:
    bad = write(tmp_path / "a.md", "see /" + "work/x\nand /" + "home/ann/y\n\nfrom https://pypi.org/simple\n")
    good = write(tmp_path / "b.md", "a/work/x ~/work /homepage /no/such\n")
    assert [finding.split(": ")[0] for finding in check_house.machine_words([bad, good], tmp_path)] == ["a.md:1", "a.md:2", "a.md:4"]


def test_modules_that_are_too_long_are_found_and_generated_ones_are_not(tmp_path: Path) -> None:
    long = write(tmp_path / "long.py", "\n" * 451)
    made = write(tmp_path / "made_pb2.py", "\n" * 451)
    fine = write(tmp_path / "fine.py", "\n" * 450)
    assert check_house.long_modules([long, made, fine]) == [f"{long}: 451 lines, more than 450"]


def test_files_of_a_folder_without_git_are_those_that_nobody_made(tmp_path: Path) -> None:
    kept = write(tmp_path / "kept.txt", "x")
    write(tmp_path / ".venv/made.txt", "x")
    assert repository.project_files(tmp_path) == [kept]


def test_the_projects_metric_names_are_right() -> None:
    assert check_metric_names.findings() == []


def test_metric_names_that_break_the_rules_are_found() -> None:
    bad = ["genesis_a_total", "genesis_a_total", "genesis_b_count", "genesis_c_ms", "genesis_d_ms_total", "genesis__e"]
    assert len(list(check_metric_names.misnamed(bad))) == 5
    assert list(check_metric_names.misnamed(["genesis_a_total", "genesis_b_seconds"])) == []


def test_metrics_named_in_place_or_against_their_type_are_found(tmp_path: Path) -> None:
    names = check_metric_names.names_of('A: Final = "genesis_a_total"\nB: Final = "genesis_b_seconds"\nC: Final = "other"\n')
    assert names == {"A": "genesis_a_total", "B": "genesis_b_seconds"}
    source = 'Counter("genesis_x_total", "")\nCounter(names.B, "")\nGauge(A, "")\nHistogram(names.B, "")\nGauge(names.Z, "")\nother(1)\n'
    found = list(check_metric_names.misused(tmp_path / "m.py", source, names))
    assert [finding.split(": ")[0] for finding in found] == ["m.py:1", "m.py:2", "m.py:3"]


def test_mentions_of_metrics_that_do_not_exist_are_found(tmp_path: Path) -> None:
    document = write(tmp_path / "a.md", "rate(genesis_a_total[5m])\ngenesis_b_seconds_bucket, genesis_typo_total\n")
    module = write(tmp_path / "a.py", '# genesis_comment_total\nx = "genesis_wrong_total of genesis_server"\n')
    mentions = check_metric_names.mentions_in(repository.texts([document, module]))
    found = list(check_metric_names.unknown(mentions, ["genesis_a_total", "genesis_b_seconds"]))
    assert found == ["a.md:2: there is no metric genesis_typo_total", "a.py:2: there is no metric genesis_wrong_total"]


@pytest.mark.parametrize("goal", ["Pay $40 for $HOME", 'say "it"; `id`'])
@pytest.mark.parametrize("by_environment", [True, False])
def test_make_hands_a_goal_on_as_it_was_typed(goal: str, *, by_environment: bool) -> None:
    """No dollar is lost on the way to the demo."""
    environ = {**os.environ, **({"GOAL": goal} if by_environment else {})}
    command = ["make", "-s", "--eval", 'told: ; @printf "%s" "$$GOAL"', "told", *([] if by_environment else [f"GOAL={goal}"])]
    assert subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True, text=True).stdout == goal
