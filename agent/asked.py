"""A question on its way: who asks what, when and by which door; and what it touched, for the record."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from answerable.context.policy import Principal
from answerable.context.query import GovernedSQL


@dataclass
class Touched:
    """The models that were read and the policy lines that decided, in the order in which they came; and what a language model did."""

    models: dict[str, None] = field(default_factory=dict)
    decisions: dict[str, None] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    """Lines for the asker about how the answer came about."""
    usage: Any = None
    """The model's `Usage`, where one was asked."""

    def ran(self, sql: GovernedSQL) -> None:
        self.models.update(dict.fromkeys(sql.models))
        self.decided(sql.decisions)

    def note(self, line: str) -> None:
        self.notes[line] = None

    def decided(self, lines: Iterable[str]) -> None:
        self.decisions.update(dict.fromkeys(lines))


@dataclass(frozen=True)
class Event:
    """A step on the way to an answer, as it's taken: `stage` is ground, model, plan, sql or rows."""

    stage: str
    says: str


Watch = Callable[[Event], None]


@dataclass(frozen=True)
class Door:
    """By which door a question comes, where it's another than the project's own; the id that its answer was promised; and the answer
    of the same thread that it replies to, where that is not the last one."""

    surface: str | None = None
    id: str | None = None
    replies_to: str | None = None


DIRECT = Door()


def new_id() -> str:
    """An id for an answer."""
    return f"a_{secrets.token_hex(5)}"


@dataclass(frozen=True)
class Asked:
    """Who asks what, when, and by which door. `principal` is whose rights count: the asker's, or an audience's."""

    question: str
    principal: Principal
    asker: Principal
    today: dt.date
    thread: str | None = None
    surface: str = "python"
    run: str | None = None
    audience: tuple[str, ...] | None = None
    door: Door = DIRECT
    touched: Touched = field(default_factory=Touched, compare=False)
    watch: Watch | None = field(default=None, compare=False)

    def saw(self, stage: str, says: str) -> None:
        """Tell whoever watches."""
        if self.watch is not None:
            self.watch(Event(stage, says))
