"""What the network doors keep: keys (their hashes), what was seen already, and replies that may be asked for again."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from answerable.agent.database import Database, Migration
from answerable.context.errors import AnswerableError, UsageError

metadata = sa.MetaData()
keys = sa.Table(
    "door_keys", metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("user", sa.String, nullable=False),
    sa.Column("delegates", sa.Boolean, nullable=False),
    sa.Column("created", sa.String, nullable=False),
    sa.Column("expires", sa.String),
    sa.Column("revoked", sa.String),
    sa.Column("used", sa.String),
)  # fmt: skip
seen = sa.Table(
    "door_seen", metadata,
    sa.Column("what", sa.String, primary_key=True),
    sa.Column("at", sa.String, nullable=False, index=True),
)  # fmt: skip
replies = sa.Table(
    "door_replies", metadata,
    sa.Column("mark", sa.String, primary_key=True),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("body", sa.Text),
    sa.Column("at", sa.String, nullable=False, index=True),
)  # fmt: skip
MIGRATIONS: list[Migration] = [metadata.create_all]
KEPT = dt.timedelta(hours=24)
"""How long what was seen and what was replied is known."""


@dataclass(frozen=True)
class Key:
    """An API key as it's kept: never the secret itself. `delegates`: it may say for whom it asks."""

    id: str
    user: str
    delegates: bool
    created: str
    expires: str | None
    revoked: str | None
    used: str | None


class Doors:
    """The shared store: a file beside the journal, or the journal's PostgreSQL."""

    def __init__(self, where: Path | str) -> None:
        """Raises UsageError where it can't be opened."""
        try:
            self.database = Database(where)
            self.database.migrate(MIGRATIONS, "answerable_doors_version")
        except (sa.exc.SQLAlchemyError, OSError, AnswerableError):
            raise UsageError("The doors' store can not be opened. Give a writable folder with --state DIR, or mend journal:.") from None
        self.engine = self.database.engine

    # -- keys -------------------------------------------------------------------------------------------------------------------

    def create_key(self, user: str, now: dt.datetime, days: int | None = None, delegates: bool = False) -> str:
        """A new key for a user: shown this once, kept as a hash."""
        id, secret = secrets.token_hex(5), secrets.token_urlsafe(32)
        row = {
            "id": id, "digest": _digest(secret), "user": user, "delegates": delegates, "created": now.isoformat(),
            "expires": (now + dt.timedelta(days=days)).isoformat() if days else None,
        }  # fmt: skip
        with self.engine.begin() as connection:
            connection.execute(keys.insert().values(**row))
        return f"ak_{id}_{secret}"

    def key(self, text: str, now: dt.datetime) -> Key | None:
        """The key that a text is, if it is one that holds now; the time is the same for one that is not."""
        kind, _, rest = text.partition("_")
        id, _, secret = rest.partition("_")
        if kind != "ak":
            return None
        with self.engine.begin() as connection:
            row = connection.execute(keys.select().where(keys.c.id == id)).mappings().first()
            if not hmac.compare_digest(row["digest"] if row else _digest(""), _digest(secret)) or row is None:
                return None
            found = Key(**{name: value for name, value in row.items() if name != "digest"})
            if found.revoked or (found.expires and dt.datetime.fromisoformat(found.expires) <= now):
                return None
            connection.execute(keys.update().where(keys.c.id == id).values(used=now.date().isoformat()))
        return found

    def all_keys(self) -> list[Key]:
        with self.engine.connect() as connection:
            rows = connection.execute(keys.select().order_by(keys.c.created)).mappings()
            return [Key(**{name: value for name, value in row.items() if name != "digest"}) for row in rows]

    def revoke_key(self, id: str, now: dt.datetime) -> bool:
        """Whether there was such a key."""
        with self.engine.begin() as connection:
            return connection.execute(keys.update().where(keys.c.id == id).values(revoked=now.isoformat())).rowcount > 0

    # -- once -------------------------------------------------------------------------------------------------------------------

    def is_first(self, now: dt.datetime, *marks: str) -> bool:
        """Whether nothing with one of these marks was seen in the last day, by any process; from now on it was."""
        try:
            with self.engine.begin() as connection:
                connection.execute(seen.delete().where(seen.c.at < (now - KEPT).isoformat()))
                connection.execute(seen.insert(), [{"what": mark, "at": now.isoformat()} for mark in dict.fromkeys(marks)])
        except sa.exc.IntegrityError:
            return False
        return True

    def replied(self, mark: str) -> tuple[str, str | None] | None:
        """The digest of a request that was made before under this mark, and its reply if it's there yet."""
        with self.engine.connect() as connection:
            row = connection.execute(replies.select().where(replies.c.mark == mark)).mappings().first()
        return (row["digest"], row["body"]) if row else None

    def begin_reply(self, mark: str, digest: str, now: dt.datetime) -> bool:
        """Take a mark for a request; False where another has it."""
        try:
            with self.engine.begin() as connection:
                connection.execute(replies.delete().where(replies.c.at < (now - KEPT).isoformat()))
                connection.execute(replies.insert().values(mark=mark, digest=digest, at=now.isoformat()))
        except sa.exc.IntegrityError:
            return False
        return True

    def end_reply(self, mark: str, body: str | None) -> None:
        """Keep the reply of a mark; without one the mark is free again."""
        with self.engine.begin() as connection:
            if body is None:
                connection.execute(replies.delete().where(replies.c.mark == mark))
            else:
                connection.execute(replies.update().where(replies.c.mark == mark).values(body=body))

    def close(self) -> None:
        self.database.close()


def _digest(secret: str) -> str:
    """The hash of a secret of 32 random bytes, which needs no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()
