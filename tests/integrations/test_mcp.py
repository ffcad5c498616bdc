"""The five tools, with the official client: in process, over standard input and output, and over HTTP."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from answerable.agent.ask import Project
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from served import ANA, FINN, Api

QUESTIONS = ["revenue by region last month", "sales last month", "churn last month", "what is revenue", "hello"]
OWN = ("id", "thread", "timings", "certificate")


Use = Callable[[Client], Awaitable[Any]]


@asynccontextmanager
async def over_http(api: Api, key: str, **more: Any) -> AsyncIterator[Client]:
    http = httpx2.AsyncClient(headers={"authorization": f"Bearer {key}"}, timeout=30)
    async with http, Client(streamable_http_client(f"{api.url}/mcp", http_client=http), **more) as client:
        yield client


def played(api: Api, use: Use, user: str = FINN, **more: Any) -> Any:
    """What a client over HTTP gets."""

    async def work() -> Any:
        async with over_http(api, api.key(user), **more) as client:
            return await use(client)

    return anyio.run(work)


def alike(answer: Any) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in OWN}


async def tool(client: Client, name: str, **arguments: Any) -> Any:
    result = await client.call_tool(name, arguments)
    return result.structured_content if not result.is_error else str(result.content)


def test_the_tools_are_few_and_short(api: Api) -> None:
    async def use(client: Client) -> Any:
        return (await client.list_tools()).tools

    tools = played(api, use)
    assert [each.name for each in tools] == ["ask", "catalog", "query", "sql", "explain"]
    assert all(each.annotations.read_only_hint for each in tools)
    said = json.dumps([each.model_dump(mode="json", exclude_none=True, by_alias=True) for each in tools], separators=(",", ":"))
    assert len(said.encode()) <= 2500


def test_tools_give_the_answers_that_python_gives(api: Api, project: Project) -> None:
    async def use(client: Client) -> Any:
        return [await tool(client, "ask", question=question) for question in QUESTIONS]

    for question, answer in zip(QUESTIONS, played(api, use), strict=True):
        assert alike(answer) == alike(project.ask(question, user=FINN).model_dump(mode="json"))
        with api.served.worker.live.project() as live:
            assert (live.journal.get(answer["id"]) or {})["surface"] == "mcp"


def test_plans_sql_threads_and_explanations(api: Api) -> None:
    async def use(client: Client) -> Any:
        planned = await tool(client, "query", plan={"metrics": ["orders"], "window": {"start": "2026-02-01", "end": "2026-03-01"}})
        written = await tool(client, "sql", text="select count(*) as n from orders")
        await tool(client, "ask", question="revenue last month", thread="t")
        follows = await tool(client, "ask", question="by region", thread="t")
        explained = await tool(client, "explain", answer_id=follows["id"])
        found = await tool(client, "catalog", search="money taken", kind="metric", limit=2)
        return planned, written, follows, explained, found

    planned, written, follows, explained, found = played(api, use)
    assert (planned["status"], written["trust"], follows["plan"]["by"]) == ("answered", "endorsed_sql", ["customer.region"])
    assert (explained["id"], explained["sql"], explained["rows"]) == (follows["id"], follows["sql"], follows["rows"])
    assert len(found["items"]) == 2


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_clients_of_both_eras(api: Api, mode: str) -> None:
    async def use(client: Client) -> Any:
        return (await tool(client, "ask", question="gross margin last month"))["status"]

    assert played(api, use, ANA, mode=mode) == "denied"
    assert played(api, use, FINN, mode=mode) == "answered"


def test_steps_come_as_progress(api: Api) -> None:
    seen: list[str | None] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append(message)

    async def use(client: Client) -> None:
        await client.call_tool("ask", {"question": "revenue last month"}, progress_callback=progress)

    played(api, use)
    assert seen[:2] == ["ground", "plan"]


def test_a_client_that_can_ask_its_person_picks(api: Api) -> None:
    from mcp_types import ElicitResult

    async def second(*_: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"number": 2})

    async def use(client: Client) -> Any:
        return await tool(client, "ask", question="sales last month")

    asked = played(api, use)
    picked = played(api, use, elicitation_callback=second)
    assert asked["status"] == "clarify"
    assert picked["status"] == "clarify" or picked["plan"] == asked["options"][1]["plan"]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ask", {"question": {"canary": 1}}), ("ask", {}), ("ask", {"question": "x" * 30_000}), ("query", {"plan": "canary"}),
        ("query", {"plan": {"canary": 1}}), ("sql", {"text": "select 'canary' from nowhere"}), ("explain", {"answer_id": "a_canary"}),
        ("catalog", {"limit": "canary"}), ("ask", {"question": "x", "thread": {"canary": 1}}),
    ],
)  # fmt: skip
def test_what_is_not_of_its_form_is_told_and_not_repeated(api: Api, name: str, arguments: dict[str, Any]) -> None:
    async def use(client: Client) -> Any:
        return await client.call_tool(name, arguments)

    result = played(api, use)
    said = str(result.content) if result.is_error else str({k: v for k, v in result.structured_content.items() if k != "question"})
    assert "canary" not in said or (name, arguments) == ("query", {"plan": {"canary": 1}})  # a plan's key is named with its mend


def test_without_proof_there_is_no_tool(api: Api) -> None:
    reply = httpx2.post(f"{api.url}/mcp", json={})
    assert reply.status_code == 401
    assert "/.well-known/oauth-protected-resource/mcp" in reply.headers["www-authenticate"]
    assert httpx2.post(f"{api.url}/mcp/", json={}, headers={"authorization": "Bearer ak_x_y"}).status_code == 401
    said = httpx2.get(f"{api.url}/.well-known/oauth-protected-resource/mcp").json()
    assert said["resource"] == f"{api.url}/mcp"


def test_standard_input_and_output_are_one_persons(demo: Path, tmp_path: Path) -> None:
    words = ["-m", "answerable", "mcp", "--project", str(demo), "--state", str(tmp_path), "--as", ANA]

    async def use() -> Any:
        server = StdioServerParameters(command=sys.executable, args=words, env={**os.environ})
        async with Client(stdio_client(server)) as client:
            return await tool(client, "ask", question="revenue last month"), await tool(client, "ask", question="gross margin last month")

    revenue, margin = anyio.run(use)
    assert (revenue["status"], margin["status"]) == ("answered", "denied")
