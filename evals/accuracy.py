"""`python -m answerable.evals.accuracy` asks the sets of questions that are there, prints what came of them and writes build/eval.json."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import answerable
from answerable.agent.answer import Answer
from answerable.evals import asking, attacks, counterfeits, scoring, verified

COMPANIES = Path("../shared/data/companies")
ATTACKS = Path("../shared/data/attacks")
METRICFLOW = Path("../shared/data/metricflow")


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


def own(name: str, project_folder: Path, state: Path) -> dict[str, Any]:
    """A set of questions of this repository, asked of its project and scored by kind."""
    lines = asking.read(Path(f"evals/questions/{name}.jsonl"))
    with answerable.open(project_folder, state=state / f"{name}-state", run="eval") as project:
        found = [scoring.score(project, line, answer) for line, answer in asking.ask_all(project, lines)]
    print(f"{name}\n{scoring.table(found)}\n")
    for one in found:
        if one.verdict == "wrong":
            print(f"wrong: {one.line['id']} {one.line['question']}")
    open_lines = [s for s in found if "answered" in (s.line.get("expect") or {}).get("status", ["answered"])]
    right = sum(s.verdict in ("right", "asked rightly") for s in open_lines)
    needless = sum(s.verdict == "asked needlessly" for s in found)
    return {
        f"{name}: answered wrong": _figure(sum(s.verdict == "wrong" for s in found), 0, "lower", f"{len(found)} lines, plans run"),
        f"{name}: answerable, right or rightly asked": _figure(right, 0.9 * len(open_lines), "higher", f"{len(open_lines)} answerable"),
        f"{name}: asked needlessly": _figure(needless, 0.02 * len(found), "lower", f"{len(found)} lines"),
    }


def trusted(state: Path) -> dict[str, Any]:
    """Plans that are nearly right, offered as a language model would: none may be taken, and the right ones should be."""
    played: Counter[str] = Counter()
    lines = asking.read(Path("evals/questions/alder.jsonl"))
    with answerable.open("demo", state=state / "counterfeits", run="eval") as project:
        taken = list(counterfeits.taken(project, lines, played))
    for one in taken:
        print(f"taken: {one.id} {one.how}: {one.question}")
    right, refused = played["right plan taken"], played["right plan refused"]
    return {
        "model planner: counterfeit plans taken": _figure(len(taken), 0, "lower", f"{played['counterfeits']} counterfeits"),
        "model planner: right plans taken": _figure(right, 0.7 * (right + refused), "higher", f"{right + refused} right plans"),
    }


def imported(folder: Path) -> Path:
    """dbt's project of ../shared, imported with its tables."""
    from answerable.context.importers.dbt import read_manifest
    from answerable.context.importers.project import write_project

    warehouse, project = folder / "metricflow.duckdb", folder / "metricflow"
    subprocess.run([sys.executable, str(METRICFLOW / "load_tables.py"), str(warehouse)], check=True, capture_output=True)
    write_project(read_manifest(METRICFLOW / "manifests_json" / "simple_manifest.json"), project, "Listings", f"duckdb:{warehouse}")
    return project


def is_held_out(id: str) -> bool:
    """Whether a question belongs to the third by which nothing is built: fixed by the hash of its id."""
    return int(hashlib.sha256(id.encode()).hexdigest(), 16) % 3 == 0


def company(name: str, folder: Path, state: Path) -> dict[str, Any]:
    """A company of ../shared: its questions asked, and scored by its own score.py."""
    source = folder / name
    project_folder = state / name
    shutil.copytree(source / "project", project_folder, copy_function=shutil.copyfile)
    subprocess.run([sys.executable, "generate.py"], cwd=project_folder, check=True, capture_output=True)
    lines = asking.read(source / "questions.jsonl")
    with answerable.open(project_folder, state=state / "journal", run="eval") as project:
        answers = {line["id"]: answer.model_dump(mode="json") for line, answer in asking.ask_all(project, lines)}
    found: dict[str, Any] = {}
    for part, kept in ((name, lines), (f"{name}, held out", [line for line in lines if is_held_out(line["id"])])):
        summary = _scored(folder, state, part, kept, answers)
        known, forbidden = summary["answerable"], summary["not_to_be_answered"]
        needless, named = summary["verdicts"]["asked-needlessly"], summary["gap_named"]
        found |= {
            f"{part}: answered wrong": _figure(summary["wrong"], 0, "lower", "hand-written SQL"),
            f"{part}: answered though it must not be": _figure(
                summary["answered_all_the_same"], 0, "lower", f"{forbidden} not to be answered"
            ),
            f"{part}: answerable and right": _figure(summary["answerable_right"], 0.9 * known, "higher", f"{known} answerable"),
            f"{part}: asked needlessly": _figure(needless, 0.02 * summary["lines"], "lower", f"{summary['lines']} lines"),
            f"{part}: gap named": _figure(
                named["gaps"], 0.9 * sum(named.values()), "higher", f"{sum(named.values())} declined with a gap to name"
            ),
        }
    return found


def _scored(folder: Path, state: Path, part: str, lines: list[dict[str, Any]], answers: dict[str, Any]) -> dict[str, Any]:
    """The summary of the company's own score.py over some of its lines."""
    file, given, result = (state / f"{part}{ending}" for ending in (".questions.jsonl", ".answers.jsonl", ".json"))
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    given.write_text("".join(json.dumps({"id": line["id"], "answer": answers[line["id"]]}) + "\n" for line in lines))
    command = [sys.executable, str(folder / "score.py"), str(file), str(given), "--json", str(result)]
    shown = subprocess.run(command, capture_output=True, text=True).stdout
    print(f"{part}\n{shown}" if "held" not in part else "")
    summary: dict[str, Any] = json.loads(result.read_text())["summary"]
    return summary


def attacked() -> dict[str, Any]:
    """Attacks, honest queries and nosy questions: those that came out otherwise than they must."""
    outcomes = list(attacks.play(ATTACKS))
    print(attacks.table(outcomes))
    wrong = sum(not outcome.fine for outcome in outcomes)
    return {"attacks: lines that leaked, ran, hung or were wrongly denied": _figure(wrong, 0, "lower", f"{len(outcomes)} lines on DuckDB")}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = demo(Path(folder) / "demo")
        found |= own("alder", Path("demo"), Path(folder))
        found |= trusted(Path(folder))
        if METRICFLOW.is_dir():
            found |= own("metricflow", imported(Path(folder)), Path(folder))
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
