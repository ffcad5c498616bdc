"""Chat screens and the official clients, by changing the base URL alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from answerable.integrations.markdown import plain
from served import ANA, FINN, Api


def client(api: Api, key: str, **headers: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{api.url}/v1", api_key=key, default_headers=headers, max_retries=0)


@pytest.fixture
def finn(api: Api) -> Iterator[openai.OpenAI]:
    with client(api, api.key(FINN)) as found:
        yield found


def said(*texts: str) -> Any:
    return [{"role": "user" if n % 2 == 0 else "assistant", "content": text} for n, text in enumerate(texts)]


def recorded(api: Api, id: str) -> dict[str, Any] | None:
    with api.served.worker.live.project() as project:
        return project.journal.get(id)


def test_the_completion_is_the_answer(api: Api, finn: openai.OpenAI) -> None:
    assert [model.id for model in finn.models.list()] == ["answerable"]
    reply = finn.chat.completions.create(model="answerable", messages=said("revenue by region last month"))
    text = reply.choices[0].message.content or ""
    assert "| Region | Revenue |" in text
    assert "**Governed**" in text or "**Verified**" in text
    record = recorded(api, reply.id)
    assert record is not None and (record["surface"], record["question"]) == ("openai", "revenue by region last month")
    assert reply.usage is not None and reply.usage.total_tokens == 0


def test_a_stream_says_the_same_under_one_id(finn: openai.OpenAI) -> None:
    whole = finn.chat.completions.create(model="answerable", messages=said("revenue by region last month"))
    stream = finn.chat.completions.create(
        model="answerable", messages=said("revenue by region last month"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert len({chunk.id for chunk in chunks}) == 1
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.replace(chunks[0].id, whole.id) == whole.choices[0].message.content
    assert chunks[-1].usage is not None and chunks[-2].choices[0].finish_reason == "stop"


def test_a_question_back_and_a_refusal_are_answers(finn: openai.OpenAI) -> None:
    asked = finn.chat.completions.create(model="answerable", messages=said("sales last month")).choices[0].message.content or ""
    assert "1. " in asked and "2. " in asked
    refused = finn.chat.completions.create(model="answerable", messages=said("churn last month")).choices[0].message.content or ""
    assert "“Churn” has no endorsed definition" in refused


def test_a_chat_is_a_thread_and_what_assistants_said_is_no_fact(finn: openai.OpenAI) -> None:
    finn.chat.completions.create(model="answerable", messages=said("revenue of gold customers in February 2026"))
    reply = finn.chat.completions.create(
        model="answerable", messages=said("revenue of gold customers in February 2026", "Revenue was €1.", "by channel")
    )
    assert "Channel" in (reply.choices[0].message.content or "") or "channel" in (reply.choices[0].message.content or "")
    assert "€1." not in (reply.choices[0].message.content or "")


TITLE = "### Task:\nGenerate a concise, 3-5 word title summarizing the chat history.\nJSON format: {\"title\": \"...\"}\n### Chat History:\nUSER: revenue last month"  # fmt: skip  # noqa: E501


def test_what_a_chat_screen_wants_for_itself_is_no_question(api: Api, finn: openai.OpenAI) -> None:
    reply = finn.chat.completions.create(model="answerable", messages=said(TITLE))
    assert json.loads(reply.choices[0].message.content or "")["title"]
    assert recorded(api, reply.id) is None
    tags = TITLE.replace("title", "tags")
    assert json.loads(finn.chat.completions.create(model="m", messages=said(tags)).choices[0].message.content or "") == {"tags": []}


def test_errors_have_the_shape_that_clients_know(api: Api, finn: openai.OpenAI) -> None:
    with client(api, "ak_none_of_these") as nobody, pytest.raises(openai.AuthenticationError):
        nobody.chat.completions.create(model="answerable", messages=said("revenue"))
    with client(api, api.key("gone@alder.example")) as gone, pytest.raises(openai.PermissionDeniedError):
        gone.models.list()
    with pytest.raises(openai.UnprocessableEntityError) as error:
        finn.chat.completions.create(model="answerable", messages=said("revenue"), extra_body={"thread": "can ary"})
    assert "canary" not in str(error.value)


def test_only_a_marked_key_asks_for_others(api: Api) -> None:
    forwarded = {"X-OpenWebUI-User-Email": ANA}
    asked = said("gross margin last month")
    with client(api, api.key(FINN), **forwarded) as plain_key:
        reply = plain_key.chat.completions.create(model="answerable", messages=asked)
        assert (recorded(api, reply.id) or {})["principal"] == FINN
    with client(api, api.key(FINN, delegates=True), **forwarded) as marked:
        reply = marked.chat.completions.create(model="answerable", messages=asked)
        record = recorded(api, reply.id) or {}
        assert (record["principal"], record["status"]) == (ANA, "denied")
    stranger = {"X-OpenWebUI-User-Email": "stranger@elsewhere.example"}
    with client(api, api.key(FINN, delegates=True), **stranger) as unknown, pytest.raises(openai.PermissionDeniedError):
        unknown.chat.completions.create(model="answerable", messages=asked)


def test_a_request_that_the_client_repeats_is_asked_once(api: Api) -> None:
    body = {"model": "answerable", "messages": said("orders last month")}
    with api.of() as plain_client:
        first = plain_client.post("/v1/chat/completions", json=body)
        again = plain_client.post("/v1/chat/completions", json=body, headers={"x-stainless-retry-count": "1"})
        anew = plain_client.post("/v1/chat/completions", json=body)
    assert again.json()["id"] == first.json()["id"] != anew.json()["id"]


def test_langchain_reads_it_too(api: Api) -> None:
    from langchain_openai import ChatOpenAI

    chat = ChatOpenAI(model="answerable", base_url=f"{api.url}/v1", api_key=api.key(FINN), max_retries=0)  # type: ignore[arg-type]
    message = chat.invoke("revenue last month")
    assert "Revenue was" in str(message.content)
    assert recorded(api, message.response_metadata["id"]) is not None
    assert "Revenue was" in "".join(str(chunk.content) for chunk in chat.stream("revenue last month"))


@pytest.mark.parametrize(
    "text",
    ["[x](http://evil.example)", "![i](//e/p.png)", "<!channel>", "<img src=x>", "a|b\n| c", "https://evil.example", "`x`", "\x1b]8;;"],
)  # fmt: skip
def test_no_cell_is_markup(text: str) -> None:
    shown = plain(text)
    assert "://" not in shown.replace("\u2236//", "") and "\n" not in shown and "\x1b" not in shown
    for sign in "[<|`!":
        assert all(shown[i - 1] == "\\" for i, c in enumerate(shown) if c == sign)
