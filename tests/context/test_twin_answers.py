"""What the asker may not see changes no part of any Answer: two databases that differ only in it, asked in words, by plan and by SQL."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from answerable.agent.ask import Project
from answerable.agent.journal import Journal
from answerable.context.policy import Principal
from hypothesis import given as drawn
from hypothesis import strategies as st
from stars import STARS, Star, World, world
from test_twins import PLANS, RIGHTS, Rights, numeric, other, queries

OWN = {"id", "thread", "timings", "certificate"}
ANA = Principal("ana", frozenset({"some"}), {"tier": "gold", "least": 0})
WORDS = ["gold", "silver", "x", "2", "hidden", "O'Neil", "a", "b", "goldd", "silvr", "hiden", "score", "member", "tier", "people"]
THINGS = ["customers", "names", "tiers", "orders", "calls", "regions", "scores", "members", "statuses"]
METRICS = ["orders", "people", "amount sum", "gold orders", "calls", "minutes", "buyers", "amount max"]
SPLITS = ["name", "tier", "score", "member", "status", "region", "customer", "month", "amount"]


def _words(form: str, *choices: list[str]) -> st.SearchStrategy[str]:
    return st.builds(form.format, *(st.sampled_from(choice) for choice in choices))


QUESTIONS = st.one_of(
    _words("{} by {}", METRICS, SPLITS),
    _words("{} of {}", METRICS, WORDS),
    _words("{} for {} by {}", METRICS, WORDS, SPLITS),
    _words("list the {}", THINGS),
    _words("list the {} in {}", THINGS, WORDS),
    _words("how many {} are {}", THINGS, WORDS),
    _words("top 2 {} by {}", THINGS, METRICS),
    _words("what is {}?", [*WORDS, *SPLITS, *METRICS]),
    _words("{} without {}", METRICS, WORDS),
    _words("who is {}", WORDS),
    st.just("what can I ask"),
)


@contextmanager
def project(asked: World) -> Iterator[Project]:
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        made = Project(asked.catalog, asked.engine, Journal(state / "journal.db"), state, lambda: dt.datetime(2025, 3, 31, 12), run="test")
        yield made
        made.journal.close()


def answers(made: Project, questions: list[Any], audience: tuple[str, ...] | None) -> Iterator[dict[str, Any]]:
    """All of each answer but its own, and all that is suggested from."""
    for question in questions:
        if isinstance(question, dict):
            answer = made.query(question, ANA)
        elif question.startswith(("select", "with")):
            answer = made.sql(question, ANA)
        else:
            answer = made.ask(question, ANA, thread="t", audience=audience)
        yield {key: value for key, value in answer.model_dump(mode="json").items() if key not in OWN}
    sight = made.sights.of(ANA)
    yield {"values": sorted(map(repr, sight.lexicon.values.members)), "metrics": sorted(sight.catalog.metrics)}


@drawn(
    STARS,
    STARS,
    RIGHTS,
    st.lists(st.one_of(QUESTIONS, QUESTIONS, PLANS, queries()), min_size=4, max_size=12),
    st.sampled_from([None, ("some",)]),
)
def test_two_databases_that_differ_only_in_what_the_asker_may_not_see_give_equal_answers(
    star: Star, twin: Star, rights: Rights, questions: list[Any], audience: tuple[str, ...] | None
) -> None:
    star = numeric(star, rights)
    with (
        world(star, **rights.policies) as one,
        world(other(star, twin, rights), **rights.policies) as two,
        project(one) as first,
        project(two) as second,
    ):
        found = (answers(made, questions, audience) for made in (first, second))
        for mine, theirs, question in zip(*found, [*questions, "values"], strict=True):
            assert mine == theirs, (question, rights)
