"""A language model by configuration: from answerable.yml and the environment, in suites, on the terminal."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from answerable.agent.asked import Event
from answerable.evals import fake_model
from answerable.evals.fake_model import FakeModel, Step
from answerable.integrations.cli import main
from answerable.integrations.progress import watching
from click.testing import CliRunner
from language_model import project_with

WINDOW = {"start": "2026-02-01", "end": "2026-03-01"}
SAID = Step(
    {"do": "plan", "plan": {"metrics": ["revenue"], "window": WINDOW}, "words": [{"words": "takings", "item": "revenue"}]}
)  # fmt: skip
QUESTIONS = [
    {"id": "1", "question": "takings last month", "expect": {"status": ["clarify"]}},
    {"id": "2", "question": "revenue last month", "expect": {"plan": {"metrics": ["revenue"], "window": WINDOW}}},
]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModel]:
    with fake_model.running([SAID]) as server:
        monkeypatch.setenv("ANSWERABLE_MODEL", "scripted")
        monkeypatch.setenv("ANSWERABLE_MODEL_URL", server.url)
        monkeypatch.setenv("ANSWERABLE_MODEL_KEY", "k-secret")
        yield server


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps({**line, "as": "finn@alder.example", "today": "2026-03-31"}) + "\n" for line in QUESTIONS))
    return file


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_a_set_of_questions_is_recorded_and_played_again(demo: Path, tmp_path: Path, questions: Path, model: FakeModel) -> None:
    where = ("--project", demo, "--state", tmp_path / "state")
    code, out = run("eval", "questions", questions, *where, "--planner", "model", "--record", tmp_path / "kept")
    assert (code, len(model.heard)) == (0, 2)
    assert "language model: 2 of 2 questions, 2 requests, 1,800 tokens read, 120 written, cost 0.0000" in out
    kept = [*(tmp_path / "kept").iterdir()]
    assert {path.name.rpartition("-")[0] for path in kept} == {"takings-last-month", "revenue-last-month"}
    assert "k-secret" not in "".join(path.read_text() for path in kept)
    again = run("eval", "questions", questions, *where, "--planner", "model", "--replay", tmp_path / "kept")
    assert (again[0], len(model.heard)) == (0, 2)
    assert again[1].splitlines()[:5] == out.splitlines()[:5]


def test_a_question_that_was_not_kept_is_told(demo: Path, tmp_path: Path, questions: Path, model: FakeModel) -> None:
    code, out = run(
        "eval", "questions", questions, "--project", demo, "--state", tmp_path, "--planner", "model", "--replay", tmp_path, "--json"
    )
    assert code == 1
    assert "is no kept exchange" in out
    assert model.heard == []


def test_planner_embedded_asks_no_model(demo: Path, tmp_path: Path, questions: Path, model: FakeModel) -> None:
    _, out = run("eval", "questions", questions, "--project", demo, "--state", tmp_path, "--planner", "embedded")
    assert model.heard == []
    assert "language model" not in out


def test_a_model_that_is_not_named_is_told(demo: Path, tmp_path: Path, questions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANSWERABLE_MODEL", raising=False)
    code, out = run("eval", "questions", questions, "--project", demo, "--state", tmp_path, "--planner", "model")
    assert (code, "it names no model: add model:, or set ANSWERABLE_MODEL" in out) == (2, True)


def test_a_project_that_wants_a_model_and_has_none_answers_by_itself(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANSWERABLE_MODEL", raising=False)
    with project_with(demo, tmp_path, ["planner: model"], None) as project:
        answer = project.ask("revenue last month")
    assert (answer.status, answer.assumptions[0][:40]) == ("answered", "No language model can be asked here: thi")


def test_a_client_that_is_not_installed_is_told(demo: Path, tmp_path: Path, model: FakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "answerable.agent.llm", None)
    code, out = run("ask", "takings last month", "--project", demo, "--state", tmp_path, "--json")
    assert (code, "pip install 'answerable[model]'" in out) == (3, True)


def test_the_key_is_in_no_file_and_in_no_answer(demo: Path, tmp_path: Path, model: FakeModel) -> None:
    _, out = run("ask", "takings last month", "--project", demo, "--state", tmp_path, "--as", "finn@alder.example", "--json")
    assert b"k-secret" in model.bytes[0]
    assert "k-secret" not in out
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"k-secret" in path.read_bytes()]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_that_a_model_is_asked_and_nothing_else_does() -> None:
    shown, file = Terminal(), io.StringIO()
    with watching(shown) as watch:
        assert watch is not None
        watch(Event("ground", ""))
        assert shown.getvalue() == ""
        watch(Event("model", "round 1"))
    assert "Asking the language model" in shown.getvalue()
    with watching(file) as none:
        assert none is None
