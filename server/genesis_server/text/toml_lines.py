"""In which line of a TOML text each key stands; the standard parser does not tell.

The scanner trusts that the text is valid TOML (https://toml.io/en/v1.0.0): parse it first.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

Path = tuple[str | int, ...]
"""Keys and list positions from the top of the document."""

_TOKEN = re.compile(
    r'(?P<string>"""(?:\\[\s\S]|(?!""")[^\\])*"""(?:"{0,2})'
    r"|'''(?:(?!''')[\s\S])*'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*')"
    r"|(?P<newline>\n)|(?P<comment>#[^\n]*)|(?P<space>[^\S\n]+)|(?P<mark>[\[\]{}=,.])|(?P<bare>[^\s\[\]{}=,.#\"']+)"
)


def toml_lines(text: str) -> dict[Path, int]:
    """The line, from 1, of every key, table and list item of a valid TOML text."""
    return _Scanner(text).scan()


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """The line of `path`, or of the innermost thing around it that has one."""
    for end in range(len(path), 0, -1):
        line = lines.get(path[:end])
        if line is not None:
            return line
    return 1


class _Scanner:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, int]] = []
        line = 1
        for found in _TOKEN.finditer(text):
            kind = found.lastgroup or ""
            if kind not in {"comment", "space"}:
                self._tokens.append((kind, found.group(), line))
            line += found.group().count("\n")
        self._tokens.append(("end", "", line))
        self._at = 0
        self._lines: dict[Path, int] = {}
        self._lengths: dict[Path, int] = {}

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while self._at < len(self._tokens) - 1:
            if self._take("\n"):
                continue
            if self._is("["):
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _is(self, *texts: str) -> bool:
        return self._tokens[self._at][1] in texts

    def _ends(self) -> bool:
        return self._tokens[self._at][0] in {"newline", "end"}

    def _take(self, text: str) -> bool:
        """Go past the token when it is `text`."""
        taken = self._is(text)
        self._at += taken
        return taken

    def _line(self) -> int:
        return self._tokens[self._at][2]

    def _header(self) -> Path:
        line = self._line()
        self._at += 1
        is_list = self._take("[")
        parts = self._key()
        self._at += 1 + is_list
        path: Path = ()
        for part in parts[:-1]:
            path = self._last((*path, part))
        path = (*path, parts[-1])
        self._lines.setdefault(path, line)
        if is_list:
            number = self._lengths.get(path, 0)
            self._lengths[path] = number + 1
            path = (*path, number)
            self._lines[path] = line
        return path

    def _last(self, path: Path) -> Path:
        """The newest item when `path` is a list of tables."""
        return (*path, self._lengths[path] - 1) if path in self._lengths else path

    def _key(self) -> list[str]:
        parts: list[str] = []
        while True:
            kind, text, _ = self._tokens[self._at]
            parts.append(text if kind == "bare" else next(iter(tomllib.loads(f"{text} = 0"))))
            self._at += 1
            if not self._take("."):
                return parts

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = table
        for part in self._key():
            path = (*path, part)
            self._lines.setdefault(path, line)
        self._at += 1
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._take("["):
            self._items(path)
        elif self._take("{"):
            while not self._take("}"):
                if not self._take(",") and not self._take("\n"):
                    self._pair(path)
        else:
            while not self._ends() and not self._is(",", "]", "}"):
                self._at += 1

    def _items(self, path: Path) -> None:
        number = 0
        while not self._take("]"):
            if not self._take(",") and not self._take("\n"):
                item = (*path, number)
                self._lines[item] = self._line()
                self._value(item)
                number += 1
