"""A model's plan that is nearly right is not taken: a sample of the set, and each way to make one."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import answerable
import pytest
from answerable.agent.ask import Project
from answerable.evals import asking
from answerable.evals.counterfeits import counterfeits, taken

EVERY = 9
QUESTIONS = Path(__file__).parents[2] / "evals" / "questions" / "alder.jsonl"


@pytest.fixture(scope="module")
def project(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with answerable.open(demo, state=tmp_path_factory.mktemp("state"), run="test") as opened:
        yield opened


def test_no_counterfeit_of_a_sample_is_taken(project: Project) -> None:
    played: Counter[str] = Counter()
    assert list(taken(project, asking.read(QUESTIONS)[::EVERY], played)) == []
    assert played["counterfeits"] > 500
    assert played["right plan taken"] > played["right plan refused"]


def test_each_part_is_dropped_added_and_turned() -> None:
    plan = {"metrics": ["revenue"], "by": ["channel"], "where": ["status = 'completed'"], "order": ["-revenue"], "limit": 3}
    other = {"metrics": ["orders"], "by": ["customer.region"], "where": ["channel = 'app'"]}
    made = Counter(how for how, _ in counterfeits(plan, [other], random.Random(1)))
    assert {
        "metrics dropped", "by dropped", "where dropped", "metrics of another", "metrics added", "by of another", "where added",
        "where turned", "order turned", "limit dropped", "limit added", "comparison added", "plan of another",
    } <= made.keys()  # fmt: skip
