"""Attacks on the gate, and honest queries that must pass, played through `project.sql` with the player of their own folder.

The folder (its README has the shape) carries replay.py, which plays each line in two worlds that differ only in what its asker may not
see and judges what came back; here is the gate that it plays against, and what it found, counted.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import answerable
import yaml
from answerable.context.errors import UsageError
from answerable.evals import attacks_in_words
from answerable.evals.attacks_in_words import FINE, Outcome

READER = "answerable_reader"


class Refused(Exception):
    """The gate said no."""


def gate(folder: Path) -> Callable[[str, str | None], list[list[Any]]]:
    """A project folder as a function of SQL and asker, which gives rows or raises: what the player plays against."""
    _as_reader(folder)
    project = answerable.open(folder, run="eval")

    def ask(sql: str, asker: str | None) -> list[list[Any]]:
        answer = project.sql(sql, user=asker)
        if answer.status != "answered":
            raise Refused(answer.text)
        return [list(row) for row in answer.rows]

    return ask


def play(folder: Path, warehouse: str | None = None, only: str = "") -> Iterator[Outcome]:
    """All that a folder holds: its SQL, and without a `warehouse` of its own its questions too. Raises UsageError."""
    yield from sql(folder, warehouse, only)
    if warehouse is None and (folder / attacks_in_words.QUESTIONS).is_file():
        with tempfile.TemporaryDirectory() as work:
            yield from attacks_in_words.play(folder, Path(work), only)


def sql(folder: Path, warehouse: str | None = None, only: str = "") -> Iterator[Outcome]:
    """The outcomes of a folder's SQL lines, in the files' order; with `warehouse`, an administrator's URL, of those for PostgreSQL.

    Raises UsageError where the folder is not of that shape.
    """
    player = _player(folder)
    files = sorted(folder.glob("sql_*.jsonl"))
    dialects = ("postgres",) if warehouse else ("duckdb", "any")
    lines = [line for file in files for line in map(json.loads, file.read_text(encoding="utf-8").splitlines())]
    wanted = [line for line in lines if line["dialect"] in dialects and only in line["class"]]
    classes = {line["class"] for line in wanted}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            results = player.replay(f"{__name__}:{gate.__name__}", files, only=classes, pg=warehouse, quiet=True) if wanted else []
    except SystemExit as error:  # the player's way to say that the project does not open
        raise UsageError(f"The attacks could not be played: {error}.") from None
    found = {result["id"]: result for result in results}
    for line in wanted:
        result = found[line["id"]]
        yield Outcome(line["id"], line["class"], result["verdict"], "; ".join(map(str, result["why"])), result["seconds"])


def table(outcomes: Iterable[Outcome]) -> str:
    """Counts by class and verdict, as people read them."""
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        counts.setdefault(outcome.group, Counter())[outcome.verdict] += 1
    total: Counter[str] = sum(counts.values(), Counter())
    verdicts = [*FINE, *sorted(total.keys() - set(FINE))]
    rows = [*sorted(counts.items()), ("all", total)]
    head = f"{'class':<22}" + "".join(f"{verdict:>{len(verdict) + 3}}" for verdict in verdicts)
    return "\n".join([head, *(f"{name:<22}" + "".join(f"{row[v] or '':>{len(v) + 3}}" for v in verdicts) for name, row in rows)])


def _player(folder: Path) -> ModuleType:
    file = folder / "replay.py"
    spec = importlib.util.spec_from_file_location("replay", file) if file.is_file() else None
    if spec is None or spec.loader is None:
        raise UsageError(f"{folder} is no folder of attacks: it holds no replay.py. Its README tells the shape.")
    module = importlib.util.module_from_spec(spec)
    sys.modules["replay"] = module  # by this name its workers find it
    spec.loader.exec_module(module)
    return module


def _as_reader(folder: Path) -> None:
    """On PostgreSQL the player hands over an administrator's URL: make a role that may read the models' tables, and connect as that."""
    file = folder / "answerable.yml"
    url = str(yaml.safe_load(file.read_text(encoding="utf-8"))["warehouse"])
    if not url.startswith("postgresql:"):
        return
    import psycopg
    from psycopg import sql as text
    from psycopg.conninfo import conninfo_to_dict

    password = hashlib.sha256(url.encode()).hexdigest()[:24]
    tables = [yaml.safe_load(model.read_text(encoding="utf-8"))["table"].split(".") for model in (folder / "models").glob("*.yml")]
    role = text.Identifier(READER)
    with psycopg.connect(url, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [READER]).fetchone():
            connection.execute(text.SQL("CREATE ROLE {} LOGIN").format(role))
        connection.execute(text.SQL("ALTER ROLE {} PASSWORD {}").format(role, text.Literal(password)))
        for schema in {schema for schema, _ in tables}:
            connection.execute(text.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(text.Identifier(schema), role))
        for schema, name in tables:
            connection.execute(text.SQL("GRANT SELECT ON {} TO {}").format(text.Identifier(schema, name), role))
    settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    settings["warehouse"] = _with_user(url, READER, password, conninfo_to_dict(url))
    file.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")


def _with_user(url: str, user: str, password: str, parts: dict[str, Any]) -> str:
    from urllib.parse import quote, urlencode

    host, port, name = str(parts.get("host", "")), str(parts.get("port", "")), str(parts.get("dbname", ""))
    query = urlencode({"host": host, **({"port": port} if port else {})})
    return f"postgresql://{user}:{password}@/{quote(name)}?{query}"
