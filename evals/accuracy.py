"""`python -m answerable.evals.accuracy` asks the sets of questions that are there, prints what came of them and writes build/eval.json."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import answerable
from answerable.agent.answer import Answer
from answerable.evals import asking, attacks, verified

COMPANIES = Path("../shared/data/companies")
ATTACKS = Path("../shared/data/attacks")


def demo(state: Path) -> dict[str, Any]:
    """The demo's verified questions: computed from their plans, and asked in their words."""
    with answerable.open("demo", state=state, run="eval") as project:
        outcomes = verified.run(project)
        right = sum(o.verdict == "right" for o in outcomes)
        asked = [(q, project.ask(q.question, user="finn@alder.example", today=q.today)) for q in project.catalog.verified if q.plan]
        values = {o.question.question: o.question for o in outcomes}
        read = sum(a.status == "answered" and _fits(a, values[q.question].value, values[q.question].rows) for q, a in asked)
        wrong = [q.question for q, a in asked if a.status == "answered" and not _fits(a, q.value, q.rows)]
    figures = {
        "demo: verified plans right": _figure(right, len(outcomes), "higher", "values from hand-written SQL"),
        "demo: verified questions answered right in words": _figure(read, len(asked), "higher", "values from hand-written SQL"),
        "demo: verified questions answered wrong in words": _figure(len(wrong), 0, "lower", "values from hand-written SQL"),
    }
    for question in wrong:
        print(f"wrong: {question}")
    return figures


def _fits(answer: Answer, value: Any, rows: Any) -> bool:
    if value is not None:
        return any(isinstance(c, (int, float)) and abs(c - value) <= 1e-6 * max(1, abs(value)) for row in answer.rows[:1] for c in row)
    numbers = sorted(round(c, 4) for row in answer.rows for c in row if isinstance(c, (int, float)))
    wanted = sorted(round(c, 4) for row in rows or () for c in row if isinstance(c, (int, float)))
    return numbers == wanted


def _figure(value: float, limit: float, better: str, against: str) -> dict[str, Any]:
    return {"value": value, "unit": "questions", "limit": limit, "better": better, "against": against}


def company(name: str, folder: Path, state: Path) -> dict[str, Any]:
    """A company of ../shared: its questions asked, and scored by its own score.py."""
    source = folder / name
    project_folder = state / name
    shutil.copytree(source / "project", project_folder, copy_function=shutil.copyfile)
    subprocess.run([sys.executable, "generate.py"], cwd=project_folder, check=True, capture_output=True)
    answers, result = state / f"{name}.jsonl", state / f"{name}.json"
    with answerable.open(project_folder, state=state / "journal", run="eval") as project, answers.open("w") as out:
        for line, answer in asking.ask_all(project, asking.read(source / "questions.jsonl")):
            out.write(json.dumps({"id": line["id"], "answer": answer.model_dump(mode="json")}) + "\n")
    command = [
        sys.executable,
        str(folder / "score.py"),
        str(source / "questions.jsonl"),
        str(answers),
        "--json",
        str(result),
        "--show",
        "wrong",
    ]
    print(subprocess.run(command, capture_output=True, text=True).stdout)
    summary = json.loads(result.read_text())["summary"]
    known, forbidden = summary["answerable"], summary["not_to_be_answered"]
    return {
        f"{name}: answered wrong": _figure(summary["wrong"], 0, "lower", "hand-written SQL"),
        f"{name}: answered though it must not be": _figure(summary["answered_all_the_same"], 0, "lower", f"{forbidden} not to be answered"),
        f"{name}: answerable and right": _figure(summary["answerable_right"], 0.9 * known, "higher", f"{known} answerable"),
        f"{name}: asked needlessly": _figure(
            summary["verdicts"]["asked-needlessly"], 0.02 * summary["lines"], "lower", f"{summary['lines']} lines"
        ),
    }


def attacked() -> dict[str, Any]:
    """Attacks, honest queries and nosy questions: those that came out otherwise than they must."""
    outcomes = list(attacks.play(ATTACKS))
    print(attacks.table(outcomes))
    wrong = sum(not outcome.fine for outcome in outcomes)
    return {"attacks: lines that leaked, ran, hung or were wrongly denied": _figure(wrong, 0, "lower", f"{len(outcomes)} lines on DuckDB")}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = demo(Path(folder) / "demo")
        if (COMPANIES / "clinic").is_dir():
            found |= company("clinic", COMPANIES, Path(folder))
        else:
            print(f"{COMPANIES} is not there: only the demo is asked.")
        if ATTACKS.is_dir():
            found |= attacked()
    for name, figure in found.items():
        print(f"{name:<56} {figure['value']:>5g}  limit {figure['limit']:<6g} ({figure['against']})")
    out = Path("build/eval.json")
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
