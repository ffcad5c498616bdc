"""What is defined and not this asker's to see, told apart from what nobody has defined: the two go to different people."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from answerable.agent import embedded
from answerable.agent.plan import Plan
from answerable.agent.sight import Sight, Sights
from answerable.agent.when import Reader
from answerable.agent.words import tokens
from answerable.context.catalog import Catalog
from answerable.context.compiler import compile_query
from answerable.context.errors import DeniedError, PlanError
from answerable.context.policy import Principal
from answerable.context.query import SemanticQuery


@dataclass(frozen=True)
class Denials:
    """Says why something is denied, of everything endorsed whose existence is no secret."""

    catalog: Catalog
    sights: Sights

    def of_question(
        self, question: str, plan: Plan, sight: Sight, principal: Principal, reader: Reader, earlier: Sequence[str]
    ) -> DeniedError | None:
        """Ground a question once more, in all that there is; None where it lacks a definition."""
        whole = embedded.plan(question, self.sights.lexicon_of_all(principal), reader, tuple(earlier))
        for reading in whole.readings:
            if reading.definition or not _seen(reading.query, sight):
                names = [reading.definition] if reading.definition else [*reading.query.metrics]
                return self.of_metrics(names, sight) or DeniedError(
                    "What you ask for is defined, and your groups may not see it. The question itself is fine."
                )
        return self._of_words(plan, sight, principal)

    def _of_words(self, plan: Plan, sight: Sight, principal: Principal) -> DeniedError | None:
        """A missing word, or words beside each other in it, that names something whole which this asker does not see."""
        lexicon = self.sights.lexicon_of_all(principal)
        for said in (tokens(gap.text) for gap in plan.gaps if gap.type == "metric"):
            for start, end in itertools.combinations(range(len(said) + 1), 2):
                hidden = [s for s in lexicon.of(said[start:end]) if s.kind in ("metric", "dimension")]
                if hidden and not sight.lexicon.of(said[start:end]):
                    words = " ".join(token.text for token in said[start:end])
                    general = DeniedError(f"“{words}” is defined, and your groups may not see it.")
                    return self.of_metrics([s.name for s in hidden if s.kind == "metric"], sight) or general
        return None

    def of_metrics(self, names: Sequence[str], sight: Sight) -> DeniedError | None:
        """The first of the metrics that is defined and not seen, with whom to ask for it."""
        for name in names:
            metric = self.catalog.metric(name)
            if metric is not None and sight.catalog.metric(name) is None:
                owner = metric.owner or (self.catalog.models[metric.model].owner if metric.model else None)
                whom = f" Ask {owner} for it." if owner else ""
                return DeniedError(
                    f"{metric.words} is defined, and your groups may not see it. The question itself is fine.{whom}", name, owner
                )
        return None


def _seen(query: SemanticQuery, sight: Sight) -> bool:
    try:
        compile_query(query, sight.catalog)
    except PlanError:
        return False
    return True
