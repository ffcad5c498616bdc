"""Questions that the team stands behind: run them, and put the mark of what was verified on them."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from answerable.agent.answer import plain
from answerable.agent.ask import Project
from answerable.context.catalog import Catalog, VerifiedQuestion, visible
from answerable.context.compiler import compile_query
from answerable.context.errors import AnswerableError, UsageError
from answerable.context.guard import govern
from answerable.context.policy import Principal
from answerable.context.query import SemanticQuery, as_query


@dataclass(frozen=True)
class Outcome:
    """What one verified question showed: `right`, `differs`, `unproven` (no plan or no value) or `failed`; and how its mark stands."""

    question: VerifiedQuestion
    verdict: str
    mark: str
    says: str = ""


def mark_of(question: VerifiedQuestion, catalog: Catalog) -> str:
    """`confirmed`, `pending` (never marked) or `fallen` (a definition changed since)."""
    if question.of is None or question.plan is None:
        return "pending"
    return "confirmed" if question.of == catalog.fingerprint(question.plan) else "fallen"


def run(project: Project) -> list[Outcome]:
    """Compute each question with unfiltered rights and compare it with its trusted value."""
    return [_outcome(project, question) for question in project.catalog.verified]


def _outcome(project: Project, question: VerifiedQuestion) -> Outcome:
    mark = mark_of(question, project.catalog)
    wanted = question.rows if question.rows is not None else ((question.value,),) if question.value is not None else None
    if question.plan is None or wanted is None:
        return Outcome(question, "unproven", mark, "it has no plan" if question.plan is None else "it has no trusted value to compare with")
    whole = replace(project.catalog, policies={})
    try:
        compiled = compile_query(question.plan, visible(whole, Principal()))
        rows = project.engine.run(govern(compiled.tree, whole, Principal(), project.engine.site)).rows
    except AnswerableError as error:
        return Outcome(question, "failed", mark, str(error))
    if len(rows) != len(wanted):
        return Outcome(question, "differs", mark, f"{len(rows)} rows instead of {len(wanted)}")
    for n, (got, want) in enumerate(zip(rows, wanted, strict=True), 1):
        if len(got) != len(want) or not all(_equal(plain(a), b, question.tolerance) for a, b in zip(got, want, strict=True)):
            return Outcome(question, "differs", mark, f"row {n} is {list(map(plain, got))} instead of {list(want)}")
    return Outcome(question, "right", mark)


def _equal(got: Any, want: Any, tolerance: float) -> bool:
    if isinstance(got, (int, float)) and isinstance(want, (int, float)) and not isinstance(got, bool):
        return math.isclose(got, want, rel_tol=1e-9, abs_tol=max(tolerance, 1e-9))
    return bool(got == want or str(got) == str(want))


def add(folder: Path, project: Project, question: str, by: str, user: str | None = None) -> SemanticQuery:
    """Write a question down as verified by somebody, with the plan that it is read as. Raises UsageError where it has not one reading."""
    if not by.strip():
        raise UsageError("--by is who confirms it: give a name or an address.")
    if any(v.question.casefold() == question.casefold() for v in project.catalog.verified):
        raise UsageError(f"{question!r} is a verified question already; `answerable verified confirm` renews its mark.")
    answer = project.ask(question, user=user)
    if answer.status != "answered" or answer.plan is None:
        raise UsageError(f"{question!r} has no plan to confirm: {answer.text}")
    plan = as_query(answer.plan)
    today = project.today().isoformat()
    entry = {
        "question": question,
        "of": project.catalog.fingerprint(plan),
        "plan": answer.plan,
        "today": today,
        "source": {"by": by, "on": today},
    }
    file = folder / "verified" / "added.yml"
    file.parent.mkdir(exist_ok=True)
    with file.open("a", encoding="utf-8") as handle:
        handle.write("- " + json.dumps(entry, ensure_ascii=False) + "\n")
    return plan


def confirm(folder: Path, catalog: Catalog, outcomes: list[Outcome]) -> list[VerifiedQuestion]:
    """Write the mark (`of`) of each right question into its file, leaving all else in the file as it is; gives those marked."""
    marked = [o.question for o in outcomes if o.verdict == "right" and o.mark != "confirmed"]
    for file in sorted({question.where.file for question in marked}):
        lines = (folder / file).read_text(encoding="utf-8").splitlines(keepends=True)
        mine = sorted((q for q in marked if q.where.file == file), key=lambda q: -q.where.line)
        for question in mine:
            assert question.plan is not None
            _mark(lines, question.where.line - 1, catalog.fingerprint(question.plan))
        (folder / file).write_text("".join(lines), encoding="utf-8")
    return marked


def _mark(lines: list[str], start: int, mark: str) -> None:
    """Set `of:` within the list entry that begins at `start`."""
    dash = re.match(r"(\s*)- ", lines[start])
    indent = (dash[1] if dash else "") + "  "
    end = next(
        (n for n in range(start + 1, len(lines)) if lines[n].strip() and len(lines[n]) - len(lines[n].lstrip()) < len(indent)), len(lines)
    )
    for n in range(start + 1, end):
        if re.match(rf"{indent}of:", lines[n]):
            lines[n] = f'{indent}of: "{mark}"\n'
            return
    lines.insert(start + 1, f'{indent}of: "{mark}"\n')
