"""What is defined and not this asker's to see, told apart from what nobody has defined: the two go to different people."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from answerable.agent import embedded
from answerable.agent.plan import MISSING, Plan
from answerable.agent.sight import Sight, Sights
from answerable.agent.thread import Turn
from answerable.agent.when import Reader
from answerable.agent.words import tokens
from answerable.context.catalog import Catalog
from answerable.context.compiler import compile_query
from answerable.context.engines.base import Site
from answerable.context.errors import AnswerableError, DeniedError, PlanError
from answerable.context.expr import names, parse_condition
from answerable.context.guard import govern_text
from answerable.context.model import Item
from answerable.context.paths import resolve
from answerable.context.policy import Principal
from answerable.context.query import SemanticQuery
from answerable.context.verdicts import Verdict, of_dimension, of_metric, of_model

SOMETHING = "What you ask for is defined, and your groups may not see it. The question itself is fine."


@dataclass(frozen=True)
class Denials:
    """Says why something is denied, and whom to ask for it, of everything endorsed whose existence is no secret."""

    catalog: Catalog
    sights: Sights

    def of_question(
        self, question: str, plan: Plan, sight: Sight, principal: Principal, reader: Reader, earlier: Sequence[Turn]
    ) -> DeniedError | None:
        """Ground a question once more, in all that there is; None where it lacks a definition."""
        whole = embedded.plan(question, self.sights.beyond(principal).lexicon, reader, tuple(earlier))
        for reading in whole.readings:
            if reading.definition:
                return self.of_names([reading.definition], sight, principal) or DeniedError(SOMETHING)
            if not _seen(reading.query, sight):
                return self.of_plan(reading.query, sight, principal)
        return self._of_words(plan, sight, principal)

    def of_plan(self, query: SemanticQuery, sight: Sight, principal: Principal) -> DeniedError:
        """The first thing of a plan that is not seen, where it would compile of everything that there is."""
        return self.of_names(_names(query, self.sights.beyond(principal).catalog), sight, principal) or DeniedError(SOMETHING)

    def of_sql(self, text: str, sight: Sight, principal: Principal, site: Site) -> DeniedError | None:
        """A column that a sent query names and is not seen, where the gate would let the query pass if it were."""
        try:
            govern_text(text, self.sights.known(principal), principal, site)
        except AnswerableError:
            return None
        said = set(re.findall(r"\w+", text.lower()))
        hidden = [
            f"{model.name}.{name}"
            for model in self.sights.beyond(principal).catalog.models.values()
            if said & {model.name.lower(), (model.table or "").lower().rpartition(".")[2]}
            for name in model.dimensions
            if name.lower() in said
        ]
        return self.of_names(hidden, sight, principal)

    def of_names(self, targets: Sequence[str] | Iterator[str], sight: Sight, principal: Principal) -> DeniedError | None:
        """The first of the metrics, models and dimensions (`customers.email`) that is known to exist and not seen."""
        beyond = self.sights.beyond(principal).catalog
        for target in targets:
            if metric := beyond.metric(target):
                if sight.catalog.metric(target) is None:
                    model = self.catalog.models.get(metric.model or "")
                    row_count = metric.name not in self.catalog.metrics and model is not None
                    verdict = (
                        of_model(self.catalog, model, principal) if row_count and model else of_metric(self.catalog, metric, principal)
                    )
                    return _denied(metric, metric.owner or (model.owner if model else None), verdict)
            elif target in beyond.models:
                if target not in sight.catalog.models:
                    model = self.catalog.models[target]
                    return _denied(model, model.owner, of_model(self.catalog, model, principal))
            elif found := self._dimension(target, sight, principal, beyond):
                return found
        return None

    def _dimension(self, target: str, sight: Sight, principal: Principal, beyond: Catalog) -> DeniedError | None:
        owner, _, name = target.partition(" = ")[0].partition(".")
        if owner not in beyond.models or name not in beyond.models[owner].dimensions or sight.has(owner, name):
            return None
        model = self.catalog.models[owner]
        dimension = model.dimensions[name]
        return _denied(dimension, dimension.owner or model.owner, of_dimension(self.catalog, model, name, principal))

    def _of_words(self, plan: Plan, sight: Sight, principal: Principal) -> DeniedError | None:
        """A missing word, or words beside each other in it, that names something whole which this asker does not see."""
        lexicon = self.sights.beyond(principal).lexicon
        for said in (tokens(gap.text) for gap in plan.gaps if gap.type in MISSING):
            for start, end in itertools.combinations(range(len(said) + 1), 2):
                hidden = [s for s in lexicon.of(said[start:end]) if s.kind in ("metric", "dimension", "entity")]
                if hidden and not sight.lexicon.of(said[start:end]):
                    words = " ".join(token.text for token in said[start:end])
                    general = DeniedError(f"“{words}” is defined, and your groups may not see it.")
                    return self.of_names([s.target for s in hidden], sight, principal) or general
        return None


def _denied(item: Item, owner: str | None, verdict: Verdict) -> DeniedError:
    text = f"{item.words} is defined, and your groups may not see it. The question itself is fine."
    return DeniedError(text, item.name, owner, "; ".join(f"{item.words}: {verdict.says} ({line})" for line in verdict.lines))


def _names(query: SemanticQuery, catalog: Catalog) -> Iterator[str]:
    """What a plan names, as the catalogue calls it: metrics, then dimensions with the models on the way to them."""
    yield from query.metrics
    metrics = [metric for name in query.metrics if (metric := catalog.metric(name))]
    refs = [ref for text in (*query.where, *query.having) for ref in names(parse_condition(text))]
    heads = [ref.partition(".")[0] for ref in query.by]
    bases = {leaf.model or "" for metric in metrics for leaf in catalog.leaves(metric)} or {
        head for head in heads if head in catalog.models
    }
    for ref in (*query.by, *refs):
        for base in sorted(bases):
            try:
                field = resolve(catalog, catalog.models[base], ref)
            except PlanError:
                continue
            here = catalog.models[base]
            for step in field.path:
                here = catalog.models[here.joins[step].model]
                yield here.name
            yield f"{field.model.name}.{field.dimension.name}"


def _seen(query: SemanticQuery, sight: Sight) -> bool:
    try:
        compile_query(query, sight.catalog)
    except PlanError:
        return False
    return True
