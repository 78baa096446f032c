"""Which package index uv or pip is configured to use. Standard library only; runs on any Python from 3.8 on.

The first of these that names one: UV_DEFAULT_INDEX, UV_INDEX_URL, uv.toml (user, system), PIP_INDEX_URL, pip's
configuration files in pip's own order of precedence (PIP_CONFIG_FILE, environment, user, system); else the public default.
"""

from __future__ import annotations

import configparser
import os
import re
import ssl
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

PUBLIC_INDEX = "https://pypi.org/simple"
_UV_INDEX_URL = re.compile(r"""^\s*index-url\s*=\s*["']([^"']+)["']""", re.MULTILINE)
_UV_TABLE = re.compile(r"^\s*\[\[index\]\]\s*$(.*?)(?=^\s*\[|\Z)", re.MULTILINE | re.DOTALL)
_UV_DEFAULT = re.compile(r"^\s*default\s*=\s*true\s*(#.*)?$", re.MULTILINE)
_UV_URL = re.compile(r"""^\s*url\s*=\s*["']([^"']+)["']""", re.MULTILINE)


class Index(NamedTuple):
    """A package index and who named it."""

    url: str
    named_by: str

    @property
    def public(self) -> bool:
        """Whether it is the public default."""
        return self.url == PUBLIC_INDEX

    @property
    def shown(self) -> str:
        """The URL without credentials."""
        return split_credentials(self.url)[0]


def find_index(environ: dict[str, str]) -> Index:
    """The configured index."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if environ.get(name):
            return Index(_plain(environ[name]), name)
    for path in _uv_files(environ):
        url = _from_uv_file(path)
        if url:
            return Index(_plain(url), str(path))
    if environ.get("PIP_INDEX_URL"):
        return Index(_plain(environ["PIP_INDEX_URL"]), "PIP_INDEX_URL")
    named = pip_setting("index-url", environ)
    return Index(_plain(named[0]), named[1]) if named else Index(PUBLIC_INDEX, "the default")


def find_certificates(environ: dict[str, str]) -> str | None:
    """File of the authorities to trust, where one is named: SSL_CERT_FILE, PIP_CERT, pip's configuration, REQUESTS_CA_BUNDLE."""
    named = pip_setting("cert", environ)
    choices = [environ.get("SSL_CERT_FILE"), environ.get("PIP_CERT"), named[0] if named else None, environ.get("REQUESTS_CA_BUNDLE")]
    return next((path for path in choices if path and Path(path).is_file()), None)


def trust(environ: dict[str, str]) -> ssl.SSLContext:
    """How to check who answers."""
    context = ssl.create_default_context()
    extra = find_certificates(environ)
    if extra:
        context.load_verify_locations(cafile=extra)
    return context


def split_credentials(url: str) -> tuple[str, str]:
    """A URL without its `user:password@`, and that part."""
    parts = urlsplit(url)
    credentials, at, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=place)), credentials if at else ""


def pip_setting(key: str, environ: dict[str, str]) -> tuple[str, str] | None:
    """A setting of pip's configuration files and the file it stands in; the file with the highest precedence wins."""
    for path in _pip_files(environ):
        parser = configparser.RawConfigParser()
        try:
            parser.read(str(path), encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        for section in ("install", "download", "global"):
            if parser.has_option(section, key):
                return parser.get(section, key).strip(), str(path)
    return None


def _pip_files(environ: dict[str, str]) -> list[Path]:
    """Configuration files of pip, highest precedence first."""
    named = environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return []
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    user = [config / "pip" / "pip.conf", home / ".pip" / "pip.conf"]
    if sys.platform == "darwin":
        user.insert(0, home / "Library" / "Application Support" / "pip" / "pip.conf")
    system = [Path(folder) / "pip" / "pip.conf" for folder in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":") if folder]
    site = [Path(environ["VIRTUAL_ENV"]) / "pip.conf"] if environ.get("VIRTUAL_ENV") else []
    return ([Path(named)] if named else []) + site + user + [Path("/etc/pip.conf")] + system


def _uv_files(environ: dict[str, str]) -> list[Path]:
    """Configuration files of uv, highest precedence first."""
    if environ.get("UV_NO_CONFIG"):
        return []
    if environ.get("UV_CONFIG_FILE"):
        return [Path(environ["UV_CONFIG_FILE"])]
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return [config / "uv" / "uv.toml", Path("/etc/uv/uv.toml")]


def _from_uv_file(path: Path) -> str:
    """The default index of a uv.toml; Python before 3.11 reads no TOML, and these two forms are all there is."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    for table in _UV_TABLE.findall(text):
        url = _UV_URL.search(table)
        if url and _UV_DEFAULT.search(table):
            return url.group(1)
    old = _UV_INDEX_URL.search(text)
    return old.group(1) if old else ""


def _plain(url: str) -> str:
    """The URL as others write it: no space around, no slash at the end, no uv index name before it."""
    return re.sub(r"^[A-Za-z0-9_.-]+=(?=https?:)", "", url.strip()).rstrip("/")
