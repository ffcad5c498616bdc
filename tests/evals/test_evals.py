"""How good we are is itself checked: verified questions, gaps, and the company whose questions somebody else wrote."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import answerable
import pytest
from answerable.evals import verified
from answerable.evals.gaps import report
from answerable.integrations.cli import main
from click.testing import CliRunner

SHARED = Path(__file__).parents[3] / "shared" / "data"


def test_every_verified_question_of_the_demo_is_right_and_confirmed(demo: Path, tmp_path: Path) -> None:
    with answerable.open(demo, state=tmp_path, run="test") as project:
        outcomes = verified.run(project)
    assert len(outcomes) >= 40
    assert [(o.question.question, o.says) for o in outcomes if o.verdict != "right"] == []
    assert {o.mark for o in outcomes} == {"confirmed"}


def test_a_wrong_trusted_value_is_found(demo: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(demo, tmp_path / "demo")
    file = folder / "verified" / "sales.yml"
    file.write_text(file.read_text().replace("value: 392601.70", "value: 392601.71", 1))
    with answerable.open(folder, run="test") as project:
        assert [o.verdict for o in verified.run(project)].count("differs") == 1


def test_a_mark_is_written_into_the_file_and_nothing_else_changes(demo: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(demo, tmp_path / "demo")
    file = folder / "verified" / "sales.yml"
    before = file.read_text()
    first = next(line for line in before.splitlines() if line.startswith("  of:"))
    file.write_text(before.replace(f"{first}\n", "", 1))
    with answerable.open(folder, run="test") as project:
        verified.confirm(folder, project.catalog, verified.run(project))
    assert file.read_text() == before


def test_gaps_are_ordered_by_people_then_questions() -> None:
    def record(question: str, who: str, word: str) -> dict[str, object]:
        return {"question": question, "principal": who, "surface": "cli", "gaps": [{"type": "unknown term", "text": word, "closes": ""}]}

    found = report([record("Churn?", "a", "Churn"), record("churn rate", "b", "churn"), record("mood", "a", "mood")])
    assert [(g.word, g.people, g.questions) for g in found.groups] == [("churn", 2, 2), ("mood", 1, 1)]


def test_a_questions_file_gives_a_line_for_each(demo: Path, tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    lines = [
        {"id": "1", "question": "revenue last month"},
        {"id": "2", "question": "and in january?", "history": ["revenue last month"]},
        {"id": "3", "question": "x", "as": "stranger"},
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    words = ["eval", "questions", str(file), "--project", str(demo), "--state", str(tmp_path / "s"), "--json"]
    result = CliRunner().invoke(main, words)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(a["id"], a["answer"]["status"]) for a in answers] == [("1", "answered"), ("2", "answered"), ("3", "error")]
    assert result.exit_code == 1 and "answered 2" in result.stderr


@pytest.mark.skipif(not (SHARED / "companies" / "clinic").is_dir(), reason="../shared/data/companies is not there")
def test_none_of_the_clinic_s_questions_is_answered_wrongly(tmp_path: Path) -> None:
    source = SHARED / "companies" / "clinic"
    folder = shutil.copytree(source / "project", tmp_path / "project", copy_function=shutil.copyfile)
    subprocess.run([sys.executable, "generate.py"], cwd=folder, check=True, capture_output=True)
    assert CliRunner().invoke(main, ["check", "--project", str(folder)]).exit_code == 0
    words = ["eval", "questions", str(source / "questions.jsonl"), "--project", str(folder), "--state", str(tmp_path / "s"), "--json"]
    answers, result = tmp_path / "answers.jsonl", tmp_path / "result.json"
    answers.write_text(CliRunner().invoke(main, words).stdout)
    score = [sys.executable, str(source.parent / "score.py"), str(source / "questions.jsonl"), str(answers), "--json", str(result)]
    subprocess.run(score, capture_output=True)
    summary = json.loads(result.read_text())["summary"]
    print(summary)
    assert summary["lines"] == 514 and summary["verdicts"]["wrong"] == 0
