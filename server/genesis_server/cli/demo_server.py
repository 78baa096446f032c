"""The server of the demo, a process of its own that ends with it: `python -m genesis_server.cli.demo_server`; settings are variables."""

from __future__ import annotations

import os
import sys

from genesis_server import app
from genesis_server.cli.parent import end_with_parent
from genesis_server.settings import Settings

if __name__ == "__main__":
    end_with_parent()
    try:
        sys.exit(app.serve(Settings.load(None, os.environ), arguments=["serve"]))
    except app.StartError as error:
        sys.exit("\n".join(error.messages))
