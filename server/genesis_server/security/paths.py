"""Where the server may write: paths under one base directory, and nowhere else.

Paths come from settings and the command line, never from clients, so a refusal is a ValueError that says what to change.
"""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path, PurePosixPath, PureWindowsPath


class UnsafePathError(ValueError):
    """A path the server will not use."""


class StorageDirectory:
    """A base directory and the paths under it."""

    def __init__(self, base: Path, *, test_mode: bool = False) -> None:
        """`base` must be absolute and not the root; in test mode it must lie in the system's temporary directory.

        Test mode keeps a test with a wrong setting from writing over real data.
        """
        if not base.is_absolute():
            raise UnsafePathError(f"the storage directory must be an absolute path, not {str(base)!r}")
        self.base = base.resolve()
        if self.base == Path(self.base.anchor):
            raise UnsafePathError("the storage directory must not be the root of the file system; name a directory of its own")
        if self.base.exists() and not self.base.is_dir():
            raise UnsafePathError("the storage directory is a file; name a directory")
        if test_mode and not self.base.is_relative_to(Path(tempfile.gettempdir()).resolve()):
            raise UnsafePathError("in test mode the storage directory must lie in the system's temporary directory")

    def path(self, name: str) -> Path:
        """The real path of `name`, which is relative to the base. Raises UnsafePathError.

        Links are followed first, so that none leads out; what exists there already must be a file or a directory.
        """
        if "\0" in name:
            raise UnsafePathError("a storage path must not hold a NUL character")
        if not name.strip() or PurePosixPath(name).is_absolute() or PureWindowsPath(name).anchor:
            raise UnsafePathError(f"a storage path must be relative to the storage directory, not {name!r}")
        if ".." in PurePosixPath(name).parts or ".." in PureWindowsPath(name).parts:
            raise UnsafePathError(f"a storage path must not lead upwards: {name!r}")
        try:
            real = (self.base / name).resolve()
            # Links in a circle are an error before Python 3.13, and left as they are from then on.
            if real.is_symlink():
                raise OSError("links in a circle")
            mode = real.stat().st_mode if real.exists() else stat.S_IFREG
        except (OSError, RuntimeError) as error:
            raise UnsafePathError(f"a storage path must be one that can be followed: {name!r}") from error
        if not real.is_relative_to(self.base):
            raise UnsafePathError(f"a storage path must stay under the storage directory, and {name!r} is a link out of it")
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise UnsafePathError(f"a storage path must be a file or a directory, and {name!r} is a device, a pipe or a socket")
        return real
