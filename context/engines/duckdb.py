"""DuckDB, opened read-only, with no way out to files or the network, and locked so that no statement can change that."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import duckdb
from answerable.context.engines.base import Rows, Site
from answerable.context.errors import EngineError
from answerable.context.query import GovernedSQL
from answerable.context.settings import Limits

_open: dict[tuple[str, ...], tuple[duckdb.DuckDBPyConnection, int]] = {}
"""Databases that are open in this process, with how many engines use each: DuckDB lets a locked one be opened only once."""
_opening = threading.Lock()


class DuckDBEngine:
    """One database file. A fresh cursor per query, so that nothing is shared between people."""

    dialect = "duckdb"

    def __init__(self, file: Path, limits: Limits, timezone: str) -> None:
        if not file.is_file():
            raise EngineError(
                f"The warehouse file {file.name} is not there. Build or copy it, or mend `warehouse` in answerable.yml.", "missing"
            )
        self.file, self.limits = file, limits
        stat = file.stat()
        self.key = (str(file.resolve()), str(stat.st_ino), limits.memory, timezone)
        with _opening:
            connection, users = _open.get(self.key) or (_locked_down(file, limits.memory, timezone), 0)
            _open[self.key] = connection, users + 1
        self.connection = connection
        database = connection.cursor().execute("SELECT current_database()").fetchone()
        self.site = Site(self.dialect, database[0] if database else "")
        self.running: set[duckdb.DuckDBPyConnection] = set()

    def run(self, sql: GovernedSQL, rows: int | None = None) -> Rows:
        most = min(rows or self.limits.rows, self.limits.rows)
        cursor = self.connection.cursor()
        self.running.add(cursor)
        late = threading.Event()

        def stop() -> None:
            late.set()
            cursor.interrupt()

        timer = threading.Timer(self.limits.seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            cursor.execute(sql.text, sql.params or None)
            found = cursor.fetchmany(most + 1)
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
            # The engine's own words quote values, so only the kind of its error leaves.
            raise EngineError(f"The warehouse refused the query ({type(error).__name__}).", "failed") from None
        finally:
            timer.cancel()
            self.running.discard(cursor)
            cursor.close()
        return Rows(tuple(d[0] for d in described), tuple(str(d[1]) for d in described), found[:most], len(found) > most)

    def cancel(self) -> None:
        """Stop whatever runs on this engine."""
        for cursor in list(self.running):
            cursor.interrupt()

    def columns(self, table: str) -> dict[str, str] | None:
        parts = table.split(".")
        schema, name = (parts[-2] if len(parts) > 1 else "main"), parts[-1]
        query = "select column_name, data_type from duckdb_columns() where schema_name = ? and table_name = ? order by column_index"
        found = self.connection.cursor().execute(query, [schema, name]).fetchall()
        return dict(found) or None

    def tables(self) -> list[str]:
        query = "select schema_name || '.' || table_name from duckdb_tables() where not internal order by all"
        return [row[0] for row in self.connection.cursor().execute(query).fetchall()]

    def stamp(self) -> str:
        stat = self.file.stat()
        return f"{stat.st_mtime_ns}-{stat.st_size}"

    def close(self) -> None:
        with _opening:
            connection, users = _open[self.key]
            if users > 1:
                _open[self.key] = connection, users - 1
            else:
                del _open[self.key]
                connection.close()


def _locked_down(file: Path, memory: str, timezone: str) -> duckdb.DuckDBPyConnection:
    """A connection that reads this file and nothing else. Raises EngineError.

    Persistent secrets and the host's Python variables (replacement scans) are out of reach too; the lock comes last.
    """
    config: dict[str, Any] = {
        "autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "allow_community_extensions": "false",
        "allow_persistent_secrets": "false", "python_enable_replacements": "false",
    }  # fmt: skip
    try:
        connection = duckdb.connect(str(file), read_only=True, config=config)
        connection.execute(f"SET memory_limit = '{memory}'")
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
