"""A local HTTP server that speaks POST /v1/chat/completions as language-model services do, and misbehaves on demand."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

INPUT_TOKENS, OUTPUT_TOKENS = 120, 40

Behaviour = Callable[["Exchange"], None]


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    path: str
    headers: Mapping[str, str]
    body: Any

    @property
    def tool(self) -> str:
        """The name of the output tool the client wants called."""
        return self.body["tools"][0]["function"]["name"]

    @property
    def user(self) -> str:
        """The text of the user's message."""
        return next(message["content"] for message in self.body["messages"] if message["role"] == "user")


class Exchange:
    """One request on its way to an answer."""

    def __init__(self, handler: BaseHTTPRequestHandler, asked: Asked, closing: threading.Event) -> None:
        self.asked = asked
        self.closing = closing
        self._handler = handler

    def send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """A whole answer."""
        self.head(status, len(body), headers)
        self._handler.wfile.write(body)

    def head(self, status: int, length: int, headers: Mapping[str, str] | None = None) -> None:
        """Status and headers."""
        self._handler.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(length), **(headers or {})}.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()

    def write(self, data: bytes) -> None:
        """A piece of the body, at once."""
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    def cut(self) -> None:
        """Break the connection off."""
        self._handler.wfile.flush()
        self._handler.connection.shutdown(socket.SHUT_RDWR)
        self._handler.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what some tests are about."""


@dataclass
class FakeEndpoint:
    """The server; `behave` says what it does with the next requests, the last one for all that follow."""

    script: list[Behaviour] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    """Set when a request has come in."""
    gone: threading.Event = field(default_factory=threading.Event)
    """Set when a client was seen to close its connection in the middle of an answer."""

    def __enter__(self) -> Self:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                with endpoint._lock:
                    endpoint.asked.append(asked)
                    endpoint.arrived.set()
                    behaviour = endpoint.script.pop(0) if len(endpoint.script) > 1 else endpoint.script[0]
                try:
                    behaviour(Exchange(self, asked, endpoint._closing))
                except OSError:
                    endpoint.gone.set()
                    self.close_connection = True

            def log_message(self, *message: object) -> None:
                """Say nothing."""

        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The base URL, as an operator sets it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def behave(self, *behaviours: Behaviour) -> None:
        """Do these, one for each request."""
        with self._lock:
            self.script[:] = behaviours


def completion(message: Mapping[str, Any], *, finish: str = "stop") -> bytes:
    """The body of an answer with this message."""
    answer = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "fake-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": finish, "logprobs": None}],
        "usage": {"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS, "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS},
    }
    return json.dumps(answer).encode()


def calling(tool: str, arguments: str) -> bytes:
    """The body of an answer that calls a tool."""
    call = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": arguments}}
    return completion({"tool_calls": [call]}, finish="tool_calls")


def drafts(*tasks: Mapping[str, Any]) -> Behaviour:
    """Answer with these tasks."""
    return arguments(json.dumps({"tasks": list(tasks)}))


def arguments(text: str) -> Behaviour:
    """Call the output tool with this text as its arguments, JSON or not."""
    return lambda exchange: exchange.send(200, calling(exchange.asked.tool, text))


def says(text: str) -> Behaviour:
    """Answer in words where a tool call is wanted."""
    return lambda exchange: exchange.send(200, completion({"content": text}))


def body(data: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Behaviour:
    """Answer with these very bytes."""
    return lambda exchange: exchange.send(status, data, headers)


def refuses(status: int, headers: Mapping[str, str] | None = None, *, message: str = "no", code: str | None = None) -> Behaviour:
    """Answer with an error as these services send it."""
    return body(json.dumps({"error": {"message": message, "type": "error", "code": code}}).encode(), status=status, headers=headers)


def hangs(seconds: float = 30.0) -> Behaviour:
    """Say nothing for so long, then answer with nothing useful."""

    def behaviour(exchange: Exchange) -> None:
        exchange.closing.wait(seconds)
        exchange.send(500, b"{}")

    return behaviour


def drips(*tasks: Mapping[str, Any], every_seconds: float = 0.05, data: bytes = b"") -> Behaviour:
    """Send a good answer one byte at a time."""

    def behaviour(exchange: Exchange) -> None:
        whole = data or calling(exchange.asked.tool, json.dumps({"tasks": list(tasks)}))
        exchange.head(200, len(whole))
        for byte in whole:
            if exchange.closing.wait(every_seconds):
                return
            exchange.write(bytes([byte]))

    return behaviour


def cuts(*, after_bytes: int | None = None) -> Behaviour:
    """Break the connection off: before the answer, or so many bytes into its body."""

    def behaviour(exchange: Exchange) -> None:
        if after_bytes is not None:
            whole = calling(exchange.asked.tool, '{"tasks": []}')
            exchange.head(200, len(whole))
            exchange.write(whole[:after_bytes])
        exchange.cut()

    return behaviour


def floods(total: int, piece: int = 1 << 16) -> Behaviour:
    """Send more than anybody can want."""

    def behaviour(exchange: Exchange) -> None:
        exchange.head(200, total)
        for _ in range(total // piece):
            exchange.write(b" " * piece)

    return behaviour


def task(task_id: str, goal: str, *, capability: str = "", after: Sequence[str] = (), words: str = "") -> dict[str, Any]:
    """A task as a draft holds it."""
    return {"id": task_id, "goal": goal, "capability": capability, "after": list(after), "words": words}
