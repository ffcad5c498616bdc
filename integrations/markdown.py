"""An answer as Markdown, for chat screens: sentence, table, readings to pick from, a short footer. No text in it is a link or markup."""

from __future__ import annotations

import re
from typing import Any

from answerable.agent.answer import Answer
from answerable.agent.wording import cell
from answerable.context.query import Column

MOST_ROWS = 20
TRUST = {"verified": "Verified", "governed": "Governed", "endorsed_sql": "Endorsed SQL"}
_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+!|~@])")
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069]")
_LINK = re.compile(r"(?i)\b(https?|ftp|javascript|data|mailto):|\bwww\.")


def plain(text: str) -> str:
    """A text that shows as it is: no markup, no link, no mention, no line of its own."""
    said = _HIDDEN.sub("", " ".join(str(text).split()))
    said = _LINK.sub(lambda match: match[0].replace(":", "\u2236").replace(".", "\u2024"), said)
    return _MARKS.sub(r"\\\1", said)


def shown(answer: Answer, most: int = MOST_ROWS) -> str:
    """The whole answer."""
    parts = [plain(answer.text)]
    if answer.options:
        parts.append("\n".join(f"{n}. {plain(o['reading'])}: {plain(o.get('shown', ''))}" for n, o in enumerate(answer.options, 1)))
        parts.append("Reply with a number.")
    if answer.status == "answered" and answer.rows and (len(answer.rows) > 1 or len(answer.columns) > 1):
        parts.append(table(answer, most))
    parts.append(footer(answer))
    return "\n\n".join(part for part in parts if part)


def table(answer: Answer, most: int = MOST_ROWS) -> str:
    """The first rows, as people read them."""
    columns = [column_of(data) for data in answer.columns]
    lines = [[plain(c.label or c.name) for c in columns], ["---:" if c.kind == "metric" else "---" for c in columns]]
    lines += [[plain(said(value, c)) for value, c in zip(row, columns, strict=True)] for row in answer.rows[:most]]
    left = len(answer.rows) - most
    more = f"\n\n{left:,} more rows." if left > 0 else ""
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + more


def column_of(data: dict[str, Any]) -> Column:
    """A column as the formatter knows it."""
    kind = "metric" if "metric" in data else "dimension" if "dimension" in data else "row"
    return Column(data["name"], kind, data.get(kind, ""), data["type"], data["unit"], data.get("format"), data["label"])


def said(value: Any, column: Column) -> str:
    """A cell of an answer as people read it; what is written as a day stays one."""
    return cell(value, column) if not isinstance(value, (list, dict)) else str(value)


def footer(answer: Answer) -> str:
    """Trust, definitions, what is taken for granted, and the id by which the whole answer is there."""
    said = [f"**{TRUST[answer.trust]}**"] if answer.trust else []
    said += [f"{plain(d.get('label') or d['name'])}: {plain(d['description'])}" for d in answer.definitions[:3] if d.get("description")]
    said += [plain(line) for line in answer.assumptions[:4]]
    said.append(f"Answer {plain(answer.id)}".replace("\\_", "_"))
    return " · ".join(said)
