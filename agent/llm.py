"""The wire to a language model: any endpoint that speaks OpenAI's chat completions. The only file that knows langchain.

The raw message is read, never the client's parser, and one deadline holds whatever the endpoint does: the client's own retries sleep
through every timeout, so they are off.
"""

from __future__ import annotations

import json
import queue
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import openai
from answerable.agent.model.exchange import Call, Reply, Request, Unavailable
from answerable.context.settings import LanguageModel
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI
from langsmith.run_helpers import tracing_context

RETRIES = 3
FIRST_PAUSE = 0.2
"""Seconds before the first retry; each next pause is twice as long, or what the endpoint asks for."""
OUT_OF_TIME = "it did not answer in time"


class Endpoint:
    """Sends requests to one model. Safe to share between threads."""

    def __init__(self, model: LanguageModel, sleep: Callable[[float], None] = time.sleep) -> None:
        self.model, self.sleep = model, sleep
        self.trust = ssl.create_default_context()

    def __call__(self, request: Request, until: float) -> Reply:
        """The reply, after as many retries as fit in before `until`. Raises Unavailable."""
        pause = FIRST_PAUSE
        for retry in range(RETRIES + 1):
            left = until - time.monotonic()
            if left <= 0:
                break
            try:
                return self._within(request, left)
            except openai.APIStatusError as error:
                asked = _retry_after(error)
                busy = error.status_code in (408, 409, 429) or error.status_code >= 500
                pause = max(pause, asked)
                if not busy or retry == RETRIES or pause >= until - time.monotonic():
                    raise Unavailable(_refused(error.status_code), form=error.status_code in (400, 404, 422)) from None
            except openai.APITimeoutError:
                raise Unavailable(OUT_OF_TIME) from None
            except openai.APIConnectionError:
                if retry == RETRIES or pause >= until - time.monotonic():
                    raise Unavailable("it can not be reached") from None
            self.sleep(pause)
            pause *= 2
        raise Unavailable(OUT_OF_TIME)

    def _within(self, request: Request, seconds: float) -> Reply:
        """One exchange on a thread of its own, which is left alone with a closed connection when the time is over."""
        client = openai.DefaultHttpxClient(verify=self.trust)
        came: queue.SimpleQueue[Reply | Exception] = queue.SimpleQueue()
        threading.Thread(target=lambda: came.put(self._tried(request, seconds, client)), daemon=True).start()
        try:
            found = came.get(timeout=seconds)
        except queue.Empty:
            raise Unavailable(OUT_OF_TIME) from None
        finally:
            client.close()
        if isinstance(found, Exception):
            raise found
        return found

    def _tried(self, request: Request, seconds: float, client: Any) -> Reply | Exception:
        try:
            return self._once(request, seconds, client)
        except (openai.APIStatusError, openai.APIConnectionError, Unavailable) as error:
            return error
        except openai.LengthFinishReasonError as error:
            usage = error.completion.usage
            text = error.completion.choices[0].message.content or ""
            return Reply(text, finish="length", read=usage.prompt_tokens if usage else 0, written=usage.completion_tokens if usage else 0)
        except Exception:  # the client trips over replies that are none in many ways: no choices, a web page, an error with status 200
            return Unavailable("its reply has not the shape of OpenAI's chat completions")

    def _once(self, request: Request, seconds: float, client: Any) -> Reply:
        chat = ChatOpenAI(
            model=self.model.name, base_url=self.model.base_url, api_key=lambda: self.model.key or "none", http_client=client,
            max_retries=0, timeout=seconds, use_responses_api=False,
        )  # fmt: skip
        with tracing_context(enabled=False):  # nothing leaves but to the endpoint, whatever the environment says
            message = chat.bind(**request.form).invoke([dict(m) for m in request.messages])
        assert isinstance(message, AIMessage)
        return _reply(message)


def _reply(message: AIMessage) -> Reply:
    calls = [Call(c["name"], json.dumps(c["args"], ensure_ascii=False), c.get("id") or "") for c in message.tool_calls]
    calls += [Call(c.get("name") or "", c.get("args") or "", c.get("id") or "") for c in message.invalid_tool_calls]
    usage = message.usage_metadata
    return Reply(
        text=message.text, calls=tuple(calls), finish=message.response_metadata.get("finish_reason") or "",
        refusal=message.additional_kwargs.get("refusal") or "",
        read=usage["input_tokens"] if usage else 0, written=usage["output_tokens"] if usage else 0,
    )  # fmt: skip


def _retry_after(error: openai.APIStatusError) -> float:
    """The seconds that the endpoint asks to wait; a date, or nothing, is none."""
    try:
        return max(0.0, float(error.response.headers.get("retry-after", 0)))
    except ValueError:
        return 0.0


def _refused(status: int) -> str:
    if status in (401, 403):
        return f"it does not take the key ({status})"
    if status == 429:
        return "it is too busy (429)"
    return f"it failed ({status})" if status >= 500 else f"it refused the request ({status})"
