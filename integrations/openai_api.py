"""OpenAI's chat completions over the same core, for chat screens and the official client. The completion's id is the answer's."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from answerable.agent.answer import Answer
from answerable.agent.ask import Project
from answerable.agent.asked import Door, Event, new_id
from answerable.context.errors import AnswerableError
from answerable.integrations.api import Served, Who, run
from answerable.integrations.auth import NotLetIn, Proven
from answerable.integrations.markdown import shown
from answerable.integrations.problems import Trouble
from answerable.integrations.queueing import Full
from answerable.integrations.working import Left
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StrictBool

MODEL = "answerable"
QUIET = 10.0
"""Seconds after which a stream that waits says that it's still there."""
KINDS = {
    401: "authentication_error", 403: "permission_error", 404: "not_found_error", 422: "invalid_request_error", 429: "rate_limit_error",
}  # fmt: skip
"""OpenAI's kinds of error, by status."""
_ERROR = {
    "type": "object", "required": ["error"],
    "properties": {"error": {"type": "object", "required": ["message", "type"], "properties": {"message": {"type": "string"}}}},
}  # fmt: skip
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": "An error in OpenAI's shape", "content": {"application/json": {"schema": _ERROR}}}
    for status in (400, 401, 403, 413, 422, 429, 500)
}
routes = APIRouter(tags=["OpenAI-compatible"])
_TASK = re.compile(r"(?is)\bgenerate\b.*\b(titles?|tags|follow[-_ ]?ups?|emoji)\b")
_CHAT = re.compile(r"(?i)\b(conversation|chat|### task|user'?s? (message|input))\b")


class Message(BaseModel):
    """One message; parts that are no text are passed over."""

    model_config = ConfigDict(extra="allow")
    role: str = Field(max_length=20)
    content: str | list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return " ".join(str(part.get("text", "")) for part in self.content if part.get("type") == "text")
        return self.content or ""


class Completion(BaseModel):
    """A request for a completion. Besides OpenAI's keys: `thread`, and `today`."""

    model_config = ConfigDict(extra="allow")
    model: str = Field(default=MODEL, max_length=200)
    messages: Annotated[list[Message], Field(min_length=1, max_length=1000)]
    stream: StrictBool = False
    stream_options: dict[str, Any] | None = None
    thread: Annotated[str | None, Field(pattern=r"^[\w.:-]{1,100}$")] = None

    @property
    def question(self) -> str:
        """The last thing that a person said. What assistants said before is no fact."""
        return next((m.text.strip() for m in reversed(self.messages) if m.role == "user" and m.text.strip()), "")

    @property
    def task(self) -> str | None:
        """What a chat screen wants for itself: a title, tags, follow-ups."""
        said = self.messages[-1].text
        found = _TASK.search(said)
        return found[1].lower() if found and _CHAT.search(said) and len(said) > 60 else None


@routes.get("/v1/models", responses=ERRORS)
async def models(who: Who) -> dict[str, Any]:
    """The one model that there is."""
    return {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": MODEL}]}


@routes.post("/v1/chat/completions", responses={200: {"content": {"text/event-stream": {}}}, **ERRORS})
async def completions(body: Completion, request: Request, who: Who) -> Response:
    """Answer the last message of a person; a refusal and a question back are answers too."""
    who = _for_whom(request, who)
    if task := body.task:
        text = _for_itself(task, body)
        return _stream_of(_said_at_once(text)) if body.stream else _whole(new_id(), text)
    if body.stream:
        return _stream_of(_streamed(body, request, who))
    served: Served = request.app.state.served
    mark = hashlib.sha256(f"openai\0{who.principal.id}\0{body.model_dump_json()}".encode()).hexdigest()
    if _is_retry(request) and (before := served.doors.replied(mark)) and before[1]:
        return Response(before[1], 200, {"idempotent-replayed": "true"}, "application/json")
    served.doors.end_reply(mark, None)
    served.doors.begin_reply(mark, mark, served.clock())
    answer: Answer = await run(request, who, lambda p: _asked(p, body, request, who, new_id()))
    if answer.status == "error":
        served.doors.end_reply(mark, None)
        raise Trouble(500, answer.text)
    reply = _whole(answer.id, shown(answer), answer)
    served.doors.end_reply(mark, bytes(reply.body).decode())
    return reply


def _for_whom(request: Request, who: Proven) -> Proven:
    """For whom a chat screen asks, where its key may say so. Raises Trouble."""
    said = request.headers.get("x-openwebui-user-email") or request.headers.get("x-answerable-user")
    if not said or not who.delegates:
        return who
    try:
        served: Served = request.app.state.served
        return served.gate.delegated(who, said.strip())
    except NotLetIn:
        raise Trouble(403, "The project does not know for whom this key asks.") from None


def _is_retry(request: Request) -> bool:
    return request.headers.get("x-stainless-retry-count", "0") not in ("", "0")


def _asked(project: Project, body: Completion, request: Request, who: Proven, id: str, **more: Any) -> Answer:
    thread = body.thread or _thread(body, request, who)
    return project.ask(body.question, user=who.principal, thread=thread, door=Door("openai", id), **more)


def _thread(body: Completion, request: Request, who: Proven) -> str:
    """The chat that a question belongs to: as its screen says, else by how it began, as screens send the whole of it each time."""
    chat = request.headers.get("x-openwebui-chat-id") or next((m.text for m in body.messages if m.role == "user"), "")
    mark = hashlib.sha256("\0".join((who.principal.id or "", chat)).encode()).hexdigest()
    return f"c_{mark[:20]}"


def _for_itself(task: str, body: Completion) -> str:
    """What a chat screen gets for its own needs, without a question being asked."""
    asks_json = "json" in body.messages[-1].text.lower()
    if task.startswith("title"):
        words = " ".join(re.findall(r"(?i)(?:user:|\n)\s*([^\n<>{}]{3,60})", body.messages[-1].text)[-1:]) or "Question"
        title = " ".join(words.split()[:6])
        return json.dumps({"title": title}) if asks_json else title
    return json.dumps({"tags": []} if task == "tags" else {"follow_ups": []}) if asks_json else ""


def _whole(id: str, text: str, answer: Answer | None = None) -> JSONResponse:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", "logprobs": None}
    data = {
        "id": id, "object": "chat.completion", "created": int(time.time()), "model": MODEL, "choices": [choice],
        "usage": _usage(answer),
    }  # fmt: skip
    return JSONResponse(data, headers={"x-request-id": id})


def _usage(answer: Answer | None) -> dict[str, int]:
    """What a language model used, if one was asked."""
    used = (answer.usage if answer else None) or {"read": 0, "written": 0}
    return {"prompt_tokens": used["read"], "completion_tokens": used["written"], "total_tokens": used["read"] + used["written"]}


# -- streams ----------------------------------------------------------------------------------------------------------------------------


def _stream_of(lines: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(lines, media_type="text/event-stream", headers={"cache-control": "no-cache", "x-accel-buffering": "no"})


def _chunk(id: str, created: int, delta: dict[str, Any], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    data = {"id": id, "object": "chat.completion.chunk", "created": created, "model": MODEL, "choices": [choice]}
    return f"data: {json.dumps(data)}\n\n"


async def _said_at_once(text: str) -> AsyncIterator[str]:
    id, created = new_id(), int(time.time())
    yield _chunk(id, created, {"role": "assistant", "content": text})
    yield _chunk(id, created, {}, "stop")
    yield "data: [DONE]\n\n"


async def _streamed(body: Completion, request: Request, who: Proven) -> AsyncIterator[str]:
    """The role at once, a comment for each step, then the text, and how it ended."""
    served: Served = request.app.state.served
    id, created = new_id(), int(time.time())
    yield _chunk(id, created, {"role": "assistant", "content": ""})
    try:
        steps = served.worker.watched(
            who.principal.id or "", lambda p, watch: _asked(p, body, request, who, id, watch=watch), request.is_disconnected, QUIET
        )
        async for step in steps:
            if step is None or isinstance(step, Event):
                yield f": {step.stage if step else 'at work'}\n\n"
            elif step.status == "error":
                yield _broken(step.text, 500)
                return
            else:
                for part in shown(step).splitlines(keepends=True):
                    yield _chunk(id, created, {"content": part})
                yield _chunk(id, created, {}, "stop")
                if (body.stream_options or {}).get("include_usage"):
                    last = {"id": id, "object": "chat.completion.chunk", "created": created, "model": MODEL, "choices": []}
                    yield f"data: {json.dumps({**last, 'usage': _usage(step)})}\n\n"
        yield "data: [DONE]\n\n"
    except Full as error:
        yield _broken(f"Too many questions are waiting: come again in {error.seconds} s.", 429)
    except Left:
        return
    except AnswerableError as error:
        yield _broken(str(error), 500)


def _broken(text: str, status: int) -> str:
    return f"data: {json.dumps(error_of(status, text))}\n\n"


def error_of(status: int, detail: str) -> dict[str, Any]:
    """An error in OpenAI's shape."""
    return {"error": {"message": detail, "type": KINDS.get(status, "api_error"), "param": None, "code": None}}
