"""The chat API of a project, served for real on loopback."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import uvicorn
from answerable.integrations.api import Served
from answerable.integrations.serving import app_of, served

FINN, ANA = "finn@alder.example", "ana@alder.example"


class Api:
    """A running server with a client for each person."""

    def __init__(self, url: str, served: Served) -> None:
        self.url, self.served = url, served

    def key(self, user: str, **more: Any) -> str:
        return self.served.doors.create_key(user, dt.datetime.now(dt.UTC), **more)

    def of(self, user: str | None = FINN, **headers: str) -> httpx.Client:
        said = {"authorization": f"Bearer {self.key(user)}"} if user else {}
        return httpx.Client(base_url=self.url, headers={**said, **headers}, timeout=60)


@contextmanager
def serving(folder: Path, state: Path, at_once: int = 8) -> Iterator[Api]:
    """The project's API on a free port."""
    shared = served(folder, state, at_once)
    server = uvicorn.Server(uvicorn.Config(app_of(shared), port=0, log_level="critical", timeout_graceful_shutdown=5))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Api(f"http://127.0.0.1:{port}", shared)
    finally:
        server.should_exit = True
        thread.join()
