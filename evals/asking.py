"""A file of questions with what a right system must do, asked one by one, each thread by itself."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from answerable.agent.answer import Answer
from answerable.agent.ask import Project
from answerable.context.errors import UsageError


def read(file: Path) -> list[dict[str, Any]]:
    """The lines of a questions file. Raises UsageError that names the line that is none."""
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except ValueError:
            raise UsageError(f"{file}:{number} is not JSON. A questions file has one JSON object a line.") from None
        if not isinstance(data, dict) or not isinstance(data.get("question"), str):
            raise UsageError(f"{file}:{number} has no question.")
        if not _is_day(data.get("today")):
            raise UsageError(f"{file}:{number} has a today that is no day; write it as 2026-03-31.")
        found.append({"id": str(number), **data})
    return found


def _is_day(text: Any) -> bool:
    try:
        return not text or bool(dt.date.fromisoformat(text))
    except (ValueError, TypeError):
        return False


def ask_all(project: Project, lines: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Answer]]:
    """Each line with its answer, in order. `history` is asked first, in the same thread."""
    for line in lines:
        today = dt.date.fromisoformat(line["today"]) if line.get("today") else None
        thread = f"eval-{line['id']}" if line.get("history") else None
        try:
            for earlier in line.get("history") or ():
                project.ask(earlier, user=line.get("as"), thread=thread, today=today)
            yield line, project.ask(line["question"], user=line.get("as"), thread=thread, today=today)
        except UsageError as error:
            yield line, Answer(status="error", question=line["question"], text=str(error))
