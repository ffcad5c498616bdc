"""DuckDB, opened read-only, with no way out to files or the network, and locked so that no statement can change that."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

import duckdb
from answerable.context.engines.apart import Apart
from answerable.context.engines.base import MOST_BYTES, Right, Rows, Site, weight
from answerable.context.errors import EngineError
from answerable.context.query import GovernedSQL
from answerable.context.recheck import SERIALIZE
from answerable.context.settings import Limits

_open: dict[tuple[str, ...], tuple[duckdb.DuckDBPyConnection, int]] = {}
"""Databases that are open in this process, with how many engines use each: DuckDB lets a locked one be opened only once."""
_opening = threading.Lock()


class DuckDBEngine:
    """One database file. A fresh cursor per query, so that nothing is shared between people."""

    dialect = "duckdb"

    def __init__(self, file: Path, limits: Limits, timezone: str, alone: bool = False) -> None:
        """`alone` in a process of its own, where what somebody sent may run."""
        if not file.is_file():
            raise EngineError(
                f"The warehouse file {file.name} is not there. Build or copy it, or mend `warehouse` in answerable.yml.", "missing"
            )
        self.file, self.limits = file, limits
        stat = file.stat()
        self.key = (str(file.resolve()), str(stat.st_ino), str(limits), timezone)
        self.apart = None if alone else Apart(file, limits, timezone)
        with _opening:
            connection, users = _open.get(self.key) or (_locked_down(file, limits, timezone), 0)
            _open[self.key] = connection, users + 1
        self.connection = connection
        database = connection.cursor().execute("SELECT current_database()").fetchone()
        self.site = Site(self.dialect, database[0] if database else "", serialize=self._serialized)
        self.running: dict[duckdb.DuckDBPyConnection, int] = {}

    def run(self, sql: GovernedSQL, rows: int | None = None) -> Rows:
        if sql.sent and self.apart:
            return self.apart.run(sql, rows)
        most = min(rows or self.limits.rows, self.limits.rows)
        cursor = self.connection.cursor()
        self.running[cursor] = threading.get_ident()
        late = threading.Event()

        def stop() -> None:
            late.set()
            cursor.interrupt()

        timer = threading.Timer(self.limits.seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            cursor.execute(sql.text, sql.params or None)
            found = _fetched(cursor, most + 1)
            described = cursor.description or []
        except (duckdb.InterruptException, RuntimeError):  # the second from a Ctrl-C
            what = (
                f"did not finish within {self.limits.seconds:g} seconds, so the query was cancelled"
                if late.is_set()
                else "was told to stop"
            )
            raise EngineError(f"The warehouse {what}. Nothing is wrong with the question.", "timeout") from None
        except duckdb.OutOfMemoryException:
            raise EngineError(f"The query needs more memory than the limit of {self.limits.memory}.", "memory") from None
        except duckdb.Error as error:
            if sql.sent and (fault := _AT_FAULT.get(type(error))):
                raise EngineError(f"The warehouse can not run this SQL: {fault}.", "query") from None
            # The engine's own words quote values, so only the kind of its error leaves.
            raise EngineError(f"The warehouse refused the query ({type(error).__name__}).", "failed") from None
        finally:
            timer.cancel()
            self.running.pop(cursor, None)
            cursor.close()
        return Rows(tuple(d[0] for d in described), tuple(str(d[1]) for d in described), found[:most], len(found) > most)

    def _serialized(self, text: str) -> str:
        found = self.connection.cursor().execute(SERIALIZE, [text]).fetchone()
        return str(found[0]) if found else "{}"

    def cancel(self, thread: int | None = None) -> None:
        """Stop what runs for one thread, or whatever runs."""
        for cursor, whose in list(self.running.items()):
            if thread in (None, whose):
                cursor.interrupt()
        if self.apart:
            self.apart.cancel(thread)

    def columns(self, table: str) -> dict[str, str] | None:
        parts = table.split(".")
        schema, name = (parts[-2] if len(parts) > 1 else "main"), parts[-1]
        query = "select column_name, data_type from duckdb_columns() where schema_name = ? and table_name = ? order by column_index"
        found = self.connection.cursor().execute(query, [schema, name]).fetchall()
        return dict(found) or None

    def tables(self) -> list[str]:
        query = "select schema_name || '.' || table_name from duckdb_tables() where not internal order by all"
        return [row[0] for row in self.connection.cursor().execute(query).fetchall()]

    def rights(self) -> list[Right]:
        return []

    def stamp(self) -> str:
        stat = self.file.stat()
        return f"{stat.st_mtime_ns}-{stat.st_size}"

    def close(self) -> None:
        if self.apart:
            self.apart.close()
        with _opening:
            connection, users = _open[self.key]
            if users > 1:
                _open[self.key] = connection, users - 1
            else:
                del _open[self.key]
                connection.close()


_AT_FAULT: dict[type[duckdb.Error], str] = {
    duckdb.BinderException: "a name, a type or an argument in it does not fit",
    duckdb.ConversionException: "a value can not be converted; try_cast gives null for such a value",
    duckdb.OutOfRangeException: "a number in it gets too large",
    duckdb.InvalidInputException: "a function in it does not take such a value",
    duckdb.InvalidTypeException: "a type in it does not fit",
    duckdb.TypeMismatchException: "a type in it does not fit",
}
"""What the SQL itself is to blame for, in words that quote nothing."""


def _fetched(cursor: duckdb.DuckDBPyConnection, most: int) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    size = 0
    while len(found) < most and (more := cursor.fetchmany(min(256, most - len(found)))):
        found += more
        size += weight(more)
        if size > MOST_BYTES:
            raise EngineError(f"The result is larger than {MOST_BYTES >> 20} MB. Ask for fewer columns, or for a summary.", "size")
    return found


def _locked_down(file: Path, limits: Limits, timezone: str) -> duckdb.DuckDBPyConnection:
    """A connection that reads this file and nothing else. Raises EngineError.

    Persistent secrets and the host's Python variables (replacement scans) are out of reach too; the lock comes last.
    """
    config: dict[str, Any] = {
        "autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "allow_community_extensions": "false",
        "allow_persistent_secrets": "false", "python_enable_replacements": "false",
    }  # fmt: skip
    try:
        connection = duckdb.connect(str(file), read_only=True, config=config)
        connection.execute(f"SET memory_limit = '{limits.memory}'")
        connection.execute(f"SET max_temp_directory_size = '{limits.memory}'")
        if limits.threads:
            connection.execute(f"SET threads = {limits.threads}")
        with contextlib.suppress(duckdb.CatalogException):  # beside our own timer, which is the first; older ones don't have it
            connection.execute(f"SET GLOBAL max_execution_time = {int(limits.seconds * 1000) + 200}")
        connection.execute(f"SET GLOBAL TimeZone = '{timezone}'")  # for all cursors; a zone that zoneinfo knows: checked at load
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise EngineError(
                "Another process is writing to the warehouse file and holds its lock. Try again when it is done.", "locked"
            ) from None
        raise EngineError(f"The warehouse file {file.name} can not be read as a DuckDB database.", "unreachable") from None
    except duckdb.Error:
        raise EngineError(
            f"The warehouse file {file.name} can not be opened: it is damaged, or no DuckDB database.", "unreachable"
        ) from None
    return connection
