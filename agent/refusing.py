"""Why there is no answer: what is missing and what is only not this asker's to see are told apart, and go to different people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from answerable.agent import describe, embedded
from answerable.agent.answer import Answer
from answerable.agent.asked import Asked
from answerable.agent.clarifying import Clarifier
from answerable.agent.denials import Denials
from answerable.agent.plan import MISSING, NOT_ENDORSED, Gap, Plan
from answerable.agent.planned import gap_of
from answerable.agent.planning import Planning
from answerable.agent.sight import Sight, Sights
from answerable.agent.when import Reader
from answerable.context.compiler import compile_query
from answerable.context.errors import DeniedError, PlanError
from answerable.context.query import SemanticQuery

ALONE = " Not everybody who reads here may see it: ask it alone."


@dataclass(frozen=True)
class Refusals:
    """Tells why, for one project."""

    sights: Sights
    denials: Denials
    clarifier: Clarifier
    planning: Planning

    def lacking(self, plan: Plan, sight: Sight, asked: Asked, reader: Reader, timings: dict[str, float]) -> Answer:
        """What is missing, and what is only not this asker's to see, are told apart, and go to different people."""
        if forbidden := self.denials.of_question(asked.question, plan, sight, asked.principal, reader, self.planning.earlier(asked)):
            return self.denied(forbidden, asked, grounding=plan.spans)
        asked.touched.decided(self.sights.beyond(asked.principal).decided(gap.text for gap in plan.gaps if gap.type in MISSING))
        gaps = tuple(describe.with_nearest(self._typed(gap, asked), sight.lexicon) for gap in plan.gaps)
        if clause := self.planning.last_clause(asked.question, plan, sight, reader):
            return self.clarifier.offered(clause, plan, gaps, sight, asked, timings)
        if plan.kind == "order":
            return Answer(status="declined", question=asked.question, text=plan.says, thread=asked.thread)
        return Answer(
            status="declined",
            question=asked.question,
            text=describe.declined(gaps, plan.spans, self._answerable(asked, gaps, sight, reader)),
            gaps=gaps,
            grounding=plan.spans,
            thread=asked.thread,
        )

    def _typed(self, gap: Gap, asked: Asked) -> Gap:
        """A gap that says when its words are those of a draft."""
        if gap.type in MISSING and self.sights.beyond(asked.principal).is_draft(gap.text):
            return replace(gap, type=NOT_ENDORSED, closes="the data team endorses it")
        return gap

    def _answerable(self, asked: Asked, gaps: tuple[Gap, ...], sight: Sight, reader: Reader) -> str:
        """The question without the words that are missing, where that is a question which can be answered."""
        if not gaps or any(gap.type not in MISSING for gap in gaps):
            return ""
        rest = describe.without(asked.question, gaps)
        plan = embedded.plan(rest, sight.lexicon, reader)
        return rest if plan.kind == "data" and len(plan.readings) == 1 else ""

    def unplanned(self, query: SemanticQuery, error: PlanError, asked: Asked) -> Answer:
        """A plan that can't be compiled from what the asker sees: forbidden, if it could be from everything."""
        try:
            compile_query(query, self.sights.beyond(asked.principal).catalog)
        except PlanError:
            asked.touched.decided(self.sights.beyond(asked.principal).decided(error.name.split(".")))
            gap = gap_of(error)
            return Answer(status="declined", question=asked.question, text=str(error), gaps=(gap,), plan=query.as_data())
        return self.denied(self.denials.of_plan(query, self.sights.of(asked.principal), asked.principal), asked, plan=query.as_data())

    def denied(self, error: DeniedError, asked: Asked, **more: Any) -> Answer:
        """A refusal for want of rights, with the owner to ask; before an audience, with the way to ask alone."""
        whom = f" Ask {error.owner} for it." if error.owner else ""
        alone = ALONE if asked.audience is not None else ""
        policies = (error.reason,) if error.reason else ()
        asked.touched.decided(policies)
        return Answer(
            status="denied", question=asked.question, text=f"{error.text}{whom}{alone}", policies=policies, thread=asked.thread, **more
        )
