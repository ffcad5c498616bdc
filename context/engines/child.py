"""The process in which DuckDB runs what somebody sent: questions come in, answers go out, and it ends with whoever asks."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from typing import BinaryIO

from answerable.context.engines.base import Rows
from answerable.context.engines.duckdb import DuckDBEngine
from answerable.context.errors import EngineError
from answerable.context.query import GovernedSQL
from answerable.context.settings import Limits

BESIDE = 1 << 30
"""Bytes of address space that it may take beside its limit: code, stacks, and what the engine's limit doesn't count."""
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the parent closes its end: then stop at once, in the middle of a query too."""
    file, limits, timezone = pickle.load(questions)
    _bound(limits)
    engine: DuckDBEngine | EngineError
    try:
        engine = DuckDBEngine(file, limits, timezone, alone=True)
    except EngineError as error:
        engine = error

    def answer(sql: GovernedSQL, rows: int | None) -> None:
        found: Rows | EngineError
        try:
            found = engine if isinstance(engine, EngineError) else engine.run(sql, rows)
        except EngineError as error:
            found = error
        except MemoryError:
            found = EngineError(f"The query needs more memory than the limit of {limits.memory}.", "memory")
        except Exception as error:  # whatever it is, the one who asks must not wait for it
            found = EngineError(f"The warehouse refused the query ({type(error).__name__}).", "failed")
        pickle.dump(found, answers)
        answers.flush()

    while True:
        try:
            question = pickle.load(questions)
        except EOFError:
            os._exit(0)
        threading.Thread(target=answer, args=question, daemon=True).start()


def _bound(limits: Limits) -> None:
    """Bound the address space, beyond what a Python with its engine takes to begin with."""
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    number, unit = limits.memory.removesuffix("iB").removesuffix("B").strip()[:-1], limits.memory.removesuffix("iB").removesuffix("B")[-1]
    most = int(float(number) * _UNITS[unit]) * 2 + BESIDE
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
