"""What stands around a number, in words: definitions, assumptions, freshness, gaps, readings. Computes nothing."""

from __future__ import annotations

import datetime as dt
import operator
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from answerable.agent import wording
from answerable.agent.answer import plain
from answerable.agent.lexicon import Lexicon
from answerable.agent.plan import MISSING, NOT_SUPPORTED, UNKNOWN_VALUE, Gap, Plan, Reading, Result, Span
from answerable.agent.sentence import sentence
from answerable.context.catalog import Catalog
from answerable.context.compiler import Compiled
from answerable.context.compiler.time import Span as Length
from answerable.context.engines.base import Rows
from answerable.context.errors import nearest
from answerable.context.model import ConversionMetric, CumulativeMetric, DerivedMetric, Metric, Model, RatioMetric, SimpleMetric, kind_of
from answerable.context.query import Column, SemanticQuery
from answerable.context.settings import ProjectSettings

WHICH, IS_IT, WHERE = "Which one?", "Is it this?", "Where do you want to see it?"
_OPERATORS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq}


# -- provenance -------------------------------------------------------------------------------------------------------------


def formula(metric: Metric) -> str:
    """A metric's definition in one line, as its file says it."""
    match metric:
        case SimpleMetric():
            return (
                metric.expr
                + (f" where {metric.filter}" if metric.filter else "")
                + (f", {metric.over_time.pick} of the period" if metric.over_time else "")
            )
        case RatioMetric():
            return f"{metric.numerator} / {metric.denominator}"
        case DerivedMetric():
            moved = [f"{name} is {part.metric} {part.offset} before" for name, part in metric.parts.items() if part.offset]
            return metric.expr + (f" ({'; '.join(moved)})" if moved else "")
        case CumulativeMetric():
            span = (
                f"since the start of the {metric.to_date}"
                if metric.to_date
                else f"over {metric.window}"
                if metric.window
                else "of all time"
            )
            return f"{metric.metric} {span.replace('_', ' ')}"
        case ConversionMetric():
            return f"{metric.converted} within {metric.window} of {metric.base}, by {metric.entity}"


def _metrics_of(query: SemanticQuery, catalog: Catalog) -> Iterator[Metric]:
    """The metrics of a plan and those that they are made of, each once."""
    stack, seen = [*query.metrics], set[str]()
    while stack:
        metric = catalog.metric(stack.pop(0))
        if metric is not None and metric.name not in seen:
            seen.add(metric.name)
            yield metric
            stack += catalog.inputs(metric)


def item(metric: Metric, catalog: Catalog) -> dict[str, Any]:
    """A metric as answers and pages show it."""
    model = catalog.models.get(metric.model or "")
    owner = metric.owner or (model.owner if model else None)
    return {
        "kind": "metric", "name": metric.name, "label": metric.words, "type": kind_of(metric), "description": metric.description,
        "formula": formula(metric), "unit": metric.unit if isinstance(metric.unit, str) else None, "owner": owner,
        "where": str(metric.where),
    }  # fmt: skip


def definitions(query: SemanticQuery, compiled: Compiled, catalog: Catalog) -> tuple[dict[str, Any], ...]:
    """The definitions behind a result: metrics first, then dimensions."""
    found = [item(metric, catalog) for metric in _metrics_of(query, catalog)]
    for column in compiled.columns:
        model, _, name = column.target.partition(".")
        if column.kind == "dimension" and model in catalog.models:  # a calendar's days are nobody's definition
            dimension = catalog.models[model].dimensions[name]
            found.append(
                {
                    "kind": "dimension",
                    "name": column.target,
                    "label": dimension.words,
                    "description": dimension.description,
                    "where": str(dimension.where),
                }
            )
    return tuple(found)


def assumptions(result: Result, catalog: Catalog, today: dt.date) -> tuple[str, ...]:
    """What the answer takes for granted: which date, which window, which filters, which day is today."""
    said = []
    query, settings = result.query, catalog.settings
    for fact in result.compiled.facts:
        model = catalog.models[fact.model]
        labels = wording.listed([m.words for n in fact.metrics if (m := catalog.metric(n)) and not m.hidden] or [model.words])
        if fact.time and (query.window or any(":" in ref for ref in query.by)):
            said.append(f"{wording.capital(labels)} by {model.dimensions[fact.time].words}.")
        for name in fact.metrics:
            metric = catalog.metric(name)
            if isinstance(metric, SimpleMetric) and metric.filter:
                said.append(f"{wording.capital(metric.words)} counts only rows where {metric.filter}.")
        if model.always:
            said.append(f"{wording.capital(model.words)} always: {model.always}.")
    for name, day in result.days.items():
        metric = catalog.metric(name)
        said.append(f"{wording.capital(metric.words if metric else name)} as of {wording.date(day)}.")
    if result.tied:
        said.append("Others have the same value as the last one shown: the limit cut them off, in the order of their names.")
    if result.withheld:
        numbers = "1 number is" if result.withheld == 1 else f"{result.withheld} numbers are"
        said.append(f"{numbers} withheld: too few rows stand behind {'it' if result.withheld == 1 else 'them'} for you.")
    if query.window:
        said.append(f"Window: {wording.interval(query.window, settings)}.")
        if query.window.end and query.window.start and dt.date.fromisoformat(str(query.window.end)[:10]) > today + dt.timedelta(days=1):
            said.append(f"The window ends after today, {wording.date(today)}.")
    elif query.metrics and not result.days and not any(re.search(r"'\d{4}-\d\d-\d\d", text) for text in query.where):
        said.append("No time was named: all rows count.")
    if settings.today:
        said.append(f"Today is set to {wording.date(settings.today)} in this project.")
    return tuple(dict.fromkeys(said))


def freshness(model: Model, newest: Any, today: dt.date) -> dict[str, Any]:
    """How new a model's rows are, and whether that is later than its definition allows, by the start of today."""
    within = model.freshness.within if model.freshness else None
    late = None
    if isinstance(newest, dt.date) and within:
        limit = Length.of(within).before(dt.datetime.combine(today, dt.time()))
        moment = newest if isinstance(newest, dt.datetime) else dt.datetime.combine(newest, dt.time())
        late = (
            moment.replace(tzinfo=None) < dt.datetime.combine(limit, dt.time())
            if not isinstance(limit, dt.datetime)
            else moment.replace(tzinfo=None) < limit
        )
    return {"model": model.name, "newest": plain(newest), "within": within, "late": late}


def days_as_days(rows: Rows) -> Rows:
    """A column of moments that are all midnights is one of days: what `date_trunc('month', …)` makes reads as 2025-01-01.

    Moments with a zone come in the project's.
    """
    days = {n for n in range(len(rows.names)) if _all_midnights(row[n] for row in rows.rows)}
    if not days:
        return rows
    made = [tuple(v.date() if n in days and v is not None else v for n, v in enumerate(row)) for row in rows.rows]
    return replace(rows, rows=made, types=tuple("DATE" if n in days else kind for n, kind in enumerate(rows.types)))


def _all_midnights(values: Iterable[Any]) -> bool:
    said = [value for value in values if value is not None]
    return bool(said) and all(isinstance(v, dt.datetime) and v.time() == dt.time() for v in said)


def sql_columns(rows: Rows) -> tuple[Column, ...]:
    """The columns of SQL that somebody wrote: no definition stands behind them."""
    return tuple(Column(name, "row", "", _type(kind), label=name) for name, kind in zip(rows.names, rows.types, strict=True))


def _type(kind: str) -> str:
    kind = kind.upper()
    if kind.startswith(("DATE",)):
        return "date"
    if kind.startswith(("TIME",)):
        return "time"
    if kind.startswith("BOOL"):
        return "boolean"
    return "number" if re.match(r"U?(TINY|SMALL|BIG|HUGE)?INT(?!ERVAL)|DOUBLE|FLOAT|DECIMAL|NUMERIC|NUMBER|REAL", kind) else "text"


def yes_or_no(check: str, columns: Sequence[Column], rows: Rows) -> str:
    """`Yes. ` or `No. ` for a question about one row; nothing where a side has no value."""
    if not check or len(rows.rows) != 1:
        return ""
    values = {column.name: value for column, value in zip(columns, rows.rows[0], strict=True)}
    left, sign, right = check.split(" ")
    one, other = values.get(left), values[right] if right in values else float(right)
    if one is None or other is None:
        return ""
    return "Yes. " if _OPERATORS[sign](float(one), float(other)) else "No. "


def has_not_happened(result: Result, today: dt.date, spans: tuple[Span, ...]) -> Gap | None:
    """A gap where a window lies ahead and no row is known of it yet: nothing is no forecast of nothing."""
    window = result.query.window
    if window is None or window.start is None or str(window.start)[:10] <= today.isoformat():
        return None
    values = [i for i, column in enumerate(result.compiled.columns) if column.kind == "metric"]
    if not values or any(row[i] for row in result.rows.rows for i in values):
        return None
    said = next((span for span in spans if span.kind in ("time", "period")), None)
    at = (said.text, said.start, said.end) if said else ("", 0, 0)
    return Gap(
        NOT_SUPPORTED,
        *at,
        closes="a plan or a forecast in the data",
        says=f"{at[0] or 'That'} has not happened yet, and nothing is known of it.",
    )


# -- asking and declining ---------------------------------------------------------------------------------------------------------


def option(reading: Reading, result: Result, total: Result, settings: ProjectSettings) -> dict[str, Any]:
    """One reading to choose: in words, its plan and its number (of a breakdown, the total)."""
    made = sentence(reading.query, result.compiled.columns, result.rows.rows, result.rows.truncated, settings, result.days, reading.scope)
    value = next((i for i, c in enumerate(total.compiled.columns) if c.kind == "metric"), None)
    single = value is not None and len(total.rows.rows) == 1
    number = total.rows.rows[0][value] if single and value is not None else None
    return {
        "reading": wording.capital(reading.words), "plan": reading.query.as_data(), "text": made.text, "number": plain(number),
        "shown": wording.cell(number, total.compiled.columns[value]) if single and value is not None else f"{len(result.rows.rows)} rows",
        "columns": [c.name for c in result.compiled.columns], "rows": [[plain(v) for v in row] for row in result.rows.rows[:50]],
    }  # fmt: skip


def open_word(plan: Plan) -> Span | None:
    """The word that has several meanings."""
    if len({str(reading.query.window) for reading in plan.readings}) > 1:
        return next((span for span in plan.spans if span.kind in ("time", "period")), None)
    first, *others = (reading.spans for reading in plan.readings)
    for n, span in enumerate(first):
        if " | " in span.target or any(n < len(other) and other[n].target != span.target for other in others):
            return span
    return next((span for span in plan.spans if span.kind not in ("grammar", "time", "number")), None)


def which_one(word: Span | None, options: tuple[dict[str, Any], ...]) -> str:
    """The question back, with each reading and its number."""
    said = f"“{wording.capital(word.text)}” has {len(options)} readings here." if word else f"This has {len(options)} readings."
    return f"{said} {WHICH} " + " ".join(f"{n}. {o['reading']}: {o['shown']}." for n, o in enumerate(options, 1))


def where_it_changed(gap: Gap, change: str, options: list[dict[str, Any]]) -> str:
    """That no cause can be told, the change itself, and what it is made of."""
    said = f"{gap.says} {change}"
    if not options:
        return f"{said} Nothing endorsed splits this change."
    return f"{said} {WHERE} " + " ".join(f"{n}. {o['reading']}: {o['text']}." for n, o in enumerate(options, 1))


def is_it_this(gaps: tuple[Gap, ...], plan: Plan, option: dict[str, Any]) -> str:
    """What is not understood, and the clause that is, with its number."""
    words = wording.listed([f"“{wording.capital(gap.text)}”" for gap in gaps])
    said = f"{words} {'has' if len(gaps) == 1 else 'have'} no endorsed definition." if gaps else plan.says
    return f"{said} The rest is a question by itself. {IS_IT} 1. {option['reading']}: {option['shown']}."


def is_it_guessed(gaps: tuple[Gap, ...], options: tuple[dict[str, Any], ...]) -> str:
    """What has no definition, what a language model takes it for, and its number."""
    words = wording.listed([f"“{wording.capital(gap.text)}”" for gap in gaps])
    taken = wording.listed([f"“{gap.text}” for {gap.nearest[0]}" for gap in gaps if gap.nearest])
    passed = wording.listed([f"“{gap.text}”" for gap in gaps if not gap.nearest])
    guess = " and ".join(filter(None, (taken and f"takes {taken}", passed and f"passes over {passed}")))
    has = "has" if len(gaps) == 1 else "have"
    lacks = f"{words} {has} no endorsed definition. A language model {guess}." if gaps else "Only a language model reads this."
    asks = IS_IT if len(options) == 1 else WHICH
    listed = " ".join(f"{n}. {o['reading']}: {o['shown']}." for n, o in enumerate(options, 1))
    return f"{lacks} {asks} {listed}"


def with_nearest(gap: Gap, lexicon: Lexicon) -> Gap:
    """A gap with what this asker may see that is near it: values for a value, else metrics and dimensions."""
    if gap.type not in MISSING or gap.nearest:
        return gap
    kinds = ("value",) if gap.type == UNKNOWN_VALUE else ("metric", "dimension")
    words = {" ".join(key): [s for s in senses if s.kind in kinds] for key, senses in lexicon.senses.items()}
    near = nearest(gap.text.lower(), [word for word, senses in words.items() if senses], cutoff=0.7)
    return replace(gap, nearest=tuple(dict.fromkeys(words[word][0].target for word in near)))


def without(question: str, gaps: tuple[Gap, ...]) -> str:
    """A question without the words of its gaps."""
    for gap in sorted(gaps, key=lambda gap: -gap.start):
        question = question[: gap.start] + question[gap.end :]
    return re.sub(r"\s+([,.?!])", r"\1", re.sub(r"\s{2,}", " ", question)).strip(" ,;-")


def declined(gaps: tuple[Gap, ...], spans: tuple[Span, ...], answerable: str = "") -> str:
    """What happened, what is understood, what to do next; `answerable` is the question without what is missing."""
    known = [span for span in spans if span.kind not in ("grammar", "gap", "number", "frame")]
    missing = [gap for gap in gaps if gap.type in MISSING and not gap.says]
    if not missing:
        said = " ".join(dict.fromkeys(wording.capital(gap.says) for gap in gaps if gap.says))
        return f"Not answered. {said}".strip()
    words = wording.listed([f"“{wording.capital(gap.text)}”" for gap in missing])
    has = "has" if len(missing) == 1 else "have"
    understood = f" Understood: {wording.listed([span.text for span in known])}." if known else ""
    near = list(dict.fromkeys(n for gap in missing for n in gap.nearest))
    hint = f" Near it: {', '.join(near[:3])}." if near else ""
    now = f" Without {'it' if len(missing) == 1 else 'them'}, “{answerable}” can be answered." if answerable else ""
    return f"Not answered. {words} {has} no endorsed definition.{understood}{hint}{now} The question is recorded for the data team."


# -- definitions and the catalogue --------------------------------------------------------------------------------------------------


def items(plan: Plan, catalog: Catalog) -> tuple[dict[str, Any], ...]:
    """What a definition question asks about."""
    found = []
    for reading in plan.readings:
        name = reading.definition
        if metric := catalog.metric(name):
            found.append(item(metric, catalog))
        elif name in catalog.models:
            model = catalog.models[name]
            found.append(
                {
                    "kind": "model",
                    "name": name,
                    "label": model.words,
                    "description": model.description,
                    "owner": model.owner,
                    "where": str(model.where),
                }
            )
        else:
            found.append(_dimension_item(name, catalog))
    return tuple(found)


def _dimension_item(name: str, catalog: Catalog) -> dict[str, Any]:
    owner, _, rest = name.partition(".")
    dimension = catalog.models[owner].dimensions.get(rest.split(" = ")[0]) if owner in catalog.models else None
    if dimension is None:
        return {"kind": "name", "name": name, "label": name, "description": None}
    value = dimension.values.get(rest.partition(" = ")[2])
    said = value.description if value else dimension.description
    return {"kind": "dimension", "name": name, "label": dimension.words, "description": said, "where": str(dimension.where)}


def definition_text(plan: Plan, catalog: Catalog) -> str:
    """A definition in words, with its formula and its owner."""
    said = []
    for found in items(plan, catalog):
        said_as = next((span.text for span in plan.spans if span.target == found["name"]), found["label"] if len(plan.spans) > 1 else "")
        also = f" (“{said_as}”)" if said_as.lower() != found["label"].lower() else ""
        text = f"{wording.capital(found['label'])}{also}: {found.get('description') or 'no description yet'}"
        text = text if text.endswith(".") else f"{text}."
        if found.get("formula"):
            text += f" Computed as {found['formula']}" + (f", in {found['unit']}." if found.get("unit") else ".")
        said.append(text + (f" Owner: {found['owner']}." if found.get("owner") else ""))
    return " ".join(said)


def all_metrics(catalog: Catalog) -> tuple[dict[str, Any], ...]:
    return tuple(item(metric, catalog) for _, metric in sorted(catalog.metrics.items()) if not metric.hidden)


def catalogue_text(catalog: Catalog) -> str:
    """What this asker can ask about."""
    names = [metric["label"] for metric in all_metrics(catalog)]
    if not names:
        return "There is nothing that you may ask about yet: no metric is endorsed, or none for your groups."
    things = [wording.capital(model.words) for model in catalog.models.values()]
    split = f"split and filtered by what belongs to {wording.listed(things)}"
    return f"You can ask about {wording.listed(names)}; {split}. `answerable catalog` shows each with its definition."
