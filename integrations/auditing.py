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


def export(journal: Journal, user: str) -> None:
    """All that is kept of one person, as JSON lines: each record whole, with what they said of its answer."""
    for record in journal.between(user, None, None):
        said = [verdict for verdict in journal.judged(record["id"]) if verdict["principal"] == user]
        say_json({**record, "verdicts": said})


def erase(journal: Journal, user: str) -> None:
    """Take away what one person asked and got. Hashes of certificates stay, so that the others' still hang together."""
    taken = journal.erase(user)
    say(f"{taken} {'record' if taken == 1 else 'records'} of {printable(user)} erased.")


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
