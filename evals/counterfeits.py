"""Plans that are nearly right, offered as a language model would: none may be taken. `python -m answerable.evals.counterfeits`

Each question of a set is put beside its own plan with one part dropped, added, turned around or taken from another question. What the
check of a model's plan lets through, and gives other rows than the right plan, is a counterfeit that was taken.
"""

from __future__ import annotations

import datetime as dt
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import answerable
from answerable.agent.ask import Project
from answerable.agent.model.accounted import account
from answerable.agent.model.contract import as_sketch
from answerable.agent.model.sketched import placed
from answerable.agent.model.steps import Malformed, Sketch
from answerable.agent.when import Reader
from answerable.context.errors import AnswerableError
from answerable.context.query import SemanticQuery
from answerable.evals import asking
from answerable.evals.scoring import same
from pydantic import ValidationError

Data = dict[str, Any]
TURNS = ((" = ", " <> "), (" <> ", " = "), (" in ", " not in "), (" > ", " < "), (" < ", " > "), (" >= ", " < "), (" <= ", " > "))
BEYOND = frozenset(("each", "rows", "bounds"))
"""What a sketch can't say."""
STRANGERS = 6
"""Plans of other questions that are put beside a question that has no answer."""


@dataclass(frozen=True)
class Taken:
    """A counterfeit that was let through."""

    id: str
    how: str
    question: str
    plan: Data


def counterfeits(plan: Data, others: list[Data], chance: random.Random) -> Iterator[tuple[str, Data]]:
    """Plans that differ in one part, each with how it was made."""
    for key in ("metrics", "by", "where", "having"):
        for i in range(len(plan.get(key, ()))):
            yield f"{key} dropped", {**plan, key: plan[key][:i] + plan[key][i + 1 :]}
    other = chance.choice(others)
    for key in ("metrics", "by", "where"):
        if other.get(key) and other[key] != plan.get(key):
            yield f"{key} of another", {**plan, key: other[key]}
            yield f"{key} added", {**plan, key: [*plan.get(key, ()), *other[key]]}
    for key in ("where", "having"):
        for before, after in TURNS:
            if plan.get(key) and before in plan[key][0]:
                yield f"{key} turned", {**plan, key: [plan[key][0].replace(before, after), *plan[key][1:]]}
    if plan.get("order"):
        yield "order turned", {**plan, "order": [name[1:] if name.startswith("-") else f"-{name}" for name in plan["order"]]}
    for key in ("limit", "share"):
        if key in plan:
            yield f"{key} dropped", {k: v for k, v in plan.items() if k != key}
    if plan.get("metrics"):
        yield "limit added", {**plan, "limit": 3, "order": [f"-{plan['metrics'][0]}"]}
        yield "comparison added", {**plan, "compare": {"to": "previous"}}
    yield "plan of another", other


def taken(project: Project, lines: list[Data], played: Counter[str], seed: int = 7) -> Iterator[Taken]:
    """The counterfeits of a set that are taken; `played` counts those that were tried, and the right plans by what came of them."""
    chance = random.Random(seed)
    plans = [plan for line in lines if (plan := line["expect"].get("plan")) and not BEYOND & plan.keys()]
    for line in lines:
        statuses = line["expect"].get("status") or ["answered"]
        own = line["expect"].get("plan")
        if line.get("history") or (own and BEYOND & own.keys()) or ("answered" in statuses and not own):
            continue
        rights = [own, *(line["expect"].get("alternatives") or ())] if "answered" in statuses else []
        if rights:
            played["right plan taken" if _let_through(project, line, own) else "right plan refused"] += 1
        tries = list(counterfeits(own or chance.choice(plans), plans, chance))
        tries += [] if rights else [("plan of another", chance.choice(plans)) for _ in range(STRANGERS)]
        for how, plan in tries:
            played["counterfeits"] += 1
            found = _let_through(project, line, plan) if plan not in rights else None
            if found is not None and not _is_right(project, line, found, rights):
                yield Taken(line["id"], how, line["question"], plan)


def _let_through(project: Project, line: Data, plan: Data) -> SemanticQuery | None:
    """The plan as it would be answered without asking, if the check takes it."""
    sight = project.sights.of(project.principal(line.get("as")))
    today = dt.date.fromisoformat(line["today"]) if line.get("today") else project.today()
    try:
        shape = placed(Sketch.model_validate(as_sketch(plan)), sight.catalog)
        found = account(line["question"], shape, (), sight.lexicon, Reader(today, project.catalog.settings), None)
        if not found.holds or found.claims:
            return None
        shape.timed(found.timing).compiled(sight.catalog)
    except (Malformed, ValidationError, AnswerableError):
        return None
    return shape.timed(found.timing).query


def _is_right(project: Project, line: Data, query: SemanticQuery, rights: list[Data]) -> bool:
    """Whether a plan gives the rows of a right one."""
    given = project.query(query, user=line.get("as"))
    if given.status != "answered":
        return True
    match = line["expect"].get("match", "exact")
    return any(same(project.query(right, user=line.get("as")).rows, given.rows, match) for right in rights)


def main() -> None:
    lines = asking.read(Path("evals/questions/alder.jsonl"))
    played: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as state, answerable.open("demo", state=Path(state), run="eval") as project:
        for one in taken(project, lines, played):
            print(f"{one.id}  {one.how}: {one.question}  {one.plan}")
            played["taken"] += 1
    print(", ".join(f"{name} {n}" for name, n in sorted(played.items())))


if __name__ == "__main__":
    main()
