"""The composition root: settings → parts → a running server. The only place where concrete classes meet."""

from genesis_server.app.running import StartError, serve
from genesis_server.app.start_files import check

__all__ = ["StartError", "check", "serve"]
