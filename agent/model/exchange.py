"""What goes to a language model and what comes back, as plain data; kept in a file that a person can read, and played from one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from answerable.context.errors import UsageError


@dataclass(frozen=True)
class Request:
    """Messages in OpenAI's shape, and `form`: what keeps the reply to its form (`response_format`, or `tools` with `tool_choice`)."""

    messages: tuple[dict[str, Any], ...]
    form: dict[str, Any]


@dataclass(frozen=True)
class Call:
    """A tool that the model calls. `arguments` is the text as it came."""

    name: str
    arguments: str
    id: str = ""


@dataclass(frozen=True)
class Reply:
    """A raw reply. `read` and `written` are tokens, as the endpoint counts them."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    finish: str = ""
    refusal: str = ""
    read: int = 0
    written: int = 0


class Unavailable(Exception):
    """The endpoint gave no reply: `says` why, in words of this program alone. `form`: it may be the request's form that it refused."""

    def __init__(self, says: str, form: bool = False) -> None:
        self.says, self.form = says, form
        super().__init__(says)


Send = Callable[[Request, float], Reply]
"""Sends a request before a moment of `time.monotonic()`. Raises Unavailable."""


def file_of(folder: Path, question: str) -> Path:
    """Where the exchange of a question is kept: its first words, and a hash of all."""
    words = "-".join("".join(c if c.isalnum() else " " for c in question.lower()).split()[:8])[:60]
    return folder / f"{words or 'question'}-{hashlib.sha256(question.encode()).hexdigest()[:8]}.json"


def recorded(send: Send, file: Path) -> Send:
    """A `send` that keeps each request with what came of it, also where nothing came."""
    kept: list[dict[str, Any]] = []

    def keep(request: Request, until: float) -> Reply:
        kept.append({"request": asdict(request)})
        try:
            reply = send(request, until)
            kept[-1]["reply"] = asdict(reply)
        except Unavailable as error:
            kept[-1]["unavailable"] = error.says
            raise
        finally:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return reply

    return keep


def replayed(file: Path) -> Send:
    """A `send` that gives the replies of a kept exchange in their order, whatever is sent. Raises UsageError where there is none."""
    try:
        exchanges = iter(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise UsageError(f"{file} is no kept exchange. `--record` writes one.") from None

    def play(request: Request, until: float) -> Reply:
        kept = next(exchanges, None)
        if kept is None or "reply" not in kept:
            raise Unavailable((kept or {}).get("unavailable", "the kept exchange ends here"))
        reply = kept["reply"]
        return Reply(**{**reply, "calls": tuple(Call(**call) for call in reply["calls"])})

    return play
