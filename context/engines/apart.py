"""SQL that people and models send runs in a process of its own: what an engine can't stop, the operating system can.

DuckDB looks for a cancel between vectors, not within one value, and some of its memory is not under its limit. So the child opens the
warehouse by itself, holds no secret of this process, and may be killed at any moment: at the deadline, on a cancel, or when we are gone.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from answerable.context.engines.base import Rows
from answerable.context.errors import EngineError
from answerable.context.query import GovernedSQL
from answerable.context.settings import Limits

GRACE = 0.5
"""Seconds that the child's own timer has to stop a query before it's killed; its next query then finds it warm."""


@dataclass
class Apart:
    """The children of one warehouse: as many as queries run at once, one kept warm."""

    file: Path
    limits: Limits
    timezone: str
    idle: list[subprocess.Popen[bytes]] = field(default_factory=list)
    busy: dict[subprocess.Popen[bytes], int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, sql: GovernedSQL, rows: int | None = None) -> Rows:
        """Run it in a child. Raises EngineError, `timeout` also where the child had to be killed."""
        child = self._taken()
        late = threading.Event()

        def stop() -> None:
            late.set()
            child.kill()

        timer = threading.Timer(self.limits.seconds + GRACE, stop)
        timer.daemon = True
        timer.start()
        try:
            answer = _asked(child, (sql, rows))
        except (OSError, EOFError, pickle.UnpicklingError):
            child.kill()
            ended = child.wait()
            if late.is_set():
                what = f"did not finish within {self.limits.seconds:g} seconds, so the query was cancelled"
                raise EngineError(f"The warehouse {what}. Nothing is wrong with the question.", "timeout") from None
            if ended == -9:
                raise EngineError("The warehouse was told to stop. Nothing is wrong with the question.", "timeout") from None
            raise EngineError(f"The query needs more memory than the limit of {self.limits.memory}.", "memory") from None
        finally:
            timer.cancel()
            self._given_back(child)
        if isinstance(answer, EngineError):
            raise answer
        return answer

    def cancel(self, thread: int | None = None) -> None:
        """Kill what runs for one thread, or whatever runs."""
        with self.lock:
            for child, whose in self.busy.items():
                if thread in (None, whose):
                    child.kill()

    def close(self) -> None:
        with self.lock:
            children, self.idle = [*self.idle, *self.busy], []
        for child in children:
            child.kill()
            _reap(child)

    def __del__(self) -> None:
        self.close()  # a project that nobody closed leaves no child behind

    def _taken(self) -> subprocess.Popen[bytes]:
        with self.lock:
            child = next((self.idle.pop() for _ in self.idle[:1] if self.idle[-1].poll() is None), None)
        child = child or self._born()
        with self.lock:
            self.busy[child] = threading.get_ident()
        return child

    def _given_back(self, child: subprocess.Popen[bytes]) -> None:
        with self.lock:
            self.busy.pop(child, None)
            if child.poll() is None and not self.idle:
                self.idle.append(child)
                return
        child.kill()
        _reap(child)

    def _born(self) -> subprocess.Popen[bytes]:
        path = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT", "TMPDIR") if name in os.environ}
        child = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**path, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # a Ctrl-C is for us
        )
        assert child.stdin
        with contextlib.suppress(OSError):  # a child that could not start shows at its first question
            pickle.dump((self.file, self.limits, self.timezone), child.stdin)
            child.stdin.flush()
        return child


def _asked(child: subprocess.Popen[bytes], question: Any) -> Rows | EngineError:
    assert child.stdin and child.stdout
    pickle.dump(question, child.stdin)
    child.stdin.flush()
    answer: Rows | EngineError = pickle.load(child.stdout)
    return answer


def _reap(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        with contextlib.suppress(OSError):
            if pipe:
                pipe.close()
    child.wait()
