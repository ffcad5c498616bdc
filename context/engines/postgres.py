"""PostgreSQL: each question in a read-only transaction of its own, on a connection that nobody else has and that is reset after it."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from answerable.context.dialects import table_name
from answerable.context.engines.base import MOST_BYTES, Right, Rows, Site
from answerable.context.engines.link import Late, Link, Stopped
from answerable.context.engines.postgres_catalog import COLUMNS, RIGHTS, ROLE, STAMP, TABLES
from answerable.context.engines.postgres_errors import told, unreached
from answerable.context.errors import EngineError
from answerable.context.query import GovernedSQL
from answerable.context.settings import Limits
from psycopg import errors as pg
from psycopg import pq
from sqlglot import exp

GRACE = 0.5
"""Seconds that the server has to end a query by itself before we hang up."""
KEPT = 4
"""Connections that wait for the next question."""
_WITHIN = (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)


class PostgresEngine:
    """One database. The role's rights are the outer wall (`rights`), the read-only transaction the next; the gate is the inner one."""

    dialect = "postgres"

    def __init__(self, url: str, limits: Limits, timezone: str) -> None:
        self.limits = limits
        self._url = url  # may hold a password, so it's in no text of ours
        self._session = _session(limits, timezone)
        self._idle: list[Link] = []
        self._busy: dict[Link, int] = {}
        self._lock = threading.Lock()
        self._open = True
        database = self._asked("SELECT current_database()")[0][0]
        self.site = Site(self.dialect, database, "public")

    def run(self, sql: GovernedSQL, rows: int | None = None) -> Rows:
        most = min(rows or self.limits.rows, self.limits.rows)
        values = [_as_text(value) for value in sql.params.values()]
        with self._link(sql.sent) as link:
            columns, found = self._fetched(link, sql.text, values, most + 1)
            types = [link.adapters.types.get(column.type_code) for column in columns]
        names = tuple(column.name for column in columns)
        said = tuple(kind.regtype.upper() if kind else "TEXT" for kind in types)  # a type of the database's own is shown as text
        return Rows(names, said, found[:most], len(found) > most)

    def cancel(self, thread: int | None = None) -> None:
        """Stop what runs for one thread, or whatever runs."""
        with self._lock:
            for link, whose in self._busy.items():
                if thread in (None, whose):
                    link.stop()

    def columns(self, table: str) -> dict[str, str] | None:
        place = exp.to_table(table, dialect=self.dialect)
        return dict(self._asked(COLUMNS, place.db or self.site.schema, place.name)) or None

    def tables(self) -> list[str]:
        return [table_name(schema, name) for schema, name, readable in self._asked(TABLES) if readable]

    def rights(self) -> list[Right]:
        """What the role may do that a role for questions need not."""
        role, powers = self._asked(ROLE)[0]
        found = [Right(role, "logs in"), *(Right(role, power) for power in powers)]
        return found + [Right(role, right, table_name(schema, name)) for schema, name, held in self._asked(RIGHTS) for right in held]

    def stamp(self) -> str:
        return str(self._asked(STAMP)[0][0])

    def close(self) -> None:
        with self._lock:
            links, self._idle, self._open = self._idle, [], False
        for link in links:
            link.close()

    # -- connections ------------------------------------------------------------------------------------------------------------

    def _asked(self, text: str, *values: str) -> list[tuple[Any, ...]]:
        """The rows of a question of our own."""
        with self._link() as link:
            return [row for _, row in link.rows(text, list(values))]

    def _fetched(self, link: Link, text: str, values: list[Any], most: int) -> tuple[list[psycopg.Column], list[tuple[Any, ...]]]:
        columns: list[psycopg.Column] = []
        found: list[tuple[Any, ...]] = []
        size = 0
        with closing(link.rows(text, values)) as stream:
            for described, row in stream:
                columns = columns or described
                found.append(row)
                size += sum(len(value) for value in row if isinstance(value, (str, bytes, list)))
                if size > MOST_BYTES:
                    raise EngineError(f"The result is larger than {MOST_BYTES >> 20} MB. Ask for fewer columns, or for a summary.", "size")
                if len(found) == most:
                    break
        return (columns if found else link.columns(text, values)), found

    @contextmanager
    def _link(self, sent: bool = False) -> Iterator[Link]:
        """A connection within a transaction, for one question. Raises EngineError, in our words."""
        link: Link | None = None
        try:
            link = self._begun()
            with self._lock:
                self._busy[link] = threading.get_ident()
            yield link
        except Late:
            raise self._late() from None
        except Stopped:
            raise EngineError("The warehouse was told to stop. Nothing is wrong with the question.", "timeout") from None
        except pg.QueryCanceled:
            raise self._late() from None
        except psycopg.Error as error:
            # The server's own words quote values, so only the kind of its error leaves.
            raise told(error, sent) from None
        finally:
            if link:
                self._released(link)

    def _begun(self) -> Link:
        while True:
            with self._lock:
                link = self._idle.pop() if self._idle else None
            if link is None:
                break
            try:
                return self._begin(link)
            except psycopg.OperationalError:  # the server went away while it waited
                link.close()
        return self._begin(self._connected())

    def _begin(self, link: Link) -> Link:
        link.deadline = time.monotonic() + self.limits.seconds + GRACE
        link.execute(self._session)
        return link

    def _connected(self) -> Link:
        try:
            return Link.to(self._url)
        except psycopg.Error as error:
            raise unreached(self._url, error) from None

    def _released(self, link: Link) -> None:
        """Keep a connection for the next question, with nothing left of this one; or close it."""
        with self._lock:
            self._busy.pop(link, None)
        kept = False
        try:
            if link.info.transaction_status in _WITHIN:
                link.stopped, link.deadline = False, time.monotonic() + GRACE
                link.execute("ROLLBACK")
                link.execute("DISCARD ALL")
                with self._lock:
                    if kept := self._open and len(self._idle) < KEPT:
                        self._idle.append(link)
        except (psycopg.Error, Late):
            pass  # the answer is there; only the connection is not kept
        finally:
            if not kept:
                link.close()

    def _late(self) -> EngineError:
        what = f"did not finish within {self.limits.seconds:g} seconds, so the query was cancelled"
        return EngineError(f"The warehouse {what}. Nothing is wrong with the question.", "timeout")


def _session(limits: Limits, timezone: str) -> str:
    """What each transaction begins with: said anew every time, so that nothing of the question before counts."""
    milliseconds = max(int(limits.seconds * 1000), 1)
    settings = {
        "search_path": "pg_catalog, pg_temp",
        "statement_timeout": str(milliseconds),
        "lock_timeout": str(milliseconds),
        "idle_in_transaction_session_timeout": str(milliseconds + 60_000),
        "TimeZone": f"'{timezone}'",  # a zone that zoneinfo knows: checked at load
        "standard_conforming_strings": "on",  # or a backslash would end a text elsewhere than the gate's parser reads it
        "transform_null_equals": "off",
        "row_security": "on",
        "DateStyle": "ISO",
        "IntervalStyle": "postgres",
        "bytea_output": "hex",
        "extra_float_digits": "1",
    }
    return "BEGIN READ ONLY; " + "; ".join(f"SET LOCAL {name} = {value}" for name, value in settings.items())


def _as_text(value: Any) -> Any:
    """A parameter as text, so that its type is that of its place in the query."""
    if isinstance(value, (list, tuple)):
        return [_as_text(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, dt.date) else str(value)
