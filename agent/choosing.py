"""Which metrics a draft asks for: each choice among what its words name, and the endorsed ratio, running total or conversion of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from answerable.agent.conditions import names_in, own_values
from answerable.agent.draft import Draft, Unread
from answerable.agent.plan import NOT_SUPPORTED, UNKNOWN_TERM, Gap, Lacking
from answerable.agent.senses import Sense, names_of, words_of
from answerable.agent.wording import SIGNS
from answerable.agent.words import lemma
from answerable.context.catalog import Catalog
from answerable.context.expr import parse_expression
from answerable.context.model import ConversionMetric, CumulativeMetric, DerivedMetric, Metric, Model, RatioMetric, SimpleMetric
from answerable.context.words import key, singular
from sqlglot import exp

GOOD = tuple("""
    revenue|sale|income|turnover|profit|margin|order|growth|satisfaction|score|rating|booking|subscriber|attendance|collection|conversion|
    on time|success|efficiency|earning|win|punctuality|retention|usage|sold
    """.replace("\n", "").replace(" " * 4, "").split("|"))  # fmt: skip
BAD = tuple("""
    refund|refunded|return|returned|cancellation|cancelled|churn|churned|complaint|cost|spend|spending|expense|error|delay|delayed|overdue|
    arrear|bounce|loss|lost|fraud|downtime|late|missed|wait|waiting|backlog|defect|damage|failure|failed|incident|no show|debt|dispute|
    accident|injury|absence|overtime|lead time
    """.replace("\n", "").replace(" " * 4, "").split("|"))  # fmt: skip
"""Nouns of which more is better, or worse: what "best" and "worst" mean beside them, and beside them only."""


@dataclass(frozen=True)
class Choice:
    """One choice of metrics, the draft as it reads with it, and what was taken for granted."""

    names: tuple[str, ...]
    draft: Draft
    assumptions: tuple[str, ...] = ()
    thing: bool = False
    """Whether a word for a thing, and no metric, says what is measured."""


def choices(draft: Draft, catalog: Catalog) -> Iterator[Choice]:
    """Each choice of metrics for the words that name them. Raises Unread or Lacking where a word of asking has none that fits."""
    if not draft.metrics:
        things = _things(draft, catalog)
        yield from things or _counts_called_so(draft, catalog) or [Choice(names, draft) for names in _counted(draft, catalog)]
        return
    for named in itertools.product(*(dict.fromkeys(s.name for s in segment.senses) for segment in draft.metrics)):
        for names in _derived(draft, catalog, tuple(dict.fromkeys(named))):
            metrics = [metric for name in names if (metric := catalog.metric(name))]
            made = draft
            if names != named and len(named) == 1 and "share" in draft.asks:  # the rate says what share it is, and of what
                asks = {role: at for role, at in draft.asks.items() if role != "share"}
                made = replace(draft, asks=asks, filters=[] if _rate_of(draft, catalog, named[0]) == names[0] else draft.filters)
            made = _as_shares(_without_unit_noun(made, catalog, metrics), metrics, catalog)
            yield from _directed(Choice(names, made), catalog)


def _as_shares(draft: Draft, metrics: list[Metric], catalog: Catalog) -> Draft:
    """ "Revenue by region in percent": of a breakdown into parts, percentages are their shares."""
    parts = any(not split.grain for split in draft.splits) and not draft.rank and not draft.thresholds
    other = {"share", "as share", "rate", "grow", "rose", "fell", "compare", "versus"} & draft.asks.keys() or len(draft.whens) > 1
    if "in percent" not in draft.asks or not parts or other or len(metrics) != 1 or not adds(metrics[0], catalog):
        return draft
    asks = {("share" if role == "in percent" else role): at for role, at in draft.asks.items()}
    return replace(draft, asks=asks)


def _is_measured(draft: Draft, catalog: Catalog) -> bool:
    """Whether a count of rows is another number than what is asked: of snapshots, or where a word for a thing is a metric's too."""
    segment = draft.subject.segment if draft.subject else None
    if segment is None:
        return False
    models = {s.name for s in segment.senses if s.kind == "entity"}
    snapshots = any(isinstance(m, SimpleMetric) and m.model in models and m.over_time for m in catalog.metrics.values())
    return snapshots or (segment.measured and "total" in draft.asks)


def _counts_called_so(draft: Draft, catalog: Catalog) -> list[Choice]:
    """ "How many payments" is the metric that is called the number of payments, or the payment count, where there is one."""
    d = draft
    if "count" not in d.asks or d.subject is None or d.subject.within or d.subject.segment.measured or d.rank or d.thresholds:
        return []
    said = words_of(d.subject.segment.text)
    called = {("number", "of", *said), (*said, "count")}
    known = {m.name: m for m in catalog.metrics.values() if isinstance(m, SimpleMetric) and not m.hidden}
    found = [name for name, m in known.items() if called & {said for said, _ in names_of(m, Sense("metric", name))}]
    return [Choice((name,), replace(d, subject=None)) for name in found]


def _counted(draft: Draft, catalog: Catalog) -> list[tuple[str, ...]]:
    """ "How many customers" counts the rows of their model."""
    if "count" not in draft.asks:
        return [()]
    entities = [*dict.fromkeys(s.name for s in draft.subject.segment.senses if s.kind == "entity")] if draft.subject else []
    if not entities or draft.rank or draft.thresholds or _is_measured(draft, catalog):
        raise Unread(draft.subject.segment if draft.subject else None)
    return [(f"{entity}.count",) for entity in entities]


def _things(draft: Draft, catalog: Catalog) -> list[Choice]:
    """What "payments in August" may measure: how many there are, and each plain metric of them; the asker picks where they differ."""
    d = draft
    if (
        d.subject is None
        or d.subject.grain
        or not (d.splits or d.whens or d.filters)
        or d.rank
        or d.thresholds
        or d.bounds
        or d.also
        or d.asks.keys() - _MILD
    ):
        return []
    entities = [*dict.fromkeys(s.name for s in d.subject.segment.senses if s.kind == "entity")]
    if _is_measured(d, catalog) or len(entities) != 1 or len(d.subject.segment.senses) != len(entities):
        return []
    model = catalog.models[entities[0]]
    if d.filters and not (d.splits or d.whens) and has_names(model):
        return []  # "clinics in the north" are listed
    own = {*key(model.name), *key(model.words), *key(model.entity or ""), *_COUNTING}
    plain = [
        m.name for m in catalog.metrics.values()
        if isinstance(m, SimpleMetric) and m.model == model.name and not m.hidden and not m.over_time
        and (not m.filter or {*key(m.words)} <= own) and adds(m) and (unit_of(m) in SIGNS or not m.expr.lower().startswith("sum"))
    ]  # fmt: skip
    said = (f"“{d.subject.segment.text}” is read as how many there are.",)
    counted = Choice((f"{model.name}.count",), replace(d, subject=None), said, thing=True)
    return [counted, *(replace(counted, names=(name,), assumptions=()) for name in plain)]


def has_names(model: Model) -> bool:
    """Whether the rows of a model have a name beside their key, so that people would list them."""
    return model.title is not None and (model.title.expr or model.title.name) not in model.primary_key


_MILD = {"total", "trend", "yes or no", "versus values", "again", "counted", "compare", "versus", "grow", "rose", "fell"}
_COUNTING = ("count", "number", "total", "issued", "created", "placed", "made", "opened", "received", "recorded", "registered")


def _derived(draft: Draft, catalog: Catalog, names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The endorsed metrics that are made of those named, where the question asks for such."""
    if "cumulative" in draft.asks:
        return _cumulative(draft, catalog, names)
    if "conversion" in draft.asks:
        return [_conversion(draft, catalog, names)]
    if "per metric" in draft.asks:
        return [_ratio_of(draft, catalog, names)]
    made = _as_ratio(draft, catalog, names)
    if draft.lengths and not isinstance(catalog.metric(made[0]), ConversionMetric):
        raise Unread(draft.lengths[0].segment)
    return [made]


def _as_ratio(draft: Draft, catalog: Catalog, names: tuple[str, ...]) -> tuple[str, ...]:
    """ "What share of appointments were no-shows", "rate of no-shows": the endorsed ratio of the two, if there is one."""
    wanted = {"share", "as share", "rate"} & draft.asks.keys()
    if "share" in wanted and len(names) == 1 and (ratio := _rate_of(draft, catalog, names[0])):
        return (ratio,)
    if "share" in wanted and len(names) == 1 and not (draft.splits or draft.subject or draft.filters):
        part = [m.name for m in catalog.metrics.values() if isinstance(m, RatioMetric) and not m.hidden and m.numerator == names[0]]
        part = [name for name in part if unit_of(catalog.metrics[name]) == "%"]
        if len(part) == 1:
            return (part[0],)
    if not wanted or ("share" in wanted and len(names) == 1):
        return names
    if wanted == {"rate"} and len(names) == 1 and unit_of(catalog.metrics[names[0]]) == "%":
        return names  # it is a rate by itself
    ratios = [m for m in catalog.metrics.values() if isinstance(m, RatioMetric) and not m.hidden]
    if len(names) == 1:
        found = [m.name for m in ratios if m.numerator == names[0] and "rate" in f"{m.name} {m.words}".lower()]
    else:
        found = [m.name for m in ratios if {m.numerator, m.denominator} == set(names)]
        found = found or [m.name for m in _conversions(draft, catalog) if {m.base, m.converted} == set(names) or _did(draft, m, catalog)]
    if len(names) > 2 or len(found) != 1:
        raise Unread(draft.metrics[0])
    return (found[0],)


def _rate_of(draft: Draft, catalog: Catalog, name: str) -> str | None:
    """ "What part of orders was cancelled": the endorsed ratio of those with this value to all of them."""
    if len(draft.filters) != 1 or draft.filters[0].negated or draft.splits or draft.subject:
        return None
    said = {(s.model, s.name, str(s.value)) for v in draft.filters[0].values for s in v.senses}
    for ratio in catalog.metrics.values():
        part = (
            catalog.metric(ratio.numerator) if isinstance(ratio, RatioMetric) and not ratio.hidden and ratio.denominator == name else None
        )
        whole = catalog.metric(name)
        if not isinstance(part, SimpleMetric) or not isinstance(whole, SimpleMetric) or part.expr != whole.expr or whole.filter:
            continue
        if not part.filter:
            continue
        kept = {(part.model, d, str(v)) for d in names_in(part.filter or "") for vs, inside in own_values(part, d) if inside for v in vs}
        if len(kept) == 1 and kept <= said and len(draft.filters[0].values) == 1:
            return ratio.name
    return None


def _ratio_of(draft: Draft, catalog: Catalog, names: tuple[str, ...]) -> tuple[str, ...]:
    """ "Revenue per order": the endorsed ratio with this numerator and this denominator."""
    ratios = [m for m in catalog.metrics.values() if isinstance(m, RatioMetric) and not m.hidden]
    found = [m.name for m in ratios if len(names) == 2 and (m.numerator, m.denominator) == names]
    if len(found) != 1:
        segment = draft.metrics[-1]
        words = " per ".join(metric.words for name in names if (metric := catalog.metric(name)))
        raise Lacking(Gap(NOT_SUPPORTED, segment.text, closes=f"a ratio metric {words}", says=f"{words} is not defined."))
    return (found[0],)


def _cumulative(draft: Draft, catalog: Catalog, names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The endorsed running totals of a metric: rolling ones for "rolling", else those since a start."""
    said = draft.asks["cumulative"]
    rolling = bool(draft.lengths) or (said is not None and said.text.lower().startswith(("rolling", "moving")))
    if len(names) == 1:
        known = [m for m in catalog.metrics.values() if isinstance(m, CumulativeMetric) and not m.hidden and names[0] in (m.name, m.metric)]
        found: list[tuple[str, ...]] = [
            (m.name,) for m in known if bool(m.window) == rolling and all(_is_long(m.window, draft) for _ in draft.lengths)
        ]
        if found:
            fiscal = {name for (name,) in found if "fiscal" in str(getattr(catalog.metric(name), "to_date", ""))}
            return [names for names in found if names[0] not in fiscal] or found  # a year is a calendar year unless it's called fiscal
    word = said.text if said is not None else ""
    raise Lacking(Gap(UNKNOWN_TERM, word, closes=f"a cumulative metric of {names[0]}", says=f"A {word.lower()} of it is not defined."))


def _conversion(draft: Draft, catalog: Catalog, names: tuple[str, ...]) -> tuple[str, ...]:
    found = [m for m in _conversions(draft, catalog) if set(names) <= {m.base, m.converted} or names == (m.name,)]
    if len(found) != 1:
        raise Unread(draft.asks["conversion"])
    return (found[0].name,)


def _did(draft: Draft, metric: ConversionMetric, catalog: Catalog) -> bool:
    """Whether "new customers ordered" are the base of a conversion and, by its verb, what it converts to."""
    converted = catalog.metric(metric.converted)
    if len(draft.metrics) != 2 or converted is None or draft.metrics[1].how != "verb":
        return False
    named = {lemma(word) for word in key(converted.words)}
    return any(s.name == metric.base for s in draft.metrics[0].senses) and lemma(draft.metrics[1].text.lower()) in named


def _conversions(draft: Draft, catalog: Catalog) -> list[ConversionMetric]:
    """Conversions, of the length that the question says, if it says one."""
    known = [m for m in catalog.metrics.values() if isinstance(m, ConversionMetric) and not m.hidden]
    return [m for m in known if all(_is_long(m.window, draft) for _ in draft.lengths)]


def _is_long(window: str | None, draft: Draft) -> bool:
    if window is None or len(draft.lengths) != 1:
        return False
    count, _, unit = window.partition(" ")
    return (count, singular(unit)) == (str(draft.lengths[0].count), draft.lengths[0].unit)


# -- what the words beside a metric are to it ---------------------------------------------------------------------------------


def _without_unit_noun(draft: Draft, catalog: Catalog, metrics: list[Metric]) -> Draft:
    """In "how many customers signed up" the customers are what sign-ups are counted in, and say no more than that."""
    if draft.subject is None or draft.rank or draft.thresholds or not metrics:
        return draft
    who = {"who", "that", "which"} & set(draft.metrics[0].lead.split()) and not {"list", "which", "asker"} & draft.asks.keys()
    if not (who or {"count", "much"} & draft.asks.keys()):  # "customers who signed up" are sign-ups
        return draft
    said = key(draft.subject.segment.text)
    if draft.subject.within or draft.subject.grain or said != key(unit_of(metrics[0])):
        return draft
    return replace(draft, subject=None)


def unit_of(metric: Metric) -> str:
    """The unit of a metric as it's written: `%`, `EUR`, `orders`; empty where there is none."""
    return "%" if metric.format == "percent" else metric.unit if isinstance(metric.unit, str) else ""


def _directed(choice: Choice, catalog: Catalog) -> Iterator[Choice]:
    """What "best" and "worst" rank first; both ways where nothing tells whether more is better."""
    if choice.draft.rank not in ("best", "worst"):
        yield choice
        return
    metric = catalog.metric(choice.names[0])
    said = f" {' '.join((*key(metric.words), *key(metric.name)))} " if metric else ""
    bad = any(f" {word} " in said for word in BAD)
    good = any(f" {word} " in said for word in GOOD)
    better = {False} if bad else {True} if good else {True, False}
    for more in sorted(better, reverse=True):
        rank = "most" if more == (choice.draft.rank == "best") else "least"
        said = (
            f"“{choice.draft.rank.capitalize()}” is read as the {'most' if rank == 'most' else 'least'} {metric.words if metric else ''}."
        )
        yield replace(choice, draft=replace(choice.draft, rank=rank), assumptions=(said,))


def adds(metric: Metric, catalog: Catalog | None = None) -> bool:
    """Whether the parts of a metric add up to its whole."""
    if isinstance(metric, DerivedMetric):
        tree = parse_expression(metric.expr)
        inputs = [catalog.metric(name) for name in metric.parts] if catalog else []
        plain = all(isinstance(node, (exp.Add, exp.Sub, exp.Column, exp.Identifier, exp.Paren)) for node in tree.walk())
        return bool(inputs) and plain and all(part is not None and adds(part, catalog) for part in inputs)
    if not isinstance(metric, SimpleMetric) or metric.over_time:
        return False
    return all(isinstance(a, (exp.Sum, exp.Count, exp.CountIf)) for a in parse_expression(metric.expr).find_all(exp.AggFunc))
