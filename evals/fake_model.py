"""A language model that follows a script: a real server on loopback that speaks OpenAI's chat completions, well or badly.

A script is a list of acts, played one a request, the last one again and again; or a function from the request's body to an act. Every byte
that arrives is kept.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 900, "completion_tokens": 60, "total_tokens": 960}


@dataclass(frozen=True)
class Act:
    """One reply: a status with headers and a body; or, with `drop`, a closed connection; with `drip`, a body that never ends."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    drip: bool = False


Script = Sequence["Act | Step"] | Callable[[dict[str, Any]], "Act | Step"]


@dataclass(frozen=True)
class Step:
    """A step of a model that keeps to the form it is asked for: tool calls, or one JSON object."""

    data: dict[str, Any]

    def act(self, request: dict[str, Any]) -> Act:
        if "tools" in request:
            arguments = {name: value for name, value in self.data.items() if name != "do"}
            return calls((self.data["do"], json.dumps(arguments)))
        return says(json.dumps({"step": self.data}))


def says(text: str | None, finish: str = "stop", **message: Any) -> Act:
    """A reply of text."""
    return _completion({"role": "assistant", "content": text, **message}, finish)


def calls(*tools: tuple[str, str]) -> Act:
    """A reply that calls tools, each with the text of its arguments."""
    listed = [
        {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": said}} for n, (name, said) in enumerate(tools)
    ]
    return _completion({"role": "assistant", "content": None, "tool_calls": listed}, "tool_calls")


def refuses(text: str) -> Act:
    return says(None, refusal=text)


def fails(status: int, **headers: str) -> Act:
    """An error with its status; `retry_after="120"` is a header."""
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return Act(json.dumps({"error": {"message": "no", "type": "error"}}).encode(), status, said)


def sends(body: str, kind: str = "application/json") -> Act:
    """Any body with status 200."""
    return Act(body.encode(), headers={"content-type": kind})


def _completion(message: dict[str, Any], finish: str) -> Act:
    data = {
        "id": "c", "object": "chat.completion", "created": 1, "model": "scripted",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": USAGE,
    }  # fmt: skip
    return Act(json.dumps(data).encode())


class FakeModel(ThreadingHTTPServer):
    """The server. `url` is what `model.base_url` says; `heard` are the bodies that came, `bytes` all that was sent to it."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script, self.heard, self.bytes = script, list[dict[str, Any]](), list[bytes]()
        self.closing, self.lock = threading.Event(), threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def act(self, body: dict[str, Any]) -> Act:
        with self.lock:
            self.heard.append(body)
            turn = len(self.heard) - 1
        found = self.script(body) if callable(self.script) else self.script[min(turn, len(self.script) - 1)]
        return found.act(body) if isinstance(found, Step) else found

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no fault of the server's."""


class _Handler(BaseHTTPRequestHandler):
    server: FakeModel
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers["content-length"]))
        self.server.bytes.append(f"{self.requestline}\n{self.headers}".encode() + said)
        act = self.server.act(json.loads(said))
        if act.drop:
            self.close_connection = True
            return
        self.send_response(act.status)
        for name, value in {"content-type": "application/json", **act.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(act.body) if not act.drip else 10**6))
        self.end_headers()
        self.wfile.write(act.body)
        while act.drip and not self.server.closing.wait(0.02):
            self.wfile.write(b" ")
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""


@contextmanager
def running(script: Script) -> Iterator[FakeModel]:
    """A scripted model on a free port of loopback."""
    server = FakeModel(script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
