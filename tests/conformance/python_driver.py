"""The driver of the Python client: does what a file of scenarios says, and tells what came of it, one line of JSON each.

It takes the client as `genesis.aio.connect` makes it, and calls by name, since scenarios name calls. docs/clients.md has what drivers do.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pool, json_format
from grpc_health.v1 import health_pb2, health_pb2_grpc

import genesis
from genesis import _methods
from genesis._status import translated
from matching import at

METHODS = {one.path: one for one in vars(_methods).values() if isinstance(one, _methods.Method)}


def client_for(connect: Mapping[str, Any]) -> genesis.aio.AsyncClient:
    """The client a scenario wants."""
    options: dict[str, Any] = {name: connect[name] for name in ("token", "agent_key", "agent") if connect[name]}
    if connect["ca_file"]:
        options["root_certificates"] = Path(connect["ca_file"])
    if connect["timeout_seconds"]:
        options["timeout"] = connect["timeout_seconds"]
    return genesis.aio.connect(connect["target"], **options)


def filled(value: Any, saved: Mapping[str, Any]) -> Any:
    """The value with `${name}` replaced."""
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda found: str(saved[found[1]]), value)
    if isinstance(value, list):
        return [filled(one, saved) for one in value]
    if isinstance(value, Mapping):
        return {key: filled(one, saved) for key, one in value.items()}
    return value


def failed(error: genesis.GenesisError) -> dict[str, Any]:
    """What the client's own error tells."""
    facts = {
        "reason": error.reason,
        "metadata": dict(error.metadata),
        "violations": [{"field": one.field, "description": one.description} for one in error.field_violations],
        "retry_after_seconds": error.retry_after,
    }
    return {"status": error.code.name, "message": error.message, "error": facts}


class Driver:
    """Runs the steps of one scenario."""

    def __init__(self, scenario: Mapping[str, Any]) -> None:
        """Connects."""
        self._scenario = scenario
        self._client = client_for(scenario["connect"])
        self._saved: dict[str, Any] = {}

    async def run(self) -> list[dict[str, Any]]:
        """What came of each step."""
        async with self._client:
            return [await self._timed(step) for step in self._scenario["steps"]]

    async def _timed(self, step: Mapping[str, Any]) -> dict[str, Any]:
        start = time.monotonic()
        try:
            result = {"status": "OK"} | await self._step(filled({key: part for key, part in step.items() if key != "save"}, self._saved))
        except genesis.GenesisError as error:
            result = failed(error)
        except asyncio.CancelledError:
            result = {"status": "CANCELLED"}
        result["seconds"] = time.monotonic() - start
        for name, path in step.get("save", {}).items():
            self._saved[name] = at(result if path.startswith("messages.") else result.get("answer"), path)
        return result

    async def _step(self, step: Mapping[str, Any]) -> dict[str, Any]:
        if "health" in step:
            return {"answer": await self._health(step["health"])}
        service, _, name = step["call"].partition("/")
        method = METHODS["/" + step["call"]]
        options: dict[str, Any] = {"metadata": list(step.get("metadata", {}).items())}
        if "timeout_seconds" in step:
            options["timeout"] = step["timeout_seconds"]
        if "exchange" in step:
            return {"messages": await self._exchange(method, step["exchange"], options)}
        request = json_format.ParseDict(step["request"], method.request())
        # The client's own methods, which are by name, do this.
        if "request_id" in method.request.DESCRIPTOR.fields_by_name and not request.request_id:
            request.request_id = str(uuid.uuid4())
        if descriptor_pool.Default().FindServiceByName(service).FindMethodByName(name).server_streaming:
            return await self._streamed(method, request, step.get("stop_after_messages"), options)
        call = asyncio.ensure_future(self._client._unary(method, request, options))
        if "cancel_after_seconds" in step:
            asyncio.get_running_loop().call_later(step["cancel_after_seconds"], call.cancel)
        return {"answer": json_format.MessageToDict(await call)}

    async def _streamed(self, method: Any, request: Any, stop_after: int | None, options: Any) -> dict[str, Any]:
        messages: list[Any] = []
        async for message in self._client._stream(method, request, options):
            messages.append(json_format.MessageToDict(message))
            if len(messages) == stop_after:
                break
        return {"messages": messages}

    async def _exchange(self, method: Any, moves: Sequence[Mapping[str, Any]], options: Any) -> list[Any]:
        outbox: asyncio.Queue[Any] = asyncio.Queue()

        async def said() -> AsyncIterator[Any]:
            while (message := await outbox.get()) is not None:
                yield message

        heard: list[Any] = []
        stream = self._client._exchange(method, said(), options)
        for move in moves:
            if "send" in move:
                outbox.put_nowait(json_format.ParseDict(filled(move["send"], self._saved), method.request()))
            elif "receive" in move:
                heard.append(json_format.MessageToDict(await anext(stream)))
            else:
                outbox.put_nowait(None)
                heard += [json_format.MessageToDict(message) async for message in stream]
        return heard

    async def _health(self, service: str) -> dict[str, Any]:
        """The protocol of load balancers, for which the Python client takes gRPC's own package."""
        target = self._client._target
        credentials = target.credentials()
        address, options = target.address, target.options()
        channel = (
            grpc.aio.secure_channel(address, credentials, options) if credentials else grpc.aio.insecure_channel(address, options=options)
        )
        async with channel:
            with translated():
                answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
        return json_format.MessageToDict(answer)


async def told(scenario: Mapping[str, Any]) -> dict[str, Any]:
    """What came of a scenario."""
    try:
        return {"scenario": scenario["name"], "steps": await Driver(scenario).run(), "fault": None}
    except Exception as error:  # noqa: BLE001  (whatever it is, the others are still to be run)
        return {"scenario": scenario["name"], "steps": [], "fault": f"{type(error).__name__}: {error}"}


async def main() -> None:
    """Run all scenarios of the file."""
    for scenario in json.loads(Path(sys.argv[1]).read_text())["scenarios"]:
        print(json.dumps(await told(scenario)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
