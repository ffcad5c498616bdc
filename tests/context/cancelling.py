"""A query that is cancelled while it runs."""

from __future__ import annotations

import threading

from answerable.context.engines.base import Engine
from answerable.context.errors import EngineError
from answerable.context.query import GovernedSQL


def cancelled(engine: Engine, sql: GovernedSQL) -> list[str]:
    """What is said to whoever asks, when another thread cancels."""
    said: list[str] = []

    def ask() -> None:
        try:
            engine.run(sql)
        except EngineError as error:
            said.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    while thread.is_alive():
        engine.cancel(threading.get_ident())  # this thread runs nothing, so nothing is stopped
        assert not said
        engine.cancel(thread.ident)
        thread.join(0.01)
    return said
