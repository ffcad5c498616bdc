"""Asking back: readings with their numbers to pick from, a clause to say yes to, and where a number changed when the cause is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from answerable.agent import describe
from answerable.agent.answer import Answer, plain
from answerable.agent.asked import Asked
from answerable.agent.plan import AMBIGUOUS, Gap, Plan, Reading, Result
from answerable.agent.running import Runner
from answerable.agent.sentence import sentence
from answerable.agent.sight import Sight
from answerable.agent.why import contributions, option
from answerable.context.engines.base import Rows

ALIKE = 1e-9
MOST = 4
"""Readings that are computed; with more, the asker picks by name."""


@dataclass(frozen=True)
class Clarifier:
    """Computes what an asker may pick from."""

    runner: Runner

    def computed(self, plan: Plan, sight: Sight, asked: Asked, timings: dict[str, float]) -> list[Result]:
        """The results of the readings, as many as are computed."""
        return [self.runner.run(reading, sight, asked, timings) for reading in plan.readings[:MOST]]

    def several(self, plan: Plan, results: list[Result], sight: Sight, asked: Asked, timings: dict[str, float]) -> Answer:
        """The question back, with each reading in words and its number."""
        options = self._options(plan, results, sight, asked, timings)
        word = describe.open_word(plan)
        near = tuple(o["reading"] for o in options)
        closes = "a rule, or a verified question"
        gaps = (Gap(AMBIGUOUS, word.text, word.start, word.end, nearest=near, closes=closes),) if word else ()
        return Answer(
            status="clarify", question=asked.question, text=describe.which_one(word, options), options=options, gaps=gaps,
            grounding=plan.spans, thread=asked.thread,
        )  # fmt: skip

    def _options(
        self, plan: Plan, results: list[Result], sight: Sight, asked: Asked, timings: dict[str, float]
    ) -> tuple[dict[str, Any], ...]:
        wholes = [self.runner.whole(result, sight, asked, timings) for result in results]
        return tuple(
            describe.option(reading, result, total, self.runner.catalog.settings)
            for reading, result, total in zip(plan.readings, results, wholes, strict=False)
        )

    def offered(self, clause: Reading, plan: Plan, gaps: tuple[Gap, ...], sight: Sight, asked: Asked, timings: dict[str, float]) -> Answer:
        """The clause that is a question by itself, with its number, to say yes to."""
        result = self.runner.run(clause, sight, asked, timings)
        option = describe.option(clause, result, self.runner.whole(result, sight, asked, timings), self.runner.catalog.settings)
        return Answer(
            status="clarify", question=asked.question, text=describe.is_it_this(gaps, plan, option), options=(option,), gaps=gaps,
            grounding=plan.spans, thread=asked.thread,
        )  # fmt: skip

    def guessed(self, plan: Plan, sight: Sight, asked: Asked, timings: dict[str, float]) -> Answer:
        """What only a language model makes of words that nobody has defined, with its number, to say yes to."""
        results = self.computed(plan, sight, asked, timings)
        options = self._options(plan, results, sight, asked, timings)
        return Answer(
            status="clarify", question=asked.question, text=describe.is_it_guessed(plan.gaps, options), options=options, gaps=plan.gaps,
            grounding=plan.spans, thread=asked.thread,
        )  # fmt: skip

    def why(self, plan: Plan, sight: Sight, asked: Asked, timings: dict[str, float]) -> Answer:
        """Where a number changed, to pick from, when it's asked why; what is missing, where the change itself is not read."""
        if not plan.readings:
            return Answer(
                status="declined", question=asked.question, text=describe.declined(plan.gaps, plan.spans), gaps=plan.gaps,
                grounding=plan.spans, thread=asked.thread,
            )  # fmt: skip
        reading = plan.readings[0]
        total = self.runner.run(reading, sight, asked, timings)
        found = contributions(reading, lambda query: self.runner.run(Reading(query), sight, asked, timings), sight.catalog)
        settings = self.runner.catalog.settings
        made = sentence(reading.query, total.compiled.columns, total.rows.rows, False, settings, total.days, reading.scope)
        return Answer(
            status="clarify" if found else "declined", question=asked.question,
            text=describe.where_it_changed(plan.gaps[0], made.text, [option(one) for one in found]),
            options=tuple(map(option, found)), gaps=plan.gaps, grounding=plan.spans, thread=asked.thread,
        )  # fmt: skip


def agreed(plan: Plan, results: list[Result]) -> Reading | None:
    """The first reading, which says that there are others, where all of them give one and the same number."""
    first = plan.readings[0]
    if len(plan.readings) > len(results) or not all(_alike(results[0].rows, other.rows) for other in results[1:]):
        return None
    readings = " and ".join(dict.fromkeys(reading.words for reading in plan.readings))
    return replace(first, assumptions=(*first.assumptions, f"There are {len(results)} readings, {readings}; all give the same."))


def _alike(one: Rows, other: Rows) -> bool:
    """Whether two results hold the same numbers for the same keys, whatever their columns are called."""
    if len(one.rows) != len(other.rows):
        return False
    pairs = ((a, b) for x, y in zip(one.rows, other.rows, strict=True) for a, b in zip(x, y, strict=False))
    same_width = all(len(x) == len(y) for x, y in zip(one.rows, other.rows, strict=True))
    return same_width and all(_same(plain(a), plain(b)) for a, b in pairs)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b) <= ALIKE * max(abs(a), abs(b), 1)
    return bool(a == b)
