"""A conversation in the terminal: one thread of one asker, a line a question, until an empty line or `exit`."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import secrets
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from answerable.agent.answer import Answer
from answerable.agent.ask import Project
from answerable.context.errors import AnswerableError
from answerable.context.policy import Principal
from answerable.integrations import gloss
from answerable.integrations.command import EXIT
from answerable.integrations.explaining import explain
from answerable.integrations.page import paragraph
from answerable.integrations.printing import cleaned, say
from answerable.integrations.progress import watching
from answerable.integrations.terminal import View, console, show
from rich.console import Console

PROMPT = "› "
ENDS = frozenset({"exit", "quit", "/exit", "/quit"})
HELPS = frozenset({"help", "?", "/help", "/?"})
AGREES = frozenset({"y", "yes", "yes please", "ok"})
HELP = (
    "Ask (revenue by region last month), then say what changes (just EU, in January?, why?).",
    "Pick a reading by its number or its words. /explain, /sql, /all: more of the answer.",
    "“What can I ask” lists what is defined. /new starts anew; exit or an empty line ends.",
)


def converse(project: Project, asker: Principal, today: dt.date | None, explain: bool = False, sql: bool = False) -> int:
    """Ask what is typed, or what a file holds, line by line. The exit code: that of a file's last answer, 0 for a conversation."""
    out = console()
    talk = _Talk(project, asker, today, out, View(project.catalog, explain=explain, sql=sql, chat=True))
    typed = sys.stdin.isatty() and sys.stdout.isatty()
    try:
        for line in _typed(project.catalog.settings.name, asker, out) if typed else _lines():
            if not talk.hears(line):
                break
    except KeyboardInterrupt:
        say()
    return 0 if typed else talk.code


def _typed(name: str, asker: Principal, out: Console) -> Iterator[str]:
    """Lines as a person types them, up to an empty one; with a history and its keys where the system has them."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  # `input` edits lines once it is loaded
    whom = asker.id or "nobody in particular"
    paragraph(out, f"{name}, asked by {whom}. help lists what can be typed; an empty line ends it.", style="dim")
    while True:
        try:
            line = input(PROMPT)
        except EOFError:
            say()
            return
        if not line.strip():
            return
        yield line


def _lines() -> Iterator[str]:
    """The lines of a file or a pipe; empty ones are no questions."""
    sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]  # a line that is no UTF-8 is a question with unknown words
    return (line for line in sys.stdin if line.strip())


@dataclass
class _Talk:
    """What is known between two lines."""

    project: Project
    asker: Principal
    today: dt.date | None
    out: Console
    view: View
    thread: str = field(default_factory=lambda: _new_thread())
    last: Answer | None = None
    code: int = 0

    def hears(self, line: str) -> bool:
        """Do what a line says; False where it ends the conversation. What goes wrong is told, and the next line is heard."""
        said = line.strip().encode(errors="replace").decode()
        word = said.lower().rstrip(".! ")
        if word in ENDS:
            return False
        try:
            if word in HELPS:
                for text in HELP:
                    paragraph(self.out, text)
            elif said.startswith("/"):
                self._command(word)
            else:
                self._asks(said)
        except AnswerableError as error:
            self._failed(str(error))
        except Exception as error:
            # The one place that catches everything: a person is in the midst of a conversation.
            if os.environ.get("ANSWERABLE_TRACE"):
                traceback.print_exc()
            self._failed(f"A fault of answerable itself ({type(error).__name__}). ANSWERABLE_TRACE=1 shows where.")
        return True

    def _failed(self, text: str) -> None:
        self.code = EXIT["error"]
        say(text, err=True)

    def _asks(self, question: str) -> None:
        before = self.last
        if before and len(before.options) == 1 and question.lower().rstrip(".! ") in AGREES:
            question = "1"
        self.last = None  # what fails has no answer to look at
        with watching() as watch:
            answer = self.project.ask(question, user=self.asker, thread=self.thread, today=self.today, watch=watch)
        show(answer, self.out, self.view, _picked(answer, before))
        self.last, self.code = answer, EXIT[answer.status]

    def _command(self, word: str) -> None:
        if work := COMMANDS.get(word):
            work(self)
        else:
            say(f"There is no {word}: help lists what can be typed.")

    def _of_last(self, has: bool, lacking: str) -> Answer | None:
        if self.last is None or not has:
            say("There is no answer yet." if self.last is None else lacking)
            return None
        return self.last

    def explains(self) -> None:
        if answer := self._of_last(True, ""):
            explain(Answer.model_validate(cleaned(answer.model_dump())), self.out)

    def shows_sql(self) -> None:
        if answer := self._of_last(bool(self.last and self.last.sql), "No SQL ran for the last answer."):
            say(answer.sql)

    def shows_all(self) -> None:
        if answer := self._of_last(bool(self.last and self.last.rows), "The last answer has no rows."):
            show(answer, self.out, replace(self.view, rows=None))

    def starts_anew(self) -> None:
        self.thread, self.last = _new_thread(), None
        say("A new conversation: nothing is kept of the one before.")


COMMANDS: dict[str, Callable[[_Talk], None]] = {
    "/explain": _Talk.explains,
    "/sql": _Talk.shows_sql,
    "/all": _Talk.shows_all,
    "/new": _Talk.starts_anew,
}


def _new_thread() -> str:
    return f"t_{secrets.token_hex(5)}"


def _picked(answer: Answer, before: Answer | None) -> str:
    """The words of the reading that an answer picked from those of the one before; nothing where it is a question by itself."""
    if before is None or (answer.grounding and gloss.fits(answer)):
        return ""
    return next((str(option["reading"]) for option in before.options if option["plan"] == answer.plan), "")
