"""The commands that play suites: questions with what must become of them, other people's cases, attacks."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from answerable.integrations import indexing
from answerable.integrations.app import Modelled, Planned, open_project
from answerable.integrations.command import project_options, told
from answerable.integrations.printing import say, say_json

if TYPE_CHECKING:
    from answerable.agent.answer import Answer


@click.group("eval")
def evaluate() -> None:
    """Suites that say how good the answers are."""


@evaluate.command("questions")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One line per question on standard output.")
@click.option("--planner", type=click.Choice(["auto", "embedded", "model"]), help="Instead of what answerable.yml says.")
@click.option(
    "--record", type=click.Path(path_type=Path, file_okay=False), help="Keep what goes to a language model and back in this folder."
)
@click.option("--replay", type=click.Path(path_type=Path, file_okay=False), help="Play what was kept in this folder instead of asking.")
@project_options
@told
def eval_questions(
    file: Path, as_json: bool, planner: Planned | None, record: Path | None, replay: Path | None, folder: Path, state: Path | None,
    user: str | None,
) -> None:  # fmt: skip
    """Ask every question of FILE and say what came of them."""
    from answerable.evals import asking, scoring

    lines = asking.read(file)
    expected = any(line.get("expect") for line in lines)
    counts: Counter[str] = Counter()
    answers: list[Answer] = []
    scored: list[scoring.Scored] = []
    with open_project(folder, state, surface="eval", run="eval", modelled=Modelled(planner, record, replay)) as project:
        project.principal(user)
        for line, answer in asking.ask_all(project, lines):
            counts[answer.status] += 1
            answers.append(answer)
            if as_json:
                say_json({"id": line["id"], "answer": answer.model_dump(mode="json")})
            if expected:
                scored.append(scoring.score(project, line, answer))
    if scored:
        say(scoring.table(scored), err=as_json)
    say(", ".join(f"{status} {n}" for status, n in sorted(counts.items())) or "no questions", err=as_json)
    if spent := scoring.spent(answers):
        say(spent, err=as_json)
    sys.exit(1 if counts.get("error") or any(s.verdict == "wrong" for s in scored) else 0)


@evaluate.command("conformance")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One line per case on standard output.")
@click.option("--sql", "with_sql", is_flag=True, help="With its SQL.")
@click.option("--only", default="", help="Cases whose id holds this.")
@click.option("--from", "form", type=click.Choice(["json", "yaml"]), default="json", show_default=True, help="The form of the manifests.")
@told
def eval_conformance(folder: Path, as_json: bool, with_sql: bool, only: str, form: str) -> None:
    """Play MetricFlow's cases through import, compiler, gate and DuckDB."""
    from answerable.evals import conformance

    with tempfile.TemporaryDirectory() as work:
        outcomes = []
        for outcome in conformance.run(folder, Path(work), only, form):
            outcomes.append(outcome)
            if as_json:
                say_json(conformance.line(outcome, with_sql))
    say(conformance.summary(outcomes), err=as_json)
    sys.exit(1 if any(o.verdict == "failed" for o in outcomes) else 0)


@evaluate.command("attacks")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One line per case on standard output.")
@click.option("--warehouse", help="An administrator's postgresql:// URL: play the PostgreSQL part, in databases of its own.")
@click.option("--only", default="", help="Classes whose name holds this.")
@told
def eval_attacks(folder: Path, as_json: bool, warehouse: str | None, only: str) -> None:
    """Play attacks and honest queries through the gate, and nosy questions through ask."""
    from answerable.evals import attacks

    outcomes = []
    for outcome in attacks.play(folder, warehouse, only):
        outcomes.append(outcome)
        if as_json:
            say_json(asdict(outcome))
        elif not outcome.fine:
            say(f"{outcome.verdict:<14} {outcome.id}  {outcome.group}  {outcome.why}"[:200])
    say(attacks.table(outcomes), err=as_json)
    sys.exit(0 if all(outcome.fine for outcome in outcomes) else 1)


@evaluate.command("retrieval")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One line per question on standard output.")
@click.option("--embedder", default="", help="lexical, openai:MODEL or local:FOLDER_OR_PACKAGE beside the words (default: words alone).")
@click.option("--url", help="Where an openai: embedder is.")
@told
def eval_retrieval(folder: Path, as_json: bool, embedder: str, url: str | None) -> None:
    """Search the tables of FOLDER for each of its questions, and say how many of the right ones come first."""
    from answerable.evals import retrieval

    with tempfile.TemporaryDirectory() as work:
        index = indexing.index_of(retrieval.catalogue(retrieval.read(folder, "catalogue")), Path(work), embedder, url) if embedder else None
        outcomes = []
        for outcome in retrieval.play(folder, index):
            outcomes.append(outcome)
            if as_json:
                say_json(outcome.data())
    say(retrieval.summary(outcomes), err=as_json)
