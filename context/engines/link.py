"""One connection to PostgreSQL that never keeps its user waiting: past the deadline it hangs up, whatever the server does."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import pq
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader

MOST_SECONDS_TO_CONNECT = 10
LOOKS_UP = 0.02
"""Seconds between looks at whether somebody told it to stop."""


class Late(Exception):
    """The deadline has passed."""


class Stopped(Exception):
    """Somebody told it to stop."""


class Link(psycopg.Connection[Any]):
    """A connection with a deadline. A server may notice a cancel half a minute late, so it's told, and not waited for."""

    deadline: float = float("inf")
    stopped: bool = False

    @classmethod
    def to(cls, url: str) -> Link:
        """Connect. Raises psycopg.Error."""
        link = cls.connect(
            url,
            autocommit=True,  # each transaction is begun by us, in words of our own
            cursor_factory=psycopg.RawCursor,
            connect_timeout=MOST_SECONDS_TO_CONNECT,
            application_name="answerable",
            client_encoding="utf8",
        )
        link.prepare_threshold = None  # a pooler between us and the server may not know what was prepared
        for name, loader in _LOADERS.items():
            link.adapters.register_loader(name, loader)
        return link

    def rows(self, text: str, values: list[Any]) -> Generator[tuple[list[psycopg.Column], tuple[Any, ...]]]:
        """Each row with the columns' descriptions, as the server sends them; a result that nobody reads on is never in memory."""
        cursor = self.cursor()
        stream = cursor.stream(text, values)
        try:
            for row in stream:
                yield cursor.description or [], row
        finally:
            if self.pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
                self.hang_up()
            stream.close()  # type: ignore[attr-defined]

    def columns(self, text: str, values: list[Any]) -> list[psycopg.Column]:
        """The descriptions of a result that has no row, without working it out again."""
        with self.cursor() as cursor:
            cursor.execute(f"SELECT * FROM ({text}\n) AS described LIMIT 0", values)
            return cursor.description or []

    def stop(self) -> None:
        """From another thread: whoever waits on this connection waits no longer."""
        self.stopped = True

    def hang_up(self) -> None:
        """Close at once, and have the server told in the background that nobody wants the result."""
        if self.closed:
            return
        try:
            cancel = self.pgconn.cancel_conn().blocking  # encrypted as the connection is
        except psycopg.Error:  # an older libpq
            cancel = self.pgconn.get_cancel().cancel
        self.close()

        def tell() -> None:
            with suppress(psycopg.Error):
                cancel()

        threading.Thread(target=tell, daemon=True).start()

    def wait(self, gen: Generator[Any, Any, Any], interval: float = LOOKS_UP, *args: Any, **kwargs: Any) -> Any:
        """What everything that waits for the server goes through."""
        return super().wait(self._watched(gen), interval, *args, **kwargs)

    def _watched(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        try:
            state = next(gen)
            while True:
                ready = yield state
                if self.stopped or time.monotonic() > self.deadline:
                    self.hang_up()
                    raise Stopped if self.stopped else Late
                state = gen.send(ready)
        except StopIteration as end:
            return end.value


class _Date(DateLoader):
    def load(self, data: Any) -> Any:
        return _or_text(super().load, data)


class _Timestamp(TimestampLoader):
    def load(self, data: Any) -> Any:
        return _or_text(super().load, data)


class _Timestamptz(TimestamptzLoader):
    def load(self, data: Any) -> Any:
        return _or_text(super().load, data)


def _or_text(load: Any, data: Any) -> Any:
    """`infinity` and years that Python has no dates for stay text."""
    try:
        return load(data)
    except psycopg.DataError:
        return bytes(data).decode()


_LOADERS: dict[str, Any] = {"date": _Date, "timestamp": _Timestamp, "timestamptz": _Timestamptz}
"""By type."""
