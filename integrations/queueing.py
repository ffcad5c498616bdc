"""Who is served next: so many at once, those who wait in turns by person, and no more than a person or the door can hold."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Full(Exception):
    """No room to wait (429). `seconds` is when to come again."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"come again in {seconds} s")


class Turns:
    """A fair queue. For one event loop."""

    def __init__(self, at_once: int, waiting: int = 1000, each: int = 50) -> None:
        self.free, self.most, self.each = at_once, waiting, each
        self.lines: dict[str, deque[asyncio.Future[None]]] = {}
        self.waiting = 0

    @asynccontextmanager
    async def turn(self, person: str) -> AsyncIterator[None]:
        """Wait for a turn and hold it. Raises Full where there is no room to wait."""
        await self._taken(person)
        try:
            yield
        finally:
            self._given_back()

    async def _taken(self, person: str) -> None:
        if self.free > 0 and not self.lines:
            self.free -= 1
            return
        line = self.lines.setdefault(person, deque())
        if self.waiting >= self.most or len(line) >= self.each:
            if not line:
                del self.lines[person]
            raise Full(1 + self.waiting // 100)
        ticket = asyncio.get_running_loop().create_future()
        line.append(ticket)
        self.waiting += 1
        try:
            await ticket
        except asyncio.CancelledError:
            if ticket.done() and not ticket.cancelled():
                self._given_back()  # it was this one's turn in the same moment
            else:
                self._left(person, ticket)
            raise

    def _left(self, person: str, ticket: asyncio.Future[None]) -> None:
        line = self.lines.get(person)
        if line and ticket in line:
            line.remove(ticket)
            self.waiting -= 1
            if not line:
                del self.lines[person]

    def _given_back(self) -> None:
        """The turn goes to whoever has waited longest of the person next in the round."""
        while self.lines:
            person = next(iter(self.lines))
            line = self.lines.pop(person)
            ticket = line.popleft()
            self.waiting -= 1
            if line:
                self.lines[person] = line  # behind the others
            if not ticket.done():
                ticket.set_result(None)
                return
        self.free += 1
