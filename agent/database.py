"""The one database of a project's state: SQLite in a file, or PostgreSQL for more than one process. Migrations run once, in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from answerable.context.errors import AnswerableError

Migration = Callable[[sa.Connection], None]
LOCK = 0x616E7377
"""The advisory lock under which PostgreSQL is migrated: of processes that start together one does it."""


class DatabaseError(AnswerableError):
    """The database can't be opened. Holds none of its own words."""


class Database:
    """An engine over a file, or over a `postgresql://` URL."""

    def __init__(self, where: Path | str) -> None:
        """Raises DatabaseError."""
        self.file = where if isinstance(where, Path) else None
        try:
            if self.file is not None:
                self.file.parent.mkdir(parents=True, exist_ok=True)
                self.engine = sa.create_engine(f"sqlite:///{self.file}", connect_args={"timeout": 10})
                sa.event.listen(self.engine, "connect", _durable)
            else:
                self.engine = sa.create_engine(_of_psycopg(str(where)), pool_pre_ping=True, pool_size=20, max_overflow=20)
        except (sa.exc.SQLAlchemyError, OSError, ImportError):
            raise DatabaseError("The journal can not be opened.") from None

    def migrate(self, migrations: Sequence[Migration], name: str = "answerable_version") -> None:
        """Bring the database up to date; `name` is the table that counts on a server. Raises SQLAlchemy's errors."""
        with self.engine.begin() as connection:
            if self.file is not None:
                done = int(connection.exec_driver_sql("PRAGMA user_version").scalar() or 0)
            else:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
                connection.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS {name} (version integer NOT NULL)")
                done = int(connection.exec_driver_sql(f"SELECT coalesce(max(version), 0) FROM {name}").scalar() or 0)
            for migration in migrations[done:]:
                migration(connection)
            if done < len(migrations):
                connection.exec_driver_sql(
                    f"PRAGMA user_version = {len(migrations)}"
                    if self.file is not None
                    else f"INSERT INTO {name} VALUES ({len(migrations)})"
                )

    def check(self) -> None:
        """Raises OSError where the file was deleted meanwhile: it takes records that nobody can read."""
        if self.file is not None:
            self.file.stat()

    def close(self) -> None:
        self.engine.dispose()


def _of_psycopg(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in ("postgresql", "postgres") else url


def _durable(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten
    cursor.close()
