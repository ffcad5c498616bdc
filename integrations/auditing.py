"""`audit` on the command line: who asked what, by which door, what came of it, and which policy lines decided."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

from answerable.agent.journal import Journal
from answerable.context.errors import UsageError
from answerable.integrations.printing import printable, say, say_json

KEPT = ("id", "at", "principal", "groups", "audience", "surface", "run", "thread", "question", "plan", "status", "kind", "trust",
        "models", "policies", "sql", "catalogue")  # fmt: skip


def audit(journal: Journal, user: str | None, since: dt.date | None, until: dt.date | None, as_json: bool) -> None:
    """Print the records of one user, or of everybody, between two days, both included."""
    if since and until and until < since:
        raise UsageError(f"--until {until} is before --since {since}.")
    found = journal.between(user, since, until)
    if as_json:
        for record in found:
            say_json({key: record[key] for key in KEPT})
        return
    for record in found:
        _print(record)
    people = len({record["principal"] for record in found})
    say(f"{len(found)} questions of {people} {'person' if people == 1 else 'people'}")


def _print(record: dict[str, Any]) -> None:
    who, door = record["principal"] or "nobody", record["surface"] + (f" ({record['run']})" if record["run"] else "")
    readers = f" before {', '.join(record['audience']) or 'everyone'}" if record["audience"] is not None else ""
    asked = record["question"] or json.dumps(record["plan"], ensure_ascii=False)
    say(printable(f"{record['at'][:19].replace('T', ' ')}  {who}{readers}  {door}  {record['status']}  {record['id']}"))
    say(printable(f"    {asked}"))
    _list("models", [", ".join(record["models"] or ())])
    _list("policy", record["policies"])


def _list(name: str, lines: Iterable[str]) -> None:
    for line in lines:
        if line:
            say(printable(f"    {name:<8} {line}"))
