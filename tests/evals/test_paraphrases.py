"""Lines of one group ask the same thing in other words: those that are answered give one plan or the same rows, never two numbers."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import answerable
import pytest
from answerable.agent.answer import Answer
from answerable.context.query import as_query
from answerable.evals import asking
from answerable.evals.mutations import METRICFLOW, QUESTIONS, imported
from answerable.evals.scoring import same


def at_odds(folder: Path, state: Path, lines: list[dict[str, Any]]) -> Iterator[list[tuple[str, Any]]]:
    """The groups whose answered lines differ, each with a line for each answer. Lines compare by their day, asker and expected plan."""
    groups = defaultdict[str, list[Answer]](list)
    with answerable.open(folder, state=state, run="test") as project:
        for line, answer in asking.ask_all(project, [line for line in lines if line.get("group")]):
            expect = line["expect"]
            about = [line["group"], line.get("today"), line.get("as")]
            wanted = [*about, expect.get("match", "exact"), expect.get("plan"), expect.get("alternatives")]
            if answer.status == "answered" and answer.kind == "data":
                groups[json.dumps(wanted, sort_keys=True)].append(answer)
    for key, answers in groups.items():
        if not all(_one(answers[0], other, json.loads(key)[3]) for other in answers):
            yield [(answer.question, answer.plan) for answer in answers]


def _one(one: Answer, other: Answer, match: str) -> bool:
    """Whether two answers are one. Where cells are asked for, as of a growth, one may have more of them than the other."""
    if as_query(one.plan or {}).hash == as_query(other.plan or {}).hash:
        return True
    return same(one.rows, other.rows, match) or (match != "exact" and same(other.rows, one.rows, match))


def test_paraphrases_about_the_demo_are_never_at_odds(demo: Path, tmp_path: Path) -> None:
    assert list(at_odds(demo, tmp_path / "state", asking.read(QUESTIONS / "alder.jsonl"))) == []


@pytest.mark.skipif(not METRICFLOW.is_dir(), reason="../shared/data/metricflow is not there")
def test_paraphrases_about_imported_models_are_never_at_odds(tmp_path: Path) -> None:
    assert list(at_odds(imported(tmp_path), tmp_path / "state", asking.read(QUESTIONS / "metricflow.jsonl"))) == []


def test_two_numbers_for_one_group_are_found(demo: Path, tmp_path: Path) -> None:
    lines = [{"id": q, "question": q, "group": "g", "expect": {}} for q in ("revenue last month", "net revenue last month")]
    asked = [line | {"as": "finn@alder.example"} for line in lines]
    assert len(list(at_odds(demo, tmp_path / "state", asked))) == 1
