"""The composition root: settings → parts → a running server. The only place where concrete classes meet."""

from genesis_server.app.running import StartError, serve

__all__ = ["StartError", "serve"]
