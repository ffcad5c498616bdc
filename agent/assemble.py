"""A draft becomes plans: one for each way to choose among meanings that hold. Shapes that no rule reads give none."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from answerable.agent.draft import Bound, Draft, Filter, Split, Threshold, Unread
from answerable.agent.ground import Segment
from answerable.agent.lexicon import Lexicon
from answerable.agent.options import Options, Ref, join_gap
from answerable.agent.plan import Gap, Lacking
from answerable.agent.timing import Times, Timing
from answerable.agent.when import Reader
from answerable.agent.wording import SIGNS
from answerable.context.catalog import Catalog
from answerable.context.compiler import Compiled, compile_query
from answerable.context.errors import AmbiguousPath, NotSupported, PlanError, Unreachable
from answerable.context.expr import parse_expression
from answerable.context.model import Metric, Model, RatioMetric, SimpleMetric
from answerable.context.query import SemanticQuery, TimeWindow, Top
from answerable.context.words import singular
from sqlglot import exp

MOST_PLANS = 24
Kept = tuple[tuple[Ref, tuple[object, ...], bool], ...]
"""For each filter: its dimension, the members, and whether they are left out."""


@dataclass(frozen=True)
class Candidate:
    """A plan with what was chosen for it in words, and what it takes for granted."""

    query: SemanticQuery
    compiled: Compiled
    chosen: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    """The filters in words."""
    targets: frozenset[str] = frozenset()
    """The definitions that the words were taken for, as the grounding names them."""
    assumptions: tuple[str, ...] = ()
    check: str = ""


def candidates(draft: Draft, lexicon: Lexicon, reader: Reader) -> list[Candidate]:
    """The plans of a draft. Raises Unread where its shape is none that is read, Lacking where context lacks something."""
    found, lacking = list[Candidate](), None
    for metrics in _metrics(draft, lexicon.catalog):
        try:
            found += itertools.islice(_Shape(draft, lexicon, reader, metrics).plans(), MOST_PLANS)
        except Lacking as gap:
            lacking = lacking or gap
    if not found and lacking:
        raise lacking
    return found


def _metrics(draft: Draft, catalog: Catalog) -> Iterator[tuple[str, ...]]:
    """Each choice of metrics for the words that name them."""
    if not draft.metrics:
        yield _counted(draft)
        return
    for names in itertools.product(*(dict.fromkeys(s.name for s in segment.senses) for segment in draft.metrics)):
        yield _as_ratio(draft, catalog, tuple(dict.fromkeys(names)))


def _counted(draft: Draft) -> tuple[str, ...]:
    """ "How many customers" counts the rows of their model."""
    if "count" not in draft.asks:
        return ()
    entities = [*dict.fromkeys(s.name for s in draft.subject.segment.senses if s.kind == "entity")] if draft.subject else []
    if len(entities) != 1 or draft.rank or draft.thresholds:
        raise Unread(draft.subject.segment if draft.subject else None)
    return (f"{entities[0]}.count",)


def _as_ratio(draft: Draft, catalog: Catalog, names: tuple[str, ...]) -> tuple[str, ...]:
    """ "What share of appointments were no-shows", "rate of no-shows": the endorsed ratio of the two, if there is one."""
    wanted = {"share", "as share", "rate"} & draft.asks
    if not wanted or ("share" in wanted and len(names) == 1):
        return names
    ratios = [m for m in catalog.metrics.values() if isinstance(m, RatioMetric) and not m.hidden]
    if len(names) == 1:
        found = [m.name for m in ratios if m.numerator == names[0] and "rate" in f"{m.name} {m.words}".lower()]
    else:
        found = [m.name for m in ratios if {m.numerator, m.denominator} == set(names)]
    if len(names) > 2 or len(found) != 1:
        raise Unread(draft.metrics[0])
    return (found[0],)


class _Shape:
    """One choice of metrics, on its way to plans."""

    def __init__(self, draft: Draft, lexicon: Lexicon, reader: Reader, names: tuple[str, ...]) -> None:
        catalog = lexicon.catalog
        self.d, self.catalog, self.unique, self.names = draft, catalog, lexicon.values.unique, names
        self.metrics: list[Metric] = [m for n in names if (m := catalog.metric(n))]
        self.leaves = [leaf for metric in self.metrics for leaf in catalog.leaves(metric)]
        bases = {leaf.model: model for leaf in self.leaves if (model := catalog.models.get(leaf.model or ""))}
        self.bases: list[Model] = [*bases.values()]
        self.assumptions: list[str] = []
        self.first: Segment | None = draft.metrics[0] if draft.metrics else None
        self.times = Times(draft, catalog, reader, self.metrics, self.leaves, self.assumptions)

    def plans(self) -> Iterator[Candidate]:
        if not self.names:
            yield from self._lists()
            return
        splits, grains = self._splits()
        self._check_shape()
        options = Options(self.catalog, self.bases, self.unique)
        by_options = [self._split_options(options, split) for split in splits]
        filter_options = [self._filter_options(options, said) for said in self.d.filters]
        bound_options = [self._bound_options(options, said) for said in self.d.bounds]
        timing = self.times.timing(grains)
        for chosen in itertools.product(*by_options):
            for kept, bounds in itertools.product(itertools.product(*filter_options), itertools.product(*bound_options)):
                for dated in self.times.dated(options, timing):
                    yield self._plan([r for refs in chosen for r in refs], kept, bounds, dated)

    # -- what is split by ---------------------------------------------------------------------------------------------------

    def _splits(self) -> tuple[list[Split], list[str]]:
        """The dimensions to group by, and the grains of time."""
        said = [*self.d.splits]
        counted = self.names and self.names[0].endswith(".count") and not self.d.metrics
        if self.d.subject is not None and not counted:
            said.insert(0, self.d.subject)
        grains = [split.grain for split in said if split.grain]
        if "trend" in self.d.asks and not grains:
            grains = ["month"]
            self.assumptions.append("A trend is shown by month.")
        return [split for split in said if not split.grain], grains

    def _check_shape(self) -> None:
        """Each word of asking belongs to a shape that knows it."""
        d = self.d
        ranked = bool(d.rank)
        if d.subject is not None and d.metrics and not (ranked or d.thresholds):
            raise Unread(d.subject.segment)
        if d.metrics and (("list" in d.asks and not (d.subject or d.splits)) or ("count" in d.asks and d.thresholds)):
            raise Unread(self.first)
        if ranked and ("grow" in d.asks or (d.subject and any(d.subject.segment.start > split.segment.start for split in d.splits))):
            raise Unread(self.first)
        if ranked and not (d.subject or d.splits):
            raise Unread(self.first)
        if ranked and len(self.names) > 1 and d.measure is None:
            raise Unread(d.metrics[1])
        if d.measure is not None:
            raise Unread(d.measure)
        if d.also:
            raise Unread(d.also[0].segment)
        if "total" in d.asks and not all(_adds(m) for m in self.metrics):
            raise Unread(self.first, "Its parts do not add up to a total.")
        if "share" in d.asks and len(d.metrics) == 1 and (not (d.splits or d.subject) or ranked or d.thresholds):
            raise Unread(self.first)
        if "compare" in d.asks and len(d.whens) != 2 and "versus values" not in d.asks and len(self.names) < 2:
            raise Unread(self.first)
        if "versus" in d.asks and len(d.whens) != 2 and len(d.metrics) < 2:
            raise Unread(self.first)
        if "grow" in d.asks and not d.whens:
            raise Unread(self.first)
        if len(d.thresholds) > 1 or (d.thresholds and len(self.names) > 1):
            raise Unread(d.thresholds[-1].segment)
        if "average" in d.asks and not all("average" in metric.name or leaf_is(metric, exp.Avg) for metric in self.metrics):
            raise Unread(self.first, f"An average of {self.metrics[0].words} is not defined.")
        for unit in (role.removeprefix("unit:") for role in d.asks if role.startswith("unit:")):
            if any(_unit(m) != unit for m in self.metrics):
                says = f"{self.metrics[0].words} is in {_unit(self.metrics[0]) or 'no currency'}, and nothing converts it to {unit}."
                raise Lacking(Gap("unit", unit, closes="a rate to convert with", says=says))
        if "amount" in d.asks and not all(_unit(m) in SIGNS for m in self.metrics):
            raise Unread(self.first)
        if ("more" in d.asks or "than" in d.asks) and not ({"more", "than"} <= d.asks and len(d.whens) == 2):
            raise Unread(self.first)
        if "in percent" in d.asks and not ("grow" in d.asks or all(_unit(m) == "%" for m in self.metrics)):
            raise Unread(self.first)

    def _split_options(self, options: Options, split: Split) -> list[tuple[Ref, ...]]:
        found = options.split(split)
        if not found:
            raise Lacking(join_gap(split.segment, options, self.metrics))
        return found

    # -- filters ------------------------------------------------------------------------------------------------------------

    def _filter_options(self, options: Options, said: Filter) -> list[tuple[Ref, tuple[object, ...], bool]]:
        found = options.filter(said)
        if not found:
            raise Lacking(join_gap(said.values[0], options, self.metrics))
        for ref, members in found:
            self._check_contradiction(ref, members, said)
        return [(ref, members, said.negated) for ref, members in found]

    def _bound_options(self, options: Options, said: Bound) -> list[tuple[str, str]]:
        if not (found := options.bound(said)):
            raise Lacking(join_gap(said.dimension, options, self.metrics))
        return found

    def _check_contradiction(self, ref: Ref, members: tuple[object, ...], said: Filter) -> None:
        """A filter that leaves nothing of a metric's own rows is a gap, not a zero; so is one that counts what it should not."""
        if not self.metrics:
            return  # a list
        metric = self.metrics[0]
        for leaf in self.leaves:
            if said.without and parse_expression(leaf.expr).find(exp.Distinct):
                says = f"{metric.words} counts things that may have both; those without {said.values[0].text} are not counted yet."
                raise Lacking(Gap("not supported", said.values[0].text, says=says))
            for kept, inside in own_values(leaf, ref.name) if leaf.model == ref.model and "." not in ref.name else ():
                left = [v for v in kept if v not in members] if said.negated else [m for m in members if (m in kept) == inside]
                if not left and (inside or not said.negated):
                    says = f"{metric.words} counts only rows where {leaf.filter}, so nothing is left."
                    closes = f"a metric without the filter {leaf.filter}"
                    raise Lacking(Gap("contradiction", said.values[0].text, closes=closes, says=says))

    # -- the plan -------------------------------------------------------------------------------------------------------------

    def _plan(self, refs: list[Ref], kept: Kept, bounds: tuple[tuple[str, str], ...], timing: Timing) -> Candidate:
        d = self.d
        keys = [*(ref.name for ref in refs), *(f"time:{grain}" for grain in timing.grains)]
        if len({ref.name for ref, _, negated in kept if not negated}) < sum(not negated for *_, negated in kept):
            raise Unread(d.filters[-1].values[0])
        if "versus values" in d.asks:
            keys = [*dict.fromkeys([*keys, *(ref.name for ref, members, _ in kept if len(members) > 1)])]
        if "share" in d.asks and len(d.metrics) == 1 and {ref.name for ref, *_ in kept} & set(keys):
            raise Unread(d.filters[0].values[0])  # a share of what the filter left is not the share that was asked
        said = [*(condition(ref, members, negated) for ref, members, negated in kept), *(condition for condition, _ in bounds)]
        by, limit, ranked = self._ranking(keys)
        having, check = self._having(bool(by))
        query = SemanticQuery(
            metrics=self.names, by=tuple(by), where=(*said, *timing.where, *ranked), having=having, window=timing.window,
            compare=timing.compare, order=self._order(), limit=limit,
            share=("total",) if "share" in d.asks and len(d.metrics) == 1 else None,
        )  # fmt: skip
        compiled = self._compiled(query)
        targets = frozenset([*self.names, *_targets(refs, kept)])
        scope = (*(_filter_words(ref, members, negated) for ref, members, negated in kept), *(words for _, words in bounds), *timing.where)
        chosen = (*(m.words for m in self.metrics), *(ref.words for ref in refs), *scope)
        return Candidate(query, compiled, chosen, scope, targets, tuple(self.assumptions), check)

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

    def _having(self, grouped: bool) -> tuple[tuple[str, ...], str]:
        if not self.d.thresholds:
            return (), ""
        threshold = self.d.thresholds[0]
        metric = self.metrics[0]
        said = f"{self.names[0]} {threshold.operator} {_number(threshold, metric)}"
        if not grouped and "yes or no" not in self.d.asks:
            raise Unread(threshold.segment)  # "orders over 100" is about each order
        return ((said,), "") if grouped else ((), said)

    def _order(self) -> tuple[str, ...]:
        first = self.names[0]
        if self.d.rank:
            return (f"-{first}",) if self.d.rank == "most" else (first,)
        return ((f"-{first}",) if self.d.order == "descending" else (first,)) if self.d.order else ()

    def _compiled(self, query: SemanticQuery) -> Compiled:
        """Planning is done when it compiles: what can't is a gap, told before anything runs."""
        try:
            return compile_query(query, self.catalog)
        except PlanError as error:
            raise Lacking(gap_of(error)) from None

    # -- lists ----------------------------------------------------------------------------------------------------------------

    def _lists(self) -> Iterator[Candidate]:
        """`list the stores in Ohio`, `which payment methods are there`."""
        d = self.d
        asked = {"list", "which"} & d.asks
        if (
            not d.subject
            or d.subject.grain
            or not asked
            or d.rank
            or d.thresholds
            or d.bounds
            or d.splits
            or {"share", "rate", "grow", "trend", "compare", "versus", "total"} & d.asks
        ):
            raise Unread(d.subject.segment if d.subject else None)
        models = dict.fromkeys(s.name if s.kind == "entity" else s.model for s in d.subject.segment.senses if s.kind != "join")
        for name in models:
            yield from self._list_of(self.catalog.models[name])

    def _list_of(self, model: Model) -> Iterator[Candidate]:
        assert self.d.subject is not None
        options = Options(self.catalog, [model], self.unique)
        own = [refs for refs in options.split(self.d.subject) if refs[0].model == model.name]
        also = [self._split_options(options, split) for split in self.d.also]
        kept_options = [self._filter_options(options, said) for said in self.d.filters]
        whens = [when for _, when in self.d.whens]
        if self.d.date is not None and any((s.model, s.name) != (model.name, model.time) for s in self.d.date.senses):
            raise Unread(self.d.date)
        if len(whens) > 1 or any(when.weekdays or when.as_of for when in whens) or (whens and not model.time):
            raise Unread(self.d.whens[0][0])
        window = TimeWindow(start=whens[0].start, end=whens[0].end) if whens else None
        for chosen in itertools.product(own, *also):
            for kept in itertools.product(*kept_options):
                refs = [ref for part in chosen for ref in part]
                by = tuple(dict.fromkeys(f"{model.name}.{ref.name}" if "." not in ref.name else ref.name for ref in refs))
                where = tuple(condition(ref, members, negated) for ref, members, negated in kept)
                query = SemanticQuery(by=by, where=where, window=window)
                compiled = self._compiled(query)
                scope = tuple(_filter_words(*k) for k in kept)
                yield Candidate(
                    query, compiled, (f"{refs[0].words} of {model.words}", *scope), scope, frozenset([model.name, *_targets(refs, kept)])
                )


def condition(ref: Ref, members: tuple[object, ...], negated: bool) -> str:
    """A plan's condition. Left out means left out: rows without a value stay."""
    values = [_literal(member) for member in members]
    if len(values) == 1:
        return f"{ref.name} is distinct from {values[0]}" if negated else f"{ref.name} = {values[0]}"
    listed = ", ".join(values)
    return f"({ref.name} not in ({listed}) or {ref.name} is null)" if negated else f"{ref.name} in ({listed})"


def _literal(member: object) -> str:
    if isinstance(member, bool):
        return str(member).lower()
    return str(member) if isinstance(member, (int, float)) else exp.Literal.string(str(member)).sql(dialect="duckdb")


def _targets(refs: list[Ref], kept: Iterable[tuple[Ref, tuple[object, ...], bool]]) -> Iterator[str]:
    yield from (f"{ref.model}.{ref.dimension.name}" for ref in refs)
    for ref, members, _ in kept:
        yield from (f"{ref.model}.{ref.dimension.name} = {member}" for member in members)


def _filter_words(ref: Ref, members: tuple[object, ...], negated: bool) -> str:
    values = " or ".join(str(member) for member in members)
    return f"{ref.words} {'other than' if negated else 'is'} {values}"


def own_values(leaf: SimpleMetric, name: str) -> Iterator[tuple[set[object], bool]]:
    """The values of a dimension that each part of a metric's own filter lets through (True) or leaves out (False)."""
    tree = parse_expression(leaf.filter) if leaf.filter else exp.true()
    for part in tree.flatten() if isinstance(tree, exp.And) else [tree]:
        part = part.unnest()
        if isinstance(part, (exp.EQ, exp.NEQ, exp.In)) and isinstance(part.this, exp.Column) and part.this.name == name:
            given = part.expressions if isinstance(part, exp.In) else [part.expression]
            values: set[object] = {v.this for v in given if isinstance(v, exp.Literal)}
            if values:
                yield values, not isinstance(part, exp.NEQ)


def gap_of(error: PlanError) -> Gap:
    """A plan error as a gap of the same type."""
    kind = "join" if isinstance(error, (Unreachable, AmbiguousPath)) else "not supported" if isinstance(error, NotSupported) else error.kind
    return Gap(kind, error.name, nearest=error.nearest, says=error.text)


def _number(threshold: Threshold, metric: Metric) -> str:
    said = threshold.segment
    value = threshold.value / 100 if said.percent else threshold.value
    if said.percent != (_unit(metric) == "%"):
        raise Lacking(Gap("type", said.text, says=f"{metric.words} is {'no' if said.percent else 'a'} percentage."))
    if said.money and SIGNS.get(_unit(metric)) != said.money:
        raise Lacking(Gap("type", said.text, says=f"{metric.words} is in {_unit(metric) or 'no unit'}, not in {said.money}."))
    return f"{value:.12g}"


def _unit(metric: Metric) -> str:
    return "%" if metric.format == "percent" else metric.unit if isinstance(metric.unit, str) else ""


def leaf_is(metric: Metric, kind: type[exp.Expr]) -> bool:
    """Whether a simple metric is plainly one aggregate of a kind."""
    return isinstance(metric, SimpleMetric) and isinstance(parse_expression(metric.expr), kind)


def _adds(metric: Metric) -> bool:
    if not isinstance(metric, SimpleMetric) or metric.over_time:
        return False
    return all(isinstance(a, (exp.Sum, exp.Count, exp.CountIf)) for a in parse_expression(metric.expr).find_all(exp.AggFunc))


def measured_by(draft: Draft) -> Draft:
    """ "Top 5 doctors by patients seen": the metric after "by" is the one that is measured."""
    if draft.measure is None or draft.metrics:
        return draft
    return replace(draft, metrics=[draft.measure], measure=None)
