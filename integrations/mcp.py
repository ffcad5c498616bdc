"""MCP: five tools over the same core, for clients that plan with them. The only file that knows mcp.

Every tool gives an Answer as data, also one that declines or asks back; a client that can ask its person is let pick a reading.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Annotated, Any, TypeVar

import answerable
import anyio
from answerable.agent.again import again
from answerable.agent.answer import Answer
from answerable.agent.ask import Project
from answerable.agent.asked import Door, Event, new_id
from answerable.agent.describe import item
from answerable.context.errors import AnswerableError
from answerable.context.policy import Principal
from answerable.integrations.auth import Gatekeeper, NotLetIn, Proven, Unproven
from answerable.integrations.cataloguing import items
from answerable.integrations.live import Live
from answerable.integrations.queueing import Full
from answerable.integrations.working import Worker
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field, WithJsonSchema
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

MOST_ROWS = 200
LONGEST = 20_000
INSTRUCTIONS = """\
Answers questions about this company's data from definitions that its data team has endorsed. Ask in the person's own words first; never
state a number that no tool gave. A decline or a question back is an answer: tell it, and offer the options."""
READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
# Arguments are checked here and not by the library, whose errors repeat what was sent.
Text = Annotated[Any, WithJsonSchema({"type": "string"})]
Number = Annotated[Any, WithJsonSchema({"type": "integer"})]
Mapping = Annotated[Any, WithJsonSchema({"type": "object"})]
Who = Callable[["Context"], Principal]
T = TypeVar("T")


class Pick(BaseModel):
    """The reading that a person means."""

    number: int = Field(ge=1, le=9, description="The number of the reading")


def server(worker: Worker, who: Who) -> MCPServer:
    """The server: `who` tells for whom a call asks."""
    made = MCPServer("answerable", version=answerable.__version__, instructions=INSTRUCTIONS, log_level="ERROR")
    desk = _Desk(worker, who)
    for tool in (desk.ask, desk.catalog, desk.query, desk.sql, desk.explain):
        made.add_tool(
            tool, name=tool.__name__, description=" ".join((tool.__doc__ or "").split()), annotations=READS, structured_output=True
        )
    made.resource("answerable://metric/{name}", name="metric", mime_type="application/json")(desk.metric)
    made.prompt(name="ask", description="Ask the company's data")(_ask_prompt)
    made.prompt(name="check", description="Check a number against the definitions")(_check_prompt)
    return made


def _ask_prompt(question: str) -> str:
    return f"Answer this with the tool `ask`, and tell where the number comes from: {question}"


def _check_prompt(claim: str) -> str:
    return f"Check this claim with the tools `ask` and `explain`; say what differs and why: {claim}"


class _Desk:
    """What the tools do."""

    def __init__(self, worker: Worker, who: Who) -> None:
        self.worker, self.who = worker, who

    async def ask(self, ctx: Context, question: Text = None, thread: Text = None) -> dict[str, Any]:
        """Answer a question: the person's own words, whole. `thread`: any id, for follow-ups."""
        person, said = self.who(ctx), _text(question, "question")
        talk = _text(thread, "thread") if thread is not None else new_id().replace("a_", "m_")
        answer = await self._asked(ctx, person, said, talk)
        if answer.status == "clarify" and answer.options and (number := await _picked(ctx, answer)):
            answer = await self._asked(ctx, person, str(number), talk)
        return data(answer)

    async def catalog(self, ctx: Context, search: Text = "", kind: Text = None, limit: Number = 20) -> dict[str, Any]:
        """What may be asked about, with definitions. `kind`: metric, dimension or model."""
        person, said = self.who(ctx), _text(search, "search", empty=True)
        if kind not in (None, "metric", "dimension", "model") or not isinstance(limit, int) or not 1 <= limit <= 200:
            raise ToolError("kind is metric, dimension or model, and limit a number from 1 to 200.")
        found = await self._run(person, lambda project: items(project, person, said, kind)[:limit])
        return {"items": [each.model_dump(exclude_defaults=True) for each in found]}

    async def query(self, ctx: Context, plan: Mapping = None) -> dict[str, Any]:
        """Compute a plan in names from `catalog`, where `ask` does not read it: {"metrics": ["revenue"], "by": ["customer.region"],
        "where": ["status = 'paid'"], "window": {"start": "2025-01-01", "end": "2025-02-01"}, "order": ["-revenue"]}"""
        person = self.who(ctx)
        if not isinstance(plan, dict):
            raise ToolError("plan is an object with keys such as metrics, by, where and window.")
        return data(await self._run(person, lambda project: project.query(plan, user=person, door=Door("mcp"))))

    async def sql(self, ctx: Context, text: Text = None) -> dict[str, Any]:
        """SQL over models. Only if `query` can't express it: nobody has endorsed its measure."""
        person, said = self.who(ctx), _text(text, "text")
        return data(await self._run(person, lambda project: project.sql(said, user=person, door=Door("mcp"))))

    async def explain(self, ctx: Context, answer_id: Text = None) -> dict[str, Any]:
        """Where an answer came from: grounding, plan, SQL, definitions, and its rows again."""
        person, id = self.who(ctx), _text(answer_id, "answer_id")
        found = await self._run(person, lambda project: again(project, id, person))
        if found is None:
            raise ToolError("You have got no answer of this id.")
        return data(found)

    async def metric(self, name: str, ctx: Context) -> str:
        """One metric's definition."""
        person = self.who(ctx)

        def look(project: Project) -> dict[str, Any]:
            seen = project.sights.of(person).catalog
            found = seen.metrics.get(name)
            return item(found, seen) if found is not None and not found.hidden else {}

        return json.dumps(await self._run(person, look), default=str)

    async def _asked(self, ctx: Context, person: Principal, question: str, thread: str) -> Answer:
        """Ask, and tell the client each step as progress."""
        steps: list[str] = []
        loop = asyncio.get_running_loop()

        def watch(event: Event) -> None:
            steps.append(event.stage)
            asyncio.run_coroutine_threadsafe(ctx.report_progress(len(steps), None, event.stage), loop)

        return await self._run(person, lambda project: project.ask(question, user=person, thread=thread, watch=watch, door=Door("mcp")))

    async def _run(self, person: Principal, work: Callable[[Project], T]) -> T:
        try:
            return await self.worker.run(person.id or "", work)
        except Full as error:
            raise ToolError(f"Too many questions are waiting: come again in {error.seconds} s.") from None
        except AnswerableError as error:
            raise ToolError(str(error)) from None


def _text(said: Any, name: str, empty: bool = False) -> str:
    """An argument that is a text. Raises ToolError that repeats nothing of it."""
    if not isinstance(said, str) or len(said) > LONGEST or not (said.strip() or empty):
        raise ToolError(f"{name} is a text of at most {LONGEST:,} characters.")
    return said


async def _picked(ctx: Context, answer: Answer) -> int | None:
    """The reading that the person picks, where the client can ask; None where it can't, or nothing is picked."""
    can = ctx.client_capabilities
    if can is None or can.elicitation is None:
        return None
    said = " ".join(f"{n}. {option['reading']}: {option.get('shown', '')}." for n, option in enumerate(answer.options, 1))
    try:
        found = await ctx.elicit(f"{answer.text.split('?')[0]}? {said}", Pick)
    except Exception:  # a client that says it can and has no way back: the options are in the answer
        return None
    number = found.data.number if found.action == "accept" and found.data is not None else 0
    return number if 1 <= number <= len(answer.options) else None


def data(answer: Answer) -> dict[str, Any]:
    """An answer as data, with its first rows."""
    found = answer.model_dump(mode="json")
    if len(found["rows"]) > MOST_ROWS:
        found |= {"rows": found["rows"][:MOST_ROWS], "truncated": True}
    return found


class HttpDoor:
    """`/mcp` of an app, for whoever proves who they are; all else goes on. As middleware."""

    def __init__(self, app: ASGIApp, mcp: MCPServer, gate: Gatekeeper) -> None:
        security = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # nobody gets in without a key or a token
        self.app, self.gate = app, gate
        self.inner = mcp.streamable_http_app(stateless_http=True, json_response=False, transport_security=security)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].rstrip("/") != "/mcp":
            return await self.app(scope, receive, send)
        request = Request(scope)
        try:
            proven = await self._proven(request)
        except (Unproven, NotLetIn) as error:
            return await self._refused(request, error)(scope, receive, send)
        mark = _asking.set(proven.principal)
        try:
            await self.inner({**scope, "path": "/mcp", "raw_path": b"/mcp"}, receive, send)
        finally:
            _asking.reset(mark)

    async def _proven(self, request: Request) -> Proven:
        """Who asks. Raises Unproven, NotLetIn."""
        if known := self.gate.recently(request.headers):
            return known
        found = await asyncio.to_thread(self.gate.proven, request.headers, request.client.host if request.client else None)
        self.gate.remember(request.headers, found)
        return found

    def _refused(self, request: Request, error: Exception) -> Response:
        where = f"{request.url.scheme}://{request.url.netloc}/.well-known/oauth-protected-resource/mcp"
        if isinstance(error, NotLetIn):
            return Response("The project does not know whom this key or token names.", 403)
        return Response("Send a key or a token.", 401, {"www-authenticate": f'Bearer resource_metadata="{where}"'})


_asking: ContextVar[Principal] = ContextVar("asking")


def over_http(worker: Worker) -> MCPServer:
    """The server behind `HttpDoor`."""
    return server(worker, lambda ctx: _asking.get())


def on_stdio(live: Live, principal: Principal) -> None:
    """Serve one person over standard input and output until they close."""
    worker = Worker(live, 4)
    try:
        anyio.run(server(worker, lambda ctx: principal).run_stdio_async)
    finally:
        worker.close()
        live.close()
