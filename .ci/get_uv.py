"""Find uv, or fetch it: the wheel of one version, its hash pinned here, from the index that uv or pip is configured to use.

    python3 .ci/get_uv.py    prints the path of the program

Standard library only, any Python from 3.8 on: it works where pip is managed by the system and where there is no pip at all.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from package_index import Index, find_index, split_credentials, trust

VERSION = "0.13.8"
OLDEST = (0, 13)
"""Older versions on PATH are passed over: the lock was written by this one."""
WHEELS: dict[tuple[str, str], tuple[str, str]] = {
    ("linux-gnu", "x86_64"): (
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
        "e18a57b8b352eb7c8feb317b9f6f533c8f0ad9673fd6cf34bbe3cf1a9f6a8984",
    ),
    ("linux-musl", "x86_64"): (
        "musllinux_1_1_x86_64",
        "29451c60f5e8b07403e0a175d5229efc36b0289b34143ff4aaa499a5dd52553a",
    ),
    ("linux-gnu", "aarch64"): (
        "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
        "0b3e8b1a4f5e405e31e2ff33de8af4744831e9f7338539671efbd8c3c94e791d",
    ),
    ("linux-musl", "aarch64"): (
        "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
        "0b3e8b1a4f5e405e31e2ff33de8af4744831e9f7338539671efbd8c3c94e791d",
    ),
    ("darwin", "x86_64"): ("macosx_10_12_x86_64", "b7124ca1956ec2e476a1003ea5715a15f0266afaec37f4dc9c6972ba8183e6d1"),
    ("darwin", "arm64"): ("macosx_11_0_arm64", "62b6943c7fd64fac6854f780bea6e0359e5a5bc3241f83ee357bb38276afac49"),
}
TOOLS = Path(__file__).resolve().parent.parent / ".tools"
TIMEOUT_SECONDS = 60
ATTEMPTS = 3
BY_HAND = f"install uv {VERSION} by hand (any way its documentation names) and put it on PATH"


class UvMissingError(Exception):
    """There is no uv, and it cannot be fetched; the message says what to do."""


def find_uv(environ: dict[str, str]) -> str:
    """Path of uv: the one on PATH when it is new enough, else one in .tools, fetched when it is not there yet."""
    on_path = shutil.which("uv", path=environ.get("PATH"))
    if on_path and _version_of(on_path) >= OLDEST:
        return on_path
    target = TOOLS / f"uv-{VERSION}" / "uv"
    if not (target.exists() and _version_of(str(target)) >= OLDEST):
        tag, digest = wheel_for(_system(), platform.machine())
        index = find_index(environ)
        name = f"uv-{VERSION}-py3-none-{tag}.whl"
        print(f"fetching {name} from {index.shown} ({index.named_by})", file=sys.stderr)
        unpack(fetch_wheel(index, name, digest, environ), target)
    return str(target)


def wheel_for(system: str, machine: str) -> tuple[str, str]:
    """Platform tag and SHA-256 of the wheel for a machine. Raises UvMissingError."""
    machine = {"amd64": "x86_64", "AMD64": "x86_64"}.get(machine, machine)
    machine = {"arm64": "aarch64"}.get(machine, machine) if system.startswith("linux") else machine
    if (system, machine) not in WHEELS:
        raise UvMissingError(f"no uv wheel is pinned for {system} on {machine}: {BY_HAND}")
    return WHEELS[system, machine]


def fetch_wheel(index: Index, name: str, digest: str, environ: dict[str, str]) -> bytes:
    """The bytes of the wheel `name`, whose SHA-256 is `digest`. Raises UvMissingError."""
    page_url = index.url + "/uv/"
    page, page_url = _get(page_url, environ, index)
    address = find_link(page.decode("utf-8", "replace"), page_url, name)
    if address is None:
        raise UvMissingError(f"the index {index.shown} has no {name}: {BY_HAND}")
    data, _ = _get(address, environ, index)
    found = hashlib.sha256(data).hexdigest()
    if found != digest:
        raise UvMissingError(
            f"{name} from {index.shown} has SHA-256 {found}, not {digest}: it is not the file that was released; {BY_HAND}"
        )
    return data


def find_link(page: str, page_url: str, name: str) -> str | None:
    """Address of the file `name` on a simple index page (PEP 503), without its fragment."""
    links = _Links()
    links.feed(page)
    base = urljoin(page_url, links.base)
    for href in links.hrefs:
        address = urldefrag(urljoin(base, href)).url
        if unquote(urlsplit(address).path).rsplit("/", 1)[-1] == name:
            return address
    return None


def unpack(wheel: bytes, target: Path) -> None:
    """Put the program of a wheel at `target`, whole or not at all."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        program = archive.read(f"uv-{VERSION}.data/scripts/uv")
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f"uv.{os.getpid()}")
    half.write_bytes(program)
    half.chmod(0o755)
    half.replace(target)


class _Links(HTMLParser):
    """The links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.base = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if href and tag == "a":
            self.hrefs.append(href)
        elif href and tag == "base":
            self.base = href


def _get(url: str, environ: dict[str, str], index: Index) -> tuple[bytes, str]:
    """What is at `url`, and where it was found in the end. The index's credentials go to the index's host only."""
    plain, credentials = split_credentials(url)
    _, of_index = split_credentials(index.url)
    if urlsplit(plain).netloc == urlsplit(index.shown).netloc:
        credentials = credentials or of_index
    if urlsplit(plain).scheme not in {"http", "https"}:
        raise UvMissingError(f"{plain} is no http address: {BY_HAND}")
    headers = {"Accept": "text/html, */*;q=0.1", "User-Agent": "genesis-setup"}
    request = urllib.request.Request(plain, headers=headers)  # noqa: S310  (the scheme is checked above)
    if credentials:
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(unquote(credentials).encode()).decode())
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=trust(environ)))
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                return answer.read(), answer.url
        except urllib.error.HTTPError as error:
            if error.code < 500 or attempt == ATTEMPTS:
                raise UvMissingError(f"{plain} answers {error.code} {error.reason}: {BY_HAND}") from None
        except (OSError, ValueError) as error:
            if attempt == ATTEMPTS or isinstance(error, ValueError):
                reason = getattr(error, "reason", error)
                raise UvMissingError(f"{plain} cannot be read ({reason}): check the index and the network, or {BY_HAND}") from None
    raise AssertionError("unreachable")


def _system() -> str:
    if sys.platform != "linux":
        return sys.platform
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION")
    except (ValueError, OSError):
        libc = None
    return "linux-gnu" if libc else "linux-musl"


def _version_of(program: str) -> tuple[int, int]:
    """Major and minor version that the program tells; (0, 0) when it does not run."""
    try:
        told = subprocess.run([program, "--version"], check=False, capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return (0, 0)
    found = re.match(r"uv (\d+)\.(\d+)\.", told)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)


if __name__ == "__main__":
    try:
        print(find_uv(dict(os.environ)))
    except UvMissingError as problem:
        sys.exit(f"uv is needed and could not be fetched: {problem}")
