"""What is shown while an answer takes its time: one line on the terminal, gone when the answer is there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TextIO

from answerable.agent.asked import Event, Watch

SAYS = {"model": "Asking the language model", "sql": "Asking the warehouse", "rows": "Putting the answer together"}


@contextmanager
def watching(out: TextIO | None = None) -> Iterator[Watch | None]:
    """What to tell of each step; nothing where no terminal is there. The line begins with the first step that takes long."""
    out = out or sys.stderr
    if not out.isatty():
        yield None
        return
    with ExitStack() as shown:
        status = None

        def watch(event: Event) -> None:
            nonlocal status
            if status is None and event.stage == "model":
                from rich.console import Console

                status = shown.enter_context(Console(file=out).status(""))
            if status is not None and event.stage in SAYS:
                status.update(SAYS[event.stage] + (f", {event.says}" if event.stage == "model" else ""))

        yield watch
