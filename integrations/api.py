"""The chat API: a question, a plan or SQL in, an Answer out, for whoever has proven who they are."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

import answerable
from answerable.agent.again import again
from answerable.agent.answer import Answer
from answerable.agent.ask import Project
from answerable.agent.asked import Event
from answerable.context.errors import AnswerableError, UsageError
from answerable.context.policy import Principal
from answerable.integrations import charts, problems, results
from answerable.integrations.auth import Gatekeeper, NotLetIn, Proven, Unproven
from answerable.integrations.cataloguing import Item, items
from answerable.integrations.doors import Doors
from answerable.integrations.problems import Trouble, responses
from answerable.integrations.queueing import Full
from answerable.integrations.telemetry import Telemetry
from answerable.integrations.working import Left, Worker
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response, Security
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.types import ASGIApp, Receive, Scope, Send

Shape = Callable[[int, str], dict[str, Any]]
Within = Callable[[], AbstractAsyncContextManager[Any]]
LONGEST_BODY = 1_000_000
"""Bytes of a request."""
Text = Annotated[str, Field(min_length=1, max_length=20_000)]
ID = Annotated[str, Field(pattern=r"^[\w.:-]{1,100}$")]


def _written(value: Any) -> Any:
    """A day is text: no number stands for one."""
    if value is not None and not isinstance(value, str):
        raise ValueError("a day is written as 2026-03-31")
    return value


Day = Annotated[dt.date, BeforeValidator(_written)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Question(_Body):
    """A question in words."""

    question: Text = Field(examples=["revenue by region last month"])
    thread: ID | None = Field(default=None, description="The thread that it belongs to, for follow-ups.")
    today: Day | None = Field(default=None, description="The day that time words count from.")


class PlanBody(_Body):
    """A plan: metrics, by, where, having, window, compare, order, limit."""

    plan: dict[str, Any] = Field(examples=[{"metrics": ["revenue"], "by": ["customer.region"]}])


class SqlBody(_Body):
    """SQL over models or their tables."""

    sql: Text = Field(examples=["select status, count(*) as n from orders group by status"])


class Feedback(_Body):
    """What somebody says of an answer that they got."""

    answer: ID
    verdict: Literal["right", "wrong"]
    reason: str | None = Field(default=None, max_length=2000)


class Thread(BaseModel):
    """One person's thread, by its last question."""

    thread: str
    questions: int
    last: str
    at: str


@dataclass
class Served:
    """What the routes share."""

    worker: Worker
    doors: Doors
    gate: Gatekeeper
    clock: Callable[[], dt.datetime]
    telemetry: Telemetry


def create(served: Served, *more: APIRouter, errors: Mapping[str, Shape] | None = None, runs: Within | None = None) -> FastAPI:
    """The app. `more` are the routes of other doors, `errors` how those under some paths tell a status and a sentence, `runs` what has
    to run while it does."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with runs() if runs else nullcontext():
            yield
        served.worker.close()
        served.worker.live.close()
        served.doors.close()

    app = FastAPI(
        title="answerable", version=answerable.__version__, lifespan=lifespan, redoc_url=None,
        telemetry={"logs": False},  # they would hold what was sent
        description="Answers from definitions that the data team has endorsed. Every Answer is 200, also one that declines, "
        "denies or asks back; `error` is 500. Errors are `application/problem+json`. With an `Idempotency-Key` a question, a plan or SQL "
        "is answered once: the same key and body give the same reply for a day, the same key and another body 422.",
    )  # fmt: skip
    problems.handle(app, errors or {})

    app.add_middleware(Bounded)
    app.state.served = served
    for routes in (asking, answers, catalogue, state, *more):
        app.include_router(routes)
    return app


class Bounded:
    """Refuses bodies that are too long, or don't say how long they are, before anything of them is read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = {name: value for name, value in scope["headers"] if name in (b"content-length", b"transfer-encoding")}
            said = headers.get(b"content-length", b"0")
            if not said.isdigit() or int(said) > LONGEST_BODY or b"transfer-encoding" in headers:
                refusal = problems.problem(413, f"A request has at most {LONGEST_BODY:,} bytes, and says how many.")
                return await refusal(scope, receive, send)
        await self.app(scope, receive, send)


bearer = HTTPBearer(auto_error=False, description="A key (`answerable keys create`) or a token of the project's issuer.")


async def asker(request: Request, _: Annotated[Any, Security(bearer)] = None) -> Proven:
    """Who asks: a key or a token as a bearer."""
    served: Served = request.app.state.served
    if known := served.gate.recently(request.headers):
        return known
    try:
        found = await asyncio.to_thread(served.gate.proven, request.headers, request.client.host if request.client else None)
    except Unproven:
        raise Trouble(401, "Send a key or a token: Authorization: Bearer …", www_authenticate="Bearer") from None
    except NotLetIn:
        raise Trouble(403, "The project does not know whom this key or token names.") from None
    served.gate.remember(request.headers, found)
    return found


Who = Annotated[Proven, Depends(asker)]
Key = Annotated[str | None, Header(max_length=200, include_in_schema=False)]
asking = APIRouter(tags=["asking"])
answers = APIRouter(tags=["answers"])
catalogue = APIRouter(tags=["catalogue"])
state = APIRouter(tags=["state"])


# -- asking -----------------------------------------------------------------------------------------------------------------------------


_ASKING = responses(401, 403, 409, 413, 422, 429)


@asking.post("/v1/ask", response_model=Answer, responses={200: {"content": {"text/event-stream": {}}}, **_ASKING})
async def ask(body: Question, request: Request, who: Who, idempotency_key: Key = None) -> Response:
    """Answer a question. With `Accept: text/event-stream` the steps come as events, then the answer."""
    if "text/event-stream" in request.headers.get("accept", ""):
        return StreamingResponse(_streamed(request, who, body), media_type="text/event-stream")
    return await _once(request, who, idempotency_key, body, lambda p: _asked(p, body, who))


@asking.post("/v1/query", response_model=Answer, responses=_ASKING)
async def query(body: PlanBody, request: Request, who: Who, idempotency_key: Key = None) -> Response:
    """Answer a plan."""
    return await _once(request, who, idempotency_key, body, lambda p: p.query(body.plan, user=who.principal))


@asking.post("/v1/sql", response_model=Answer, responses=_ASKING)
async def sql(body: SqlBody, request: Request, who: Who, idempotency_key: Key = None) -> Response:
    """Answer SQL over models or their tables, through the gate."""
    return await _once(request, who, idempotency_key, body, lambda p: p.sql(body.sql, user=who.principal))


def _asked(project: Project, body: Question, who: Proven, **more: Any) -> Answer:
    return project.ask(body.question, user=who.principal, thread=body.thread, today=body.today, **more)


async def run(request: Request, who: Proven, work: Callable[[Project], Any]) -> Any:
    """Work in its turn on a thread. Raises Trouble."""
    served: Served = request.app.state.served
    try:
        return await served.worker.run(who.principal.id or "", work, request.is_disconnected)
    except Full as error:
        raise Trouble(429, "Too many questions are waiting.", retry_after=str(error.seconds)) from None
    except Left:
        raise Trouble(500, "Whoever asked has gone.") from None
    except UsageError as error:
        raise Trouble(422, str(error)) from None
    except AnswerableError as error:
        raise Trouble(500, str(error)) from None


def reply(answer: Answer, **headers: str) -> Response:
    status = 500 if answer.status == "error" else 200
    return Response(answer.model_dump_json(), status, {"x-answer-id": answer.id, **headers}, "application/json")


async def _once(request: Request, who: Proven, key: str | None, body: BaseModel, work: Callable[[Project], Answer]) -> Response:
    """The reply; where a key was sent before with the same body, the one that it got then."""
    if key is None:
        return reply(await run(request, who, work))
    served: Served = request.app.state.served
    mark = hashlib.sha256(f"{who.principal.id}\0{key}".encode()).hexdigest()
    digest = hashlib.sha256(f"{request.url.path}\0{body.model_dump_json()}".encode()).hexdigest()
    if not served.doors.begin_reply(mark, digest, served.clock()):
        before, said = served.doors.replied(mark) or ("", None)
        if before != digest:
            raise Trouble(422, "This Idempotency-Key came before with another body.")
        if said is None:
            raise Trouble(409, "The request with this Idempotency-Key is at work.", retry_after="1")
        return Response(said, 200, {"idempotent-replayed": "true"}, "application/json")
    kept = None
    try:
        answer: Answer = await run(request, who, work)
        kept = answer.model_dump_json() if answer.status != "error" else None
    finally:
        served.doors.end_reply(mark, kept)
    return reply(answer)


async def _streamed(request: Request, who: Proven, body: Question) -> AsyncIterator[str]:
    """Server-sent events: a comment at once, each step, then the answer or a problem."""
    served: Served = request.app.state.served
    yield ": answerable\n\n"
    try:
        steps = served.worker.watched(who.principal.id or "", lambda p, watch: _asked(p, body, who, watch=watch), request.is_disconnected)
        async for step in steps:
            if step is None:
                continue
            name, data = ("step", asdict(step)) if isinstance(step, Event) else ("answer", step.model_dump(mode="json"))
            yield f"event: {name}\ndata: {json.dumps(data)}\n\n"
    except Full as error:
        yield f"event: problem\ndata: {json.dumps({'status': 429, 'detail': f'Come again in {error.seconds} s.'})}\n\n"
    except Left:
        return
    except AnswerableError as error:
        yield f"event: problem\ndata: {json.dumps({'status': 500, 'detail': str(error)})}\n\n"


# -- what was answered ------------------------------------------------------------------------------------------------------------------


_ROWS: dict[int | str, dict[str, Any]] = {
    200: {"content": {media: {} for media in ("text/csv", "application/x-ndjson", "application/vnd.apache.arrow.stream")}},
    **responses(401, 403, 404, 422, 429),
}
_CHARTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/svg+xml": {}, "image/png": {}}}, **responses(401, 403, 404, 422, 429),
}  # fmt: skip


async def _own(id: str, request: Request, who: Proven) -> Answer:
    found: Answer | None = await run(request, who, lambda p: again(p, id, who.principal))
    if found is None:
        raise Trouble(404, "You have got no answer of this id.")
    return found


@answers.get("/v1/answers/{id}", response_model=Answer, responses=responses(401, 403, 404, 422, 429))
async def answer(id: ID, request: Request, who: Who) -> Response:
    """An answer that you got, with its rows computed again."""
    return reply(await _own(id, request, who))


@answers.get("/v1/answers/{id}/rows", responses=_ROWS, response_class=Response)
async def rows(
    id: ID,
    request: Request,
    who: Who,
    format: Literal["csv", "json", "arrow"] = "csv",
) -> Response:
    """The rows of an answer: CSV, JSON lines, or an Arrow stream."""
    found = await _own(id, request, who)
    if found.status != "answered":
        raise Trouble(404, "This answer has no rows.")
    return Response(results.WRITERS[format](found), media_type=results.MEDIA[format])


@answers.get("/v1/answers/{id}/chart.{kind}", responses=_CHARTS, response_class=Response)
async def chart(id: ID, kind: Literal["svg", "png"], request: Request, who: Who) -> Response:
    """The chart of an answer as a picture."""
    found = await _own(id, request, who)
    if found.chart is None:
        raise Trouble(404, "This answer has no chart.")
    drawn = await run(request, who, lambda _: charts.drawn(found, kind))
    return Response(drawn, media_type=results.MEDIA[kind])


@answers.post("/v1/feedback", status_code=204, responses=responses(401, 403, 404, 413, 422, 429))
async def feedback(body: Feedback, request: Request, who: Who) -> None:
    """Say that an answer that you got is right, or wrong and why."""
    kept = await run(request, who, lambda p: p.journal.judge(body.answer, who.principal.id, body.verdict, body.reason, p.clock()))
    if not kept:
        raise Trouble(404, "You have got no answer of this id.")


@answers.get("/v1/threads", response_model=list[Thread], responses=responses(401, 403, 422, 429))
async def threads(
    request: Request, who: Who,
    limit: Annotated[int, Query(ge=1, le=200)] = 50, before: Annotated[str | None, Query(max_length=40)] = None,
) -> Any:  # fmt: skip
    """Your threads, the last first; `before` is the `at` of the last one of the page before."""
    return await run(request, who, lambda p: p.journal.threads(who.principal.id, limit, before))


@answers.post("/v1/threads", status_code=201, responses=responses(401, 403, 422))
async def thread(who: Who) -> dict[str, str]:
    """A new thread's id."""
    return {"thread": f"t_{secrets.token_hex(8)}"}


@catalogue.get("/v1/catalog", response_model=list[Item], responses=responses(401, 403, 422, 429))
async def catalog(
    request: Request, who: Who,
    search: Annotated[str, Query(max_length=500)] = "", kind: Literal["metric", "model", "dimension"] | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50, offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> Any:  # fmt: skip
    """What you may ask about."""
    return await run(request, who, lambda p: items(p, who.principal, search, kind)[offset : offset + limit])


@catalogue.get("/v1/gaps", responses=responses(401, 403, 422, 429))
async def gaps(
    request: Request, who: Who, days: Annotated[int, Query(ge=1, le=366)] = 30,
) -> dict[str, Any]:  # fmt: skip
    """The words that your own questions lacked; everybody's, for the groups that `identity.team` names."""
    return dict(await run(request, who, lambda p: _gaps(p, who.principal, days)))


def _gaps(project: Project, asker: Principal, days: int) -> dict[str, Any]:
    from answerable.evals.gaps import report

    records = project.journal.since(project.clock() - dt.timedelta(days=days))
    team = bool(asker.groups & {*project.catalog.settings.identity.team})
    return asdict(report([r for r in records if team or r["principal"] == asker.id]))


# -- the state of the door --------------------------------------------------------------------------------------------------------------


@state.get("/healthz")
async def healthz() -> dict[str, str]:
    """Whether the process is there."""
    return {"status": "ok"}


@state.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Counters and times, for Prometheus: no question, and nobody's name."""
    served: Served = request.app.state.served
    return Response(served.telemetry.page(), media_type="text/plain; version=0.0.4; charset=utf-8")


@state.get("/readyz", responses=responses(503))
async def readyz(request: Request) -> Response:
    """Whether questions can be answered, and which files are served."""
    live = request.app.state.served.worker.live
    with live.project() as project:
        said = {"status": "ready", "catalogue": project.catalog.version, "fault": live.fault}
        try:
            project.engine.stamp()
            project.journal.thread("", None)
        except Exception:
            return problems.problem(503, "The warehouse or the journal can not be reached.")
    return JSONResponse(said)
