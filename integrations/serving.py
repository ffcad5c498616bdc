"""`answerable serve`: the chat API on one address, until it is told to stop; then what runs is finished and recorded."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import uvicorn
from answerable.agent.ask import Project
from answerable.integrations import openai_api
from answerable.integrations.api import Served, create
from answerable.integrations.app import STATE, open_project
from answerable.integrations.auth import Gatekeeper
from answerable.integrations.doors import Doors
from answerable.integrations.live import Live
from answerable.integrations.telemetry import Telemetry
from answerable.integrations.working import Worker
from fastapi import APIRouter, FastAPI, Request

GRACE = 30
"""Seconds that requests have to end when the server is told to stop."""


def served(folder: Path, state: Path | None, at_once: int) -> Served:
    """The project of a folder, open for the doors. Raises as `open_project` does."""
    telemetry = Telemetry()

    def opened() -> Project:
        project = open_project(folder, state, surface="http")
        project.listeners.append(telemetry.told)
        return project

    live = Live(folder, opened)
    with live.project() as project:
        doors = Doors(project.catalog.settings.journal or (state or folder / STATE) / "doors.db")

    def clock() -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    return Served(Worker(live, at_once), doors, Gatekeeper(lambda: live.now.project.catalog, doors, clock), clock, telemetry)


def app_of(shared: Served) -> FastAPI:
    """All doors of one address."""
    errors = {"/v1/chat": openai_api.error_of, "/v1/models": openai_api.error_of}
    try:
        from answerable.integrations import mcp
    except ImportError:  # answerable[mcp] is not installed: there is no such door
        return create(shared, openai_api.routes, errors=errors)
    tools = mcp.over_http(shared.worker)
    app = create(shared, openai_api.routes, metadata, errors=errors, runs=lambda: tools.session_manager.run())
    app.add_middleware(mcp.HttpDoor, mcp=tools, gate=shared.gate)
    app.build_middleware_stack()  # makes the session manager, which has to run before the first request
    return app


metadata = APIRouter(include_in_schema=False)


@metadata.get("/.well-known/oauth-protected-resource/mcp")
async def protected(request: Request) -> dict[str, Any]:
    """Where the tokens for `/mcp` come from (RFC 9728)."""
    issuer = request.app.state.served.gate.catalog().settings.identity.issuer
    return {"resource": str(request.url.replace(path="/mcp")), "authorization_servers": [issuer] if issuer else []}


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
