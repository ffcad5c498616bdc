"""Deleting, swapping or turning a word of an answered question never leaves the same answer silently: a sample of `make eval`'s run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import answerable
import pytest
from answerable.agent.ask import Project
from answerable.evals import asking, mutations
from answerable.evals.mutations import Asked, Mutation

EVERY = 7
KNOWN: dict[tuple[str, str], str] = {
    ("alder-218", "opened"): "a list says its window and not the date that it is of",
}
"""Losses that are to be mended, and no more of them."""


@pytest.fixture(scope="module")
def project(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with answerable.open(demo, state=tmp_path_factory.mktemp("state"), run="test") as opened:
        yield opened


def asked(project: Project, question: str) -> Asked:
    (found,) = mutations.answered(project, [{"id": "1", "question": question, "as": "finn@alder.example"}])
    return found


def test_no_word_of_a_sample_is_lost_silently(project: Project) -> None:
    played = Counter[str]()
    lines = asking.read(mutations.QUESTIONS / "alder.jsonl")[::EVERY]
    found = mutations.losses(project, lines, played)
    lost = {(loss.id, loss.mutation.word or loss.mutation.gone) for loss in found}
    assert lost <= KNOWN.keys(), mutations.table([loss for loss in found if loss.id not in {id for id, _ in KNOWN}], played)
    assert played["questions"] >= 45 and all(played[op] > 200 for op in mutations.OPS)


def test_every_word_is_deleted_swapped_and_put_in(project: Project) -> None:
    made = {m.question for m in mutations.mutations(asked(project, "revenue by region in 2025"))}
    assert {
        "by region in 2025", "revenue region in 2025", "revenue by in 2025", "revenue by region in",
        "flurb by region in 2025", "revenue flurb region in 2025", "revenue by flurb in 2025", "revenue by region in flurb",
        "flurb revenue by region in 2025", "revenue flurb by region in 2025", "revenue by region flurb in 2025",
        "revenue by never region in 2025", "revenue by region in not 2025", "premium revenue by region in 2025",
    } <= {question.strip() for question in made}  # fmt: skip


@pytest.mark.parametrize(
    ("op", "gone", "word"), [("delete", "gold", ""), ("swap", "gold", "flurb"), ("insert", "", "flurb"), ("turn", "", "never")]
)
def test_a_planner_that_passes_over_a_word_is_found(project: Project, op: str, gone: str, word: str) -> None:
    whole = asked(project, "revenue from gold customers in 2025")
    mutation = next(m for m in mutations.mutations(whole) if (m.op, m.gone, m.word) == (op, gone, word))
    careless = replace(whole.reading, spans=tuple(span for span in whole.reading.spans if span.kind != "value"))
    assert mutations.lost(whole, mutation, careless)


@pytest.mark.parametrize(("question", "gone"), [("top 3 stores by revenue in 2025", "by"), ("only web orders in 2025", "only")])
def test_a_word_that_says_what_the_rest_says_is_no_loss(project: Project, question: str, gone: str) -> None:
    whole = asked(project, question)
    mutation: Mutation = next(m for m in mutations.mutations(whole) if (m.op, m.gone) == ("delete", gone))
    assert not mutations.lost(whole, mutation, whole.reading)
