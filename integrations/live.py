"""The project that is being served: opened anew when its files change, atomically; the old one stays where the new one has mistakes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from answerable.agent.ask import Project
from answerable.context import cache
from answerable.context.errors import AnswerableError, DefinitionError
from answerable.context.loader import settings_of
from answerable.integrations.settings import fill

LOOKS = 1.0
"""Seconds between two looks at the files."""


@dataclass
class _Opened:
    project: Project
    key: str
    users: int = 0


@dataclass
class Live:
    """One folder's project, shared by requests. `fault` is why the files as they are now are not served."""

    folder: Path
    open: Callable[[], Project]
    clock: Callable[[], float] = time.monotonic
    fault: str = ""
    looked: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.now = _Opened(self.open(), self._key())
        self.tried = self.now.key
        self.looked = self.clock()

    @contextmanager
    def project(self) -> Iterator[Project]:
        """The project for one request; it is closed when it is the newest no more and nobody uses it."""
        self._look()
        with self.lock:
            used = self.now
            used.users += 1
        try:
            yield used.project
        finally:
            with self.lock:
                used.users -= 1
                over = used is not self.now and used.users == 0
            if over:
                used.project.close()

    def close(self) -> None:
        self.now.project.close()

    def _look(self) -> None:
        """Open the project anew where its files have changed, by one request at a time; the others go on with the old one."""
        with self.lock:
            if self.clock() - self.looked < LOOKS:
                return
            self.looked = self.clock()
        key = self._key()
        if key == self.tried:
            return
        self.tried = key
        try:
            opened = _Opened(self.open(), key)
        except DefinitionError as error:
            self.fault = f"{len(error.complaints)} mistakes in the project's files: `answerable check` names them. The old ones are served."
            return
        except (AnswerableError, OSError):
            self.fault = "The project as it is now can not be opened. The old one is served."
            return
        with self.lock:
            old, self.now, self.fault = self.now, opened, ""
            over = old.users == 0
        if over:
            old.project.close()

    def _key(self) -> str:
        try:
            return cache.key(self.folder, settings_of(self.folder, fill)[1])
        except (AnswerableError, OSError) as error:
            return f"fault {type(error).__name__}"
