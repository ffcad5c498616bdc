"""`answerable serve`: the chat API on one address, until it is told to stop; then what runs is finished and recorded."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import uvicorn
from answerable.integrations import openai_api
from answerable.integrations.api import Served, create
from answerable.integrations.app import STATE, open_project
from answerable.integrations.auth import Gatekeeper
from answerable.integrations.doors import Doors
from answerable.integrations.live import Live
from answerable.integrations.working import Worker
from fastapi import FastAPI

GRACE = 30
"""Seconds that requests have to end when the server is told to stop."""


def served(folder: Path, state: Path | None, at_once: int) -> Served:
    """The project of a folder, open for the doors. Raises as `open_project` does."""
    live = Live(folder, lambda: open_project(folder, state, surface="http"))
    with live.project() as project:
        doors = Doors(project.catalog.settings.journal or (state or folder / STATE) / "doors.db")

    def clock() -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    return Served(Worker(live, at_once), doors, Gatekeeper(lambda: live.now.project.catalog, doors, clock), clock)


def app_of(shared: Served) -> FastAPI:
    """All doors of one address."""
    return create(shared, openai_api.routes, errors={"/v1/chat": openai_api.error_of, "/v1/models": openai_api.error_of})


def serve(folder: Path, state: Path | None, host: str, port: int, at_once: int) -> None:
    """Serve until the process is told to stop."""
    uvicorn.run(
        app_of(served(folder, state, at_once)),
        host=host,
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=GRACE,
        server_header=False,
    )
