"""Every question of every interface with its outcome: written before an answer is handed out. By SQLAlchemy Core."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from answerable.agent.database import Database, DatabaseError, Migration
from answerable.context.errors import AnswerableError

metadata = sa.MetaData()
records = sa.Table(
    "records", metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("at", sa.String, nullable=False, index=True),
    sa.Column("surface", sa.String, nullable=False),
    sa.Column("run", sa.String),
    sa.Column("principal", sa.String),
    sa.Column("groups", sa.JSON, nullable=False),
    sa.Column("audience", sa.JSON),
    sa.Column("thread", sa.String, index=True),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("trust", sa.String),
    sa.Column("text", sa.Text),
    sa.Column("gaps", sa.JSON, nullable=False),
    sa.Column("grounding", sa.JSON, nullable=False),
    sa.Column("plan", sa.JSON),
    sa.Column("sql", sa.Text),
    sa.Column("policies", sa.JSON, nullable=False),
    sa.Column("timings", sa.JSON, nullable=False),
    sa.Column("catalogue", sa.String, nullable=False),
    sa.Column("certificate", sa.JSON),
    sa.Column("models", sa.JSON),
    sa.Column("options", sa.JSON),
    sa.Column("usage", sa.JSON),
    sa.Column("seq", sa.BigInteger, sa.Sequence("records_seq")),
)  # fmt: skip

verdicts = sa.Table(
    "verdicts", metadata,
    sa.Column("answer", sa.String, primary_key=True),
    sa.Column("principal", sa.String, primary_key=True),
    sa.Column("verdict", sa.String, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("at", sa.String, nullable=False),
)  # fmt: skip
"""What people say of answers; the last word of each stays."""


def _m001_records(connection: sa.Connection) -> None:
    metadata.create_all(connection)


def _m002_models(connection: sa.Connection) -> None:
    """A journal that is made anew has them from the start."""
    if "models" not in {column["name"] for column in sa.inspect(connection).get_columns("records")}:
        connection.execute(sa.text("ALTER TABLE records ADD COLUMN models JSON"))


def _m003_options(connection: sa.Connection) -> None:
    """What was offered to pick from: each reading in words with its plan."""
    if "options" not in {column["name"] for column in sa.inspect(connection).get_columns("records")}:
        connection.execute(sa.text("ALTER TABLE records ADD COLUMN options JSON"))


def _m004_usage(connection: sa.Connection) -> None:
    """What a language model used: requests, tokens, cost."""
    if "usage" not in {column["name"] for column in sa.inspect(connection).get_columns("records")}:
        connection.execute(sa.text("ALTER TABLE records ADD COLUMN usage JSON"))


def _m005_order(connection: sa.Connection) -> None:
    """The order of writing where rows have no number of their own (PostgreSQL)."""
    if "seq" not in {column["name"] for column in sa.inspect(connection).get_columns("records")}:
        connection.execute(sa.text("ALTER TABLE records ADD COLUMN seq BIGINT"))


def _m006_verdicts(connection: sa.Connection) -> None:
    verdicts.create(connection, checkfirst=True)


MIGRATIONS: list[Migration] = [_m001_records, _m002_models, _m003_options, _m004_usage, _m005_order, _m006_verdicts]
"""Each is run once, in order; a new one is added at the end and an old one is never changed."""


ERASED = "erased"
"""The run of a record of which only its place is left."""
EMPTY: dict[str, Any] = {
    "run": ERASED, "principal": None, "groups": [], "audience": None, "thread": None, "question": "", "text": None, "gaps": [],
    "grounding": [], "plan": None, "sql": None, "policies": [], "timings": {}, "models": None, "options": None, "usage": None,
}  # fmt: skip


class JournalError(AnswerableError):
    """The journal can't be written, so there is no answer."""


class Journal:
    """The records of one project."""

    def __init__(self, where: Path | str) -> None:
        """`where` is a file, or the URL of a PostgreSQL database. Raises JournalError."""
        try:
            self.database = Database(where)
            self.database.migrate(MIGRATIONS)
        except (sa.exc.SQLAlchemyError, OSError, DatabaseError):
            mend = (
                "Give a writable folder with --state DIR."
                if isinstance(where, Path)
                else "Is the server there, and may its role make tables?"
            )
            raise JournalError(f"The journal can not be opened, and no question is answered without a record. {mend}") from None
        self.engine = self.database.engine
        self.order = (records.c.at, sa.text("rowid") if self.database.file is not None else records.c.seq)

    def write(self, record: dict[str, Any]) -> None:
        """Write one record; when this returns it survives a crash. Raises JournalError."""
        try:
            with self.engine.begin() as connection:
                connection.execute(records.insert(), record)
            self.database.check()
        except (sa.exc.SQLAlchemyError, OSError):
            raise JournalError(
                "The journal could not be written, so there is no answer. Is the disk full, or the folder read-only?"
            ) from None

    def get(self, id: str) -> dict[str, Any] | None:
        with self.engine.connect() as connection:
            row = connection.execute(records.select().where(records.c.id == id)).mappings().first()
        return dict(row) if row else None

    def thread(self, thread: str, principal: str | None) -> list[dict[str, Any]]:
        """The records of one person's thread, oldest first."""
        mine = records.c.principal.is_(None) if principal is None else records.c.principal == principal
        query = records.select().where(records.c.thread == thread, mine).order_by(*self.order)
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def since(self, moment: dt.datetime | None = None) -> list[dict[str, Any]]:
        """What people asked, oldest first; runs of eval, replay and tests are not people."""
        query = records.select().where(records.c.run.is_(None)).order_by(records.c.at)
        if moment:
            query = query.where(records.c.at >= moment.isoformat())
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def between(self, principal: str | None, since: dt.date | None, until: dt.date | None) -> list[dict[str, Any]]:
        """All records, oldest first: of one person, or of everybody; from one day to another, both included."""
        query = records.select().order_by(*self.order)
        if principal is not None:
            query = query.where(records.c.principal == principal)
        if since:
            query = query.where(records.c.at >= since.isoformat())
        if until:
            query = query.where(records.c.at < (until + dt.timedelta(days=1)).isoformat())
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def threads(self, principal: str | None, limit: int, before: str | None = None) -> list[dict[str, Any]]:
        """One person's threads, the last used first: id, how many questions, the last of them and when."""
        mine = (records.c.thread.is_not(None), records.c.principal == principal, records.c.run.is_(None))
        last = sa.func.max(records.c.at)
        query = (
            sa.select(records.c.thread, sa.func.count(), last).where(*mine).group_by(records.c.thread).order_by(last.desc()).limit(limit)
        )
        if before:
            query = query.having(last < before)
        with self.engine.connect() as connection:
            found = connection.execute(query).all()
        said = {thread: self.thread(thread, principal)[-1]["question"] for thread, *_ in found}
        return [{"thread": thread, "questions": n, "last": said[thread], "at": at} for thread, n, at in found]

    def judge(self, answer: str, principal: str | None, verdict: str, reason: str | None, at: dt.datetime) -> bool:
        """Keep what somebody says of an answer that they got; False where they got none of this id."""
        record = self.get(answer)
        if record is None or principal is None or record["principal"] != principal:
            return False
        mine = (verdicts.c.answer == answer, verdicts.c.principal == principal)
        with self.engine.begin() as connection:
            connection.execute(verdicts.delete().where(*mine))
            said = {"answer": answer, "principal": principal, "verdict": verdict, "reason": reason, "at": at.isoformat()}
            connection.execute(verdicts.insert().values(**said))
        return True

    def judged(self, answer: str) -> list[dict[str, Any]]:
        """What people said of an answer."""
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(verdicts.select().where(verdicts.c.answer == answer)).mappings()]

    def erase(self, principal: str) -> int:
        """Take away what one person asked, got and said of it. How many records."""
        with self.engine.begin() as connection:
            connection.execute(verdicts.delete().where(verdicts.c.principal == principal))
            return self._emptied(connection, records.c.principal == principal)

    def expire(self, before: dt.datetime) -> int:
        """Take away what was asked before a moment. How many records."""
        old = records.c.at < before.isoformat()
        with self.engine.begin() as connection:
            connection.execute(verdicts.delete().where(verdicts.c.at < before.isoformat()))
            return self._emptied(connection, old & (records.c.run.is_(None) | (records.c.run != ERASED)))

    def _emptied(self, connection: sa.Connection, which: sa.ColumnElement[bool]) -> int:
        """Leave of some records their ids and the hashes by which the certificates hang together, and nothing else."""
        found = connection.execute(sa.select(records.c.id, records.c.certificate).where(which)).all()
        for id, certificate in found:
            chain = {"chain": certificate["chain"]} if certificate else None
            connection.execute(records.update().where(records.c.id == id).values(**EMPTY, certificate=chain))
        return len(found)

    def spent(self, day: dt.date, principal: str | None = None, everybody: bool = True) -> tuple[int, float]:
        """The tokens and the cost of language models since the start of a day: of everybody, or of one person."""
        usage = records.c.usage
        tokens = sa.func.sum(usage["read"].as_integer() + usage["written"].as_integer())
        query = sa.select(tokens, sa.func.sum(usage["cost"].as_float())).where(records.c.at >= day.isoformat())
        if not everybody:
            query = query.where(records.c.principal.is_(None) if principal is None else records.c.principal == principal)
        with self.engine.connect() as connection:
            used, cost = connection.execute(query).one()
        return int(used or 0), float(cost or 0)

    def close(self) -> None:
        self.database.close()


def dumped(value: Any) -> Any:
    """Data that JSON can hold."""
    return json.loads(json.dumps(value, default=str))
