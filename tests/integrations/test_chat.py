"""The conversation in the terminal, from a file and at a terminal of its own."""

from __future__ import annotations

import io
import os
import pty
import select
import sys
from pathlib import Path

import pytest
from answerable.agent.ask import Project
from answerable.agent.journal import JournalError
from answerable.context.policy import Principal
from answerable.integrations import chat
from answerable.integrations.cli import main
from answerable.integrations.page import console
from click.testing import CliRunner, Result

FINN = "finn@alder.example"


@pytest.fixture
def talk(demo: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    def made(*lines: str, options: tuple[str, ...] = ()) -> Result:
        words = ["chat", "--project", str(demo), "--state", str(tmp_path), *options]
        return CliRunner().invoke(main, words, input="\n".join(lines), env={"COLUMNS": "88"})

    return made


@pytest.mark.parametrize(
    ("lines", "code"),
    [(["churn", "revenue last month"], 0), (["revenue last month", "churn"], 3), (["sales last month"], 4), ([""], 0), (["help"], 0)],
)
def test_the_exit_code_of_a_file_is_that_of_its_last_answer(talk, lines: list[str], code: int) -> None:  # type: ignore[no-untyped-def]
    assert talk(*lines).exit_code == code


@pytest.mark.parametrize("reply", ["2", "the second one", "net revenue"])
def test_a_reading_is_picked_by_its_number_and_by_words(talk, reply: str) -> None:  # type: ignore[no-untyped-def]
    result = talk("sales last month", reply)
    assert "Which one? 1 or 2, or say it in words." in result.output
    assert "Picked: Net revenue.\n\n€386,062  Net revenue" in result.output


def test_where_a_number_changed_is_picked_from_when_it_is_asked_why(talk) -> None:  # type: ignore[no-untyped-def]
    output = talk("revenue last month", "why?", "2").output
    assert "Where do you want to see it? 1, 2 or 3, or say it in words." in output
    assert "Picked: The change by Newsletter of the customer." in output


def test_yes_takes_the_one_reading(talk) -> None:  # type: ignore[no-untyped-def]
    assert "Picked: Revenue.\n\n€392,602  Revenue" in talk("foo bar: revenue last month", "Yes!").output


def test_a_question_of_its_own_picks_nothing(talk) -> None:  # type: ignore[no-untyped-def]
    assert "Picked" not in talk("sales last month", "net revenue last month").output


def test_what_is_kept_stands_under_the_question(talk) -> None:  # type: ignore[no-untyped-def]
    output = talk("revenue by region last month", "just EU").output
    assert "region = EU\n\nKept from the question before: revenue, by region, last month.\n\n€186,975" in output


@pytest.mark.parametrize("word", ["exit", "quit", "QUIT", "/exit"])
def test_exit_ends_it(talk, word: str) -> None:  # type: ignore[no-untyped-def]
    assert talk(word, "churn").output == ""


def test_a_file_may_have_empty_lines_and_its_questions_are_not_prompted_for(talk) -> None:  # type: ignore[no-untyped-def]
    output = talk("", "revenue last month", "  ", "and in January?").output
    assert "January 2026" in output and chat.PROMPT.strip() not in output


@pytest.mark.parametrize("word", ["help", "?"])
def test_help_is_three_lines(talk, word: str) -> None:  # type: ignore[no-untyped-def]
    assert talk(word).output.splitlines() == list(chat.HELP)


def test_commands_show_more_of_the_last_answer(talk) -> None:  # type: ignore[no-untyped-def]
    output = talk("revenue by store and month in 2025", "/sql", "/explain", "/all").output
    assert "SELECT" in output and "Words\n  revenue" in output
    assert "rows shown: /all for the rest" in output and "Toronto West" in output.split("rows shown")[1]


def test_commands_without_an_answer_say_so(talk) -> None:  # type: ignore[no-untyped-def]
    output = talk("/sql", "/explain", "churn", "/sql", "/all", "/drop it").output
    assert output.count("There is no answer yet.") == 2
    for said in ("No SQL ran for the last answer.", "The last answer has no rows.", "There is no /drop it: help lists"):
        assert said in output


def test_new_forgets_what_was_asked(talk) -> None:  # type: ignore[no-untyped-def]
    output = talk("revenue last month", "/new", "and in January?").output
    assert "Kept" not in output and "A new conversation" in output


def test_options_show_the_evidence_of_each_answer(talk) -> None:  # type: ignore[no-untyped-def]
    output = talk("revenue last month", "orders last month", options=("--explain", "--sql")).output
    assert output.count("\nSELECT\n  ") == output.count("Words\n") == 2


@pytest.mark.parametrize(
    ("fault", "said"), [(JournalError("The journal is full."), "The journal is full."), (ValueError("secret"), "A fault of answerable")]
)
def test_a_fault_does_not_end_it(talk, monkeypatch: pytest.MonkeyPatch, fault: Exception, said: str) -> None:  # type: ignore[no-untyped-def]
    asks = Project.ask

    def broken(self: Project, question: str, **more: object) -> object:
        if question == "break":
            raise fault
        return asks(self, question, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Project, "ask", broken)
    result = talk("break", "revenue last month")
    assert said in result.stderr and "secret" not in result.output and "€392,602" in result.output
    assert talk("break").exit_code == 1


def test_an_unknown_user_is_told_before_anything_is_asked(talk) -> None:  # type: ignore[no-untyped-def]
    assert talk("revenue", options=("--as", "stranger")).exit_code == 2


@pytest.mark.parametrize("typed", [["revenue", ""], ["revenue", EOFError()]], ids=["empty", "ctrl-d"])
def test_at_a_terminal_an_empty_line_and_the_end_of_input_end_it(monkeypatch: pytest.MonkeyPatch, typed: list[str | EOFError]) -> None:
    def given(prompt: str) -> str:
        line = typed.pop(0)
        if isinstance(line, EOFError):
            raise line
        return line

    monkeypatch.setattr("builtins.input", given)
    assert list(chat._typed("Alder", Principal(), console(io.StringIO()))) == ["revenue"]


def test_at_a_terminal_lines_are_edited_and_exit_ends_it(demo: Path, tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:  # the terminal's own process
        os.environ.update(TERM="xterm", COLUMNS="88", NO_COLOR="1")
        words = ["-m", "answerable", "chat", "--project", str(demo), "--state", str(tmp_path), "--as", FINN]
        os.execv(sys.executable, [sys.executable, *words])
    said = _until(terminal, chat.PROMPT)
    os.write(terminal, b"tickets closed last monht\x7f\x7fth\n")  # put right before it is sent
    said += _until(terminal, "Tickets closed was 153")
    said += _until(terminal, chat.PROMPT)
    os.write(terminal, b"exit\n")
    said += _until(terminal, None)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert "asked by finn@alder.example" in said and "Tickets closed was 153" in said and "Traceback" not in said


def _until(terminal: int, mark: str | None) -> str:
    """What a terminal shows up to a mark, or to its end."""
    got = b""
    while mark is None or mark.encode() not in got:
        if not select.select([terminal], [], [], 30)[0]:
            raise AssertionError(f"The terminal is silent after {got[-200:]!r}")
        try:
            got += os.read(terminal, 4096)
        except OSError:  # the other side is gone
            break
    return got.decode(errors="replace")
