"""A draft becomes plans: one for each way to choose among meanings that hold. Shapes that no rule reads give none."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from answerable.agent import shapes
from answerable.agent.choosing import Choice, choices, has_names, unit_of
from answerable.agent.conditions import Kept, condition, in_words, own_values, targets
from answerable.agent.draft import Draft, Filter, Split, Threshold, Unread
from answerable.agent.lexicon import Lexicon
from answerable.agent.lists import lists
from answerable.agent.options import Options, Ref, absent_conditions, bound_options, filter_options, join_gap, split_options
from answerable.agent.plan import CONTRADICTION, NOT_SUPPORTED, Gap, Lacking
from answerable.agent.planned import Candidate, compiled
from answerable.agent.timing import Times, Timing
from answerable.agent.when import Reader
from answerable.agent.wording import SIGNS
from answerable.context.expr import parse_expression
from answerable.context.model import Metric, Model
from answerable.context.query import SemanticQuery, Top
from answerable.context.words import singular
from sqlglot import exp

MOST_PLANS = 24
Said = tuple[tuple[str, str], ...]
"""Conditions, each with its words."""


def candidates(draft: Draft, lexicon: Lexicon, reader: Reader) -> list[Candidate]:
    """The plans of a draft. Raises Unread where its shape is none that is read, Lacking where context lacks something."""
    found, lacking = list[Candidate](), None
    for choice in choices(draft, lexicon.catalog):
        try:
            plans = _Assembly(choice, lexicon, reader).plans() if choice.names else lists(draft, lexicon)
            found += itertools.islice(plans, MOST_PLANS)
        except Lacking as gap:
            lacking = lacking or gap
    if not found and lacking:
        raise lacking
    return found


class _Assembly:
    """One choice of metrics, on its way to plans."""

    def __init__(self, choice: Choice, lexicon: Lexicon, reader: Reader) -> None:
        catalog = lexicon.catalog
        self.d, self.catalog, self.unique, self.names = choice.draft, catalog, lexicon.values.unique, choice.names
        self.metrics: list[Metric] = [m for n in self.names if (m := catalog.metric(n))]
        self.leaves = [leaf for metric in self.metrics for leaf in catalog.leaves(metric)]
        bases = {leaf.model: model for leaf in self.leaves if (model := catalog.models.get(leaf.model or ""))}
        self.bases: list[Model] = [*bases.values()]
        self.assumptions = [*choice.assumptions]
        self.assumptions += self.d.notes
        if "average" in self.d.asks:
            self.assumptions += [f"{metric.words} is an average by itself." for metric in self.metrics if shapes.is_per(metric)]
        if self.d.kept:
            self.assumptions.append(f"Kept from the question before: {self.d.kept}.")
        self.thing = choice.thing
        self.times = Times(self.d, catalog, reader, self.metrics, self.leaves, self.assumptions)

    def plans(self) -> Iterator[Candidate]:
        splits, grains = self._splits()
        shapes.check(shapes.Shape(self.d, self.catalog, self.names, self.metrics, self.leaves))
        options = Options(self.catalog, self.bases, self.unique)
        by_options = [split_options(options, split, self.metrics) for split in splits]
        kept_options = [self._filters(options, said) for said in self.d.filters]
        said_options = [bound_options(options, said, self.metrics) for said in self.d.bounds]
        said_options += [absent_conditions(options, said, self.metrics) for said in self.d.absent]
        timing = self.times.timing(grains)
        self._has_a_date(timing)
        for chosen in itertools.product(*by_options):
            for kept, said in itertools.product(itertools.product(*kept_options), itertools.product(*said_options)):
                for dated in self.times.dated(options, timing):
                    yield self._plan([r for refs in chosen for r in refs], kept, said, dated)

    def _has_a_date(self, timing: Timing) -> None:
        """Things with names are counted as they are; those "in August" would need a word for what happened to them then."""
        counted = not self.d.metrics and self.names[0].endswith(".count") and has_names(self.bases[0])
        if counted and self.d.date is None and (timing.window or timing.compare or timing.where or "came" in self.d.asks):
            says = f"{self.bases[0].words} are counted as they are: say what happened to them then."
            raise Unread(self.d.whens[0][0] if self.d.whens else self.d.asks.get("came"), says)

    # -- what is split by ---------------------------------------------------------------------------------------------------

    def _splits(self) -> tuple[list[Split], list[str]]:
        """The dimensions to group by, and the grains of time."""
        said = [*self.d.splits]
        counted = self.names[0].endswith(".count") and not self.d.metrics
        if self.d.subject is not None and not counted:
            said.insert(0, self.d.subject)
        grains = [split.grain for split in said if split.grain]
        if not grains and {"trend", "moment"} & self.d.asks.keys():
            grains = ["month"]
            self.assumptions.append("A trend is shown by month." if "trend" in self.d.asks else "“When” is answered by month.")
        return [split for split in said if not split.grain], grains

    # -- filters ------------------------------------------------------------------------------------------------------------

    def _filters(self, options: Options, said: Filter) -> list[Kept]:
        found = filter_options(options, said, self.metrics)
        if said.dates and not any(options.refs(s.model, s.name) for s in said.dates):
            raise Lacking(join_gap(said.values[0], options, self.metrics))  # the day that the verb picks is out of reach
        for ref, members, _ in found:
            self._check_contradiction(ref, members, said)
        return found

    def _check_contradiction(self, ref: Ref, members: tuple[object, ...], said: Filter) -> None:
        """A filter that leaves nothing of a metric's own rows is a gap, not a zero; so is one that counts what it should not."""
        metric = self.metrics[0]
        for leaf in self.leaves:
            if said.without and parse_expression(leaf.expr).find(exp.Distinct):
                says = f"{metric.words} counts things that may have both; those without {said.values[0].text} are not counted yet."
                raise Lacking(Gap(NOT_SUPPORTED, said.values[0].text, says=says))
            for kept, inside in own_values(leaf, ref.name) if leaf.model == ref.model and "." not in ref.name else ():
                kept_words, named = ({str(v).lower() for v in values} for values in (kept, members))
                left = kept_words - named if said.negated else {m for m in named if (m in kept_words) == inside}
                if not left and (inside or not said.negated):
                    says = f"{metric.words} counts only rows where {leaf.filter}, so nothing is left."
                    closes = f"a metric without the filter {leaf.filter}"
                    raise Lacking(Gap(CONTRADICTION, said.values[0].text, closes=closes, says=says))

    # -- the plan -------------------------------------------------------------------------------------------------------------

    def _plan(self, refs: list[Ref], kept: tuple[Kept, ...], said: Said, timing: Timing) -> Candidate:
        d = self.d
        keys = [*(ref.name for ref in refs), *(f"time:{grain}" for grain in timing.grains)]
        if len({ref.name for ref, _, negated in kept if not negated}) < sum(not negated for *_, negated in kept):
            raise Unread(d.filters[-1].values[0])
        if "versus values" in d.asks or ({"both", "compare"} & d.asks.keys() and any(len(members) > 1 for _, members, _ in kept)):
            keys = [*dict.fromkeys([*keys, *(ref.name for ref, members, _ in kept if len(members) > 1)])]
        share = "share" in d.asks and len(d.metrics) == 1
        parts: tuple[str, ...] = ()
        if share:
            keys, kept, parts = self._shared(keys, kept)
        conditions = [*(condition(*one) for one in kept), *(text for text, _ in said)]
        by, limit, ranked = self._ranking(keys)
        having, check = self._having(bool(by))
        each = self._never() if "never" in d.asks else None
        query = SemanticQuery(
            metrics=self.names, by=tuple(by), where=(*conditions, *timing.where, *ranked), having=having, window=timing.window,
            compare=timing.compare, order=self._order(), limit=limit, share=("total",) if share else None,
            each=each,
        )  # fmt: skip
        meant = frozenset([*self.names, *targets(refs, kept)])
        scope = (*(in_words(*one) for one in kept), *(words for _, words in said), *timing.where)
        chosen = (*(m.words for m in self.metrics), *(ref.words for ref in refs), *scope)
        check = check or self._holds(query)
        assumptions = (*self.assumptions, *parts)
        return Candidate(query, compiled(query, self.catalog), chosen, scope, meant, assumptions, self.thing, check)

    def _shared(self, keys: list[str], kept: tuple[Kept, ...]) -> tuple[list[str], tuple[Kept, ...], tuple[str, ...]]:
        """In "what share of revenue came from gold customers" gold is one of the parts, not all that there is."""
        if not kept and keys:
            return keys, kept, ()
        if keys or len(kept) != 1 or kept[0][2]:
            raise Unread(self.d.filters[0].values[0])
        ref, members, _ = kept[0]
        shown = " and ".join(str(member) for member in members)
        return [ref.name], (), (f"Each share is of the whole; {shown} is the part that was asked for.",)

    def _ranking(self, keys: list[str]) -> tuple[list[str], int | Top | None, list[str]]:
        """The keys in order, the limit, and that what has no name is none of the best or worst (trap 14)."""
        d = self.d
        if not d.rank:
            return keys, None, []
        subject = self._subject_key(keys)
        named = [f"{key} is not null" for key in ([subject] if subject else keys) if not key.startswith("time:")]
        within = [key for key in keys if key != subject] if subject else []
        n = d.top or self._unsaid()
        return ([*within, subject] if subject else keys), (Top(n=n, per=tuple(within)) if within else n), named

    def _subject_key(self, keys: list[str]) -> str | None:
        """Which key the ranking is of; None where no subject is named."""
        if self.d.subject is None:
            return None
        return f"time:{self.d.subject.grain}" if self.d.subject.grain else keys[0]

    def _unsaid(self) -> int:
        """How many a ranking without a number gives: one of "the top store", ten of "top stores"."""
        if self.d.top is None:
            return 1
        words = self.d.subject.segment.text.lower().split() if self.d.subject else ["several", "ones"]
        return 10 if singular(words[-1]) != words[-1] else 1

    def _never(self) -> str:
        """The model whose rows are all kept, so that those without a fact can be shown."""
        assert self.d.subject is not None
        entities = [*dict.fromkeys(s.name for s in self.d.subject.segment.senses if s.kind == "entity")]
        if len(entities) != 1:
            raise Unread(self.d.subject.segment)
        return entities[0]

    # -- thresholds and what has to hold ----------------------------------------------------------------------------------------

    def _having(self, grouped: bool) -> tuple[tuple[str, ...], str]:
        if "never" in self.d.asks:
            return (f"{self.names[0]} = 0",), ""
        if not self.d.thresholds:
            return (), ""
        metric = self.metrics[0]
        said = tuple(f"{self.names[0]} {threshold.operator} {_number(threshold, metric)}" for threshold in self.d.thresholds)
        if not grouped and ("yes or no" not in self.d.asks or len(said) > 1):
            raise Unread(self.d.thresholds[0].segment)  # "orders over 100" is about each order
        return (said, "") if grouped else ((), said[0])

    def _holds(self, query: SemanticQuery) -> str:
        """What a yes/no question about two numbers wants to be true."""
        asks = self.d.asks
        if "yes or no" not in asks or query.by:
            return ""
        up = bool({"grow", "rose", "more"} & asks.keys())
        down = bool({"fell", "less"} & asks.keys())
        if up == down:
            return ""
        sign = ">" if up else "<"
        if query.compare is not None and len(self.names) == 1:
            return f"{self.names[0]}_change {sign} 0"
        return f"{self.names[0]} {sign} {self.names[1]}" if len(self.names) == 2 else ""

    def _order(self) -> tuple[str, ...]:
        measured = [sense.name for sense in self.d.measure.senses if sense.name in self.names] if self.d.measure else []
        first = measured[0] if measured else self.names[0]
        if self.d.rank:
            return (f"-{first}",) if self.d.rank == "most" else (first,)
        return ((f"-{first}",) if self.d.order == "descending" else (first,)) if self.d.order else ()


def _number(threshold: Threshold, metric: Metric) -> str:
    said = threshold.segment
    value = threshold.value / 100 if said.percent else threshold.value
    if said.percent != (unit_of(metric) == "%"):
        raise Lacking(Gap(NOT_SUPPORTED, said.text, says=f"{metric.words} is {'no' if said.percent else 'a'} percentage."))
    if said.money and SIGNS.get(unit_of(metric)) != said.money:
        raise Lacking(Gap(NOT_SUPPORTED, said.text, says=f"{metric.words} is in {unit_of(metric) or 'no unit'}, not in {said.money}."))
    return f"{value:.12g}"


def measured_by(draft: Draft) -> Draft:
    """ "Top 5 doctors by patients seen": the metric after "by" is the one that is measured."""
    if draft.measure is None or draft.metrics:
        return draft
    return replace(draft, metrics=[draft.measure])
