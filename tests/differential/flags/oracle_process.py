"""flagd's own evaluator behind a pipe: runs in the virtual environment of one version of openfeature-flagd-core, standard library besides.

Reads a list of requests a line from standard input and writes the list of their answers a line to standard output, all of it JSON:

    {"key": K, "document": D, "time": T, "contexts": [{"targetingKey": K or null, "attributes": {...}}, ...]}
    [{"rule": R, "flag": F}, ...]    one for each context of the request

R is null when no rule was asked, else what it said as `["value", JSON text]` or `["error", text]`. F is
`["value", JSON text, variant or null, reason, metadata as JSON text]` or `["error", error code]`. JSON texts have their keys sorted, and
numbers as Python writes them, so that equal texts are equal values of equal types. The first line that it writes is the version.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import os
import sys
import types
from typing import Any

from openfeature.contrib.tools.flagd.core import FlagdCore, flagd_core
from openfeature.contrib.tools.flagd.core.targeting import custom_ops
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import OpenFeatureError

# The package names the function as the module, and so hides it.
clock_of_rules = sys.modules[flagd_core.targeting.__module__]
ask_rule = flagd_core.targeting
hash_of = custom_ops.mmh3.hash
said: list[list[str]] = []


def written(value: Any) -> list[str]:
    """A value as JSON text; what is no JSON is an error."""
    try:
        return ["value", json.dumps(value, sort_keys=True)]
    except (TypeError, ValueError, RecursionError) as error:
        return ["error", f"no JSON: {type(error).__name__}: {error}"]


def listening(*arguments: Any) -> Any:
    """Ask a rule and keep what it said."""
    try:
        result = ask_rule(*arguments)
    except Exception as error:
        said.append(["error", f"{type(error).__name__}: {error}"])
        raise
    said.append(written(result))
    return result


def sound_hash(value: str | bytes, *arguments: Any, **named: Any) -> int:
    """The hash; half a surrogate pair raises UnicodeEncodeError, where mmh3 ends the process with a segmentation fault."""
    return hash_of(value.encode() if isinstance(value, str) else value, *arguments, **named)


def evaluated(core: FlagdCore, key: str, context: dict[str, Any]) -> list[Any]:
    """What the flag is for a context."""
    subject = EvaluationContext(context["targetingKey"], context["attributes"])
    try:
        found = core._resolve(key, None, subject)
    except OpenFeatureError as error:
        return ["error", error.error_code.value]
    except Exception as error:  # noqa: BLE001  (whatever it raises, its callers call it GENERAL)
        return ["error", f"GENERAL {type(error).__name__}"]
    return [*written(found.value), found.variant, str(found.reason.value), json.dumps(dict(found.flag_metadata), sort_keys=True)]


def answer(request: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers to one request."""
    clock_of_rules.time = types.SimpleNamespace(time=lambda: request["time"])
    contexts = request["contexts"]
    core = FlagdCore()
    try:
        core.set_flags(request["document"])
    except OpenFeatureError as error:
        return [{"rule": None, "flag": ["error", error.error_code.value]} for _ in contexts]
    except Exception as error:  # noqa: BLE001
        return [{"rule": None, "flag": ["error", f"document: {type(error).__name__}"]} for _ in contexts]
    answers = []
    for context in contexts:
        said.clear()
        flag = evaluated(core, request["key"], context)
        answers.append({"rule": said[0] if said else None, "flag": flag})
    return answers


def main() -> None:
    """Answer until there are no more requests."""
    flagd_core.targeting = listening
    custom_ops.mmh3 = types.SimpleNamespace(hash=sound_hash)
    logging.disable()
    # The operation `log` writes to standard output.
    pipe, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: PTH123, SIM115
    pipe.write(importlib.metadata.version("openfeature-flagd-core") + "\n")
    pipe.flush()
    for line in sys.stdin:
        pipe.write(json.dumps([answer(request) for request in json.loads(line)]) + "\n")
        pipe.flush()


if __name__ == "__main__":
    main()
