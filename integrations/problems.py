"""What went wrong, as problem+json (RFC 9457): in our words alone, with nothing of what was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

MEDIA = "application/problem+json"
TITLES = {
    400: "That can not be read", 401: "Nobody has proven who asks", 403: "Not let in", 404: "Not there", 405: "Not done here",
    409: "At work on it already", 413: "Too long", 422: "Not of its form", 429: "Too many at once", 500: "A fault", 503: "Not ready",
}  # fmt: skip


class Problem(BaseModel):
    """RFC 9457."""

    type: str = Field(default="about:blank")
    title: str
    status: int
    detail: str = ""


class Trouble(Exception):
    """A request that gets no answer: its status, and one sentence."""

    def __init__(self, status: int, detail: str = "", **headers: str) -> None:
        self.status, self.detail = status, detail
        self.headers = {name.replace("_", "-").title(): value for name, value in headers.items()}
        super().__init__(detail)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that an operation may have, for its description."""
    schema = Problem.model_json_schema()
    return {status: {"description": TITLES[status], "content": {MEDIA: {"schema": schema}}} for status in sorted({*statuses, 400, 500})}


def problem(status: int, detail: str = "", headers: dict[str, str] | None = None) -> JSONResponse:
    """The reply for a problem."""
    said = Problem(title=TITLES.get(status, "That did not work"), status=status, detail=detail)
    return JSONResponse(said.model_dump(), status, headers, MEDIA)


def where_it_is(error: RequestValidationError) -> str:
    """Which part of a request is not of its form, by name; nothing of what was sent."""
    first = error.errors()[0] if error.errors() else {"loc": (), "type": ""}
    if first["type"] == "json_invalid":
        return "The body is no JSON."
    path = ".".join(str(part) for part in first["loc"][:2] if isinstance(part, str) and part.isidentifier())
    return f"{path or 'The body'} is not of its form ({str(first['type']).replace('_', ' ')})."


def handle(app: FastAPI, others: Mapping[str, Callable[[int, str], dict[str, Any]]]) -> None:
    """Every error of an app becomes a problem; under some paths, what `others` make of its status and its sentence."""

    def told(request: Request, status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
        made = next((make for path, make in others.items() if request.url.path.startswith(path)), None)
        return JSONResponse(made(status, detail or TITLES.get(status, "")), status, headers) if made else problem(status, detail, headers)

    @app.exception_handler(Trouble)
    async def trouble(request: Request, error: Trouble) -> JSONResponse:
        return told(request, error.status, error.detail, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return told(request, 422, where_it_is(error))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(sorted(_methods(request)))
        return told(request, error.status_code, "", headers)

    @app.exception_handler(Exception)
    async def fault(request: Request, error: Exception) -> JSONResponse:
        return told(request, 500, "A fault of answerable itself. It is in the log.")


def _methods(request: Request) -> set[str]:
    """What may be done at a path, by whichever of its routes."""
    found: set[str] = set()
    for route in request.app.routes:
        pattern = getattr(route, "path_regex", None)
        if pattern is not None and pattern.match(request.url.path):
            found |= set(getattr(route, "methods", None) or ())
    return found
