"""A server without a language model pays nothing for the possibility."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("pydantic_ai", "openai", "genai_prices", "httpx2")


def test_the_parts_of_a_server_load_without_the_optional_extra() -> None:
    code = f"import sys, genesis_server.app.parts; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_whether_the_extra_is_there_is_told_without_loading_it() -> None:
    code = (
        f"import sys; from genesis_server.llm.gateway import extra_installed as e; print(e(), [n for n in {HEAVY!r} if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "True []"
