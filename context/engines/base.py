"""What every engine is: governed SQL in, rows out; closed against everything else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from answerable.context.query import GovernedSQL


@dataclass(frozen=True)
class Rows:
    """A result: its column names and types as the engine says them, at most the limit's rows, and whether there were more."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    truncated: bool = False


MOST_BYTES = 64 << 20
"""Of a result, about: what is larger is no answer that somebody reads."""


def weight(rows: list[tuple[Any, ...]]) -> int:
    """About how many bytes the texts of some rows take."""
    return sum(len(value) for row in rows for value in row if isinstance(value, (str, bytes)))


@dataclass(frozen=True)
class Site:
    """Where governed SQL runs: the dialect, and what stands before a table's name when it is written in full."""

    dialect: str
    database: str = ""
    schema: str = "main"
    serialize: Callable[[str], str] | None = field(default=None, compare=False, repr=False)
    """The engine's own parser over a connection that is open already: a text becomes its tree as JSON."""


DUCKDB = Site("duckdb")
"""Any DuckDB: tables keep the names that the project gives them."""


@dataclass(frozen=True)
class Right:
    """Something that the warehouse's role may do: `reads`, `writes`, `owns` of a table; `logs in`, or a power over the whole server."""

    role: str
    what: str
    table: str = ""


class Engine(Protocol):
    """A locked-down connection to one warehouse."""

    dialect: str
    site: Site

    def run(self, sql: GovernedSQL, rows: int | None = None) -> Rows:
        """Run it, for at most the limit's seconds. Raises EngineError, in our words."""
        ...

    def cancel(self, thread: int | None = None) -> None:
        """Stop what runs on this engine for one thread, or whatever runs."""
        ...

    def columns(self, table: str) -> dict[str, str] | None:
        """The columns of a table with their types, or None where there is no such table. For `check` and `init`, never for askers."""
        ...

    def tables(self) -> list[str]:
        """The tables as `schema.table`. For `init`."""
        ...

    def rights(self) -> list[Right]:
        """What the role that we log in with may do. For `check`; empty where an engine has no roles."""
        ...

    def stamp(self) -> str:
        """Something that changes when the data does, as far as the engine can tell cheaply."""
        ...

    def close(self) -> None: ...
