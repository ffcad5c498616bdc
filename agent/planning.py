"""A question of a thread becomes a plan: the reading that was picked, or what the embedded planner reads."""

from __future__ import annotations

from dataclasses import dataclass, replace

from answerable.agent import embedded
from answerable.agent.asked import Asked
from answerable.agent.clauses import last_clause
from answerable.agent.journal import Journal
from answerable.agent.plan import Plan, Reading
from answerable.agent.sight import Sight
from answerable.agent.thread import Turn, picked, picked_by_words
from answerable.agent.when import Reader
from answerable.context.catalog import Catalog
from answerable.context.query import as_query
from answerable.context.words import fold

KEPT = 1000
"""Questions whose plan is kept, as one set of rights has it."""


@dataclass(frozen=True)
class Planning:
    """Plans the questions of one project."""

    catalog: Catalog
    journal: Journal

    def plan(self, asked: Asked, sight: Sight, reader: Reader, earlier: tuple[Turn, ...]) -> Plan:
        """What the embedded planner reads, or the reading that a reply picks."""
        if earlier:
            plan = self._picked(asked, sight, reader, earlier) or embedded.plan(asked.question, sight.lexicon, reader, earlier)
            return self._moved(plan, earlier)
        key = (asked.question, asked.today)
        if key not in sight.plans:
            if len(sight.plans) >= KEPT:
                sight.plans.clear()
            sight.plans[key] = embedded.plan(asked.question, sight.lexicon, reader)
        return sight.plans[key]

    def earlier(self, asked: Asked) -> tuple[Turn, ...]:
        """What this person has asked in this thread so far, or up to what a reply is to: before the same readers, or, alone, before any."""
        records = self.journal.thread(asked.thread, asked.asker.id) if asked.thread else []
        ids = [r["id"] for r in records]
        if asked.door.replies_to in ids:
            records = records[: ids.index(asked.door.replies_to) + 1]
        readers = list(asked.audience) if asked.audience is not None else None
        return tuple(
            Turn(r["question"], r["plan"], r["status"], r["catalogue"], tuple(r["options"] or ()))
            for r in records
            if readers is None or r["audience"] == readers
        )

    def settled(self, asked: Asked, plan: Plan, sight: Sight) -> Reading | None:
        """The reading that a confirmed verified question of the very same words has settled; never one that is only alike."""
        said = fold(asked.question)
        for verified in self.catalog.verified if len(plan.readings) > 1 else ():
            if verified.plan is None or fold(verified.question) != said or verified.of != self.catalog.fingerprint(as_query(verified.plan)):
                continue
            then = embedded.plan(verified.question, sight.lexicon, Reader(verified.today or asked.today, self.catalog.settings))
            wanted = as_query(verified.plan).hash
            place = next((n for n, reading in enumerate(then.readings) if reading.query.hash == wanted), None)
            if place is not None and len(then.readings) == len(plan.readings):
                said_so = f"A verified question of these words means {plan.readings[place].words}."
                return replace(plan.readings[place], assumptions=(said_so, *plan.readings[place].assumptions))
        return None

    def last_clause(self, question: str, plan: Plan, sight: Sight, reader: Reader) -> Reading | None:
        """The last clause of a question, where it is a question by itself."""
        return last_clause(question, plan, lambda text: embedded.plan(text, sight.lexicon, reader))

    def _moved(self, plan: Plan, earlier: tuple[Turn, ...]) -> Plan:
        """A plan that says when definitions have changed since the thread's last question."""
        if not earlier or earlier[-1].catalogue == self.catalog.version:
            return plan
        said = "The definitions have changed since the question before."
        return replace(plan, readings=tuple(replace(r, assumptions=(said, *r.assumptions)) for r in plan.readings))

    def _picked(self, asked: Asked, sight: Sight, reader: Reader, earlier: tuple[Turn, ...]) -> Plan | None:
        """The reading that a reply such as "2", "the second" or "net revenue" picks from the readings that were offered last."""
        offered = earlier[-1].offered if earlier else ()
        number = picked(asked.question, len(offered)) or picked_by_words(asked.question, [o["reading"] for o in offered])
        if number is None or number > len(offered):
            return None
        query = as_query(dict(offered[number - 1]["plan"]))
        before = embedded.plan(earlier[-1].question, sight.lexicon, reader, earlier[:-1])
        again = [*before.readings, *filter(None, [self.last_clause(earlier[-1].question, before, sight, reader)])]
        reading = next((r for r in again if r.query.hash == query.hash), Reading(query, before.spans))
        return Plan(readings=(reading,), spans=reading.spans)
