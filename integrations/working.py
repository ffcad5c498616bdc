"""A synchronous question on a thread, for an asynchronous door: in its turn, watched, and stopped when whoever asked has gone."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from answerable.agent.ask import Project
from answerable.agent.asked import Event, Watch
from answerable.integrations.live import Live
from answerable.integrations.queueing import Turns

T = TypeVar("T")
LOOK = 0.02
"""Seconds between two looks at whether somebody has gone."""
Gone = Callable[[], Awaitable[bool]]


class Left(Exception):
    """Whoever asked has gone."""


class Worker:
    """Threads for one live project; `at_once` questions run at a time."""

    def __init__(self, live: Live, at_once: int = 8) -> None:
        self.live, self.turns = live, Turns(at_once)
        self.pool = ThreadPoolExecutor(at_once, "answerable")

    async def run(self, person: str, work: Callable[[Project], T], gone: Gone | None = None) -> T:
        """The result of `work`. Raises Full where there's no room to wait, Left where whoever asked has gone."""
        async with self.turns.turn(person):
            running = _Running(self.live, work)
            future = asyncio.get_running_loop().run_in_executor(self.pool, running)
            while True:
                done, _ = await asyncio.wait([future], timeout=LOOK if gone else None)
                if done:
                    return future.result()
                if gone and await gone():
                    await self._stopped(running, future)
                    raise Left

    async def _stopped(self, running: _Running[T], future: asyncio.Future[T]) -> None:
        """Stop what runs in the warehouse, and again, as the next query of the same question would begin."""
        while not future.done():
            running.stop()
            await asyncio.wait([future], timeout=LOOK)
        with contextlib.suppress(Exception):
            future.result()

    async def watched(
        self, person: str, work: Callable[[Project, Watch], T], gone: Gone, quiet: float | None = None
    ) -> AsyncIterator[Event | T | None]:
        """The steps of `work` as they are taken, then its result; None after each `quiet` seconds without a step."""
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[Event | None] = asyncio.Queue()

        def watch(event: Event) -> None:
            loop.call_soon_threadsafe(events.put_nowait, event)

        task = asyncio.ensure_future(self.run(person, lambda project: work(project, watch), gone))
        task.add_done_callback(lambda _: events.put_nowait(None))
        try:
            while True:
                try:
                    event = await asyncio.wait_for(events.get(), quiet)
                except TimeoutError:
                    yield None
                    continue
                if event is None:
                    break
                yield event
            yield task.result()
        finally:
            task.cancel()

    def close(self) -> None:
        """Wait for what runs: each answer that is computed is recorded."""
        self.pool.shutdown(wait=True)


class _Running(Generic[T]):
    """Work that is called on a thread, and can be stopped from another."""

    def __init__(self, live: Live, work: Callable[[Project], T]) -> None:
        self.live, self.work = live, work
        self.project: Project | None = None
        self.thread: int | None = None

    def __call__(self) -> T:
        with self.live.project() as project:
            self.project, self.thread = project, threading.get_ident()
            try:
                return self.work(project)
            finally:
                self.thread = None

    def stop(self) -> None:
        project, thread = self.project, self.thread
        if project is not None and thread is not None:
            project.engine.cancel(thread)
