"""Causes are not in the data. Where a change came from is: asked why, answerable offers the change by each dimension."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from answerable.agent import wording
from answerable.agent.choosing import adds
from answerable.agent.conditions import names_in
from answerable.agent.options import Options
from answerable.agent.plan import NOT_SUPPORTED, Gap, Plan, Reading, Result
from answerable.context.catalog import Catalog
from answerable.context.errors import AnswerableError
from answerable.context.query import Column, Compare, SemanticQuery

_WHY = re.compile(
    r"\b(why(?: is it that| is that)?|how come|what(?:'s| is| was)? (?:caused|causes|causing|drove|drives|driving|explains|"
    r"explained|behind|"
    r"is behind|was behind|led to|made)(?: the| our| a| this)?|(?:what is |what was )?the (?:reason|reasons|cause|causes) (?:for|of|"
    r"behind)|(?:reason|reasons|cause) for)\b",
    re.IGNORECASE,
)
DIMENSIONS, FEW = 12, 50
"""Dimensions that are tried, and the values that one may have."""


def without_why(text: str) -> tuple[str, Gap] | None:
    """A question without its "why", which is a gap: no definition says causes. The rest keeps its place."""
    match = _WHY.search(text)
    if match is None:
        return None
    says = "The data shows where a number changed, and not why."
    gap = Gap(NOT_SUPPORTED, match[0], match.start(), match.end(), says=says)
    return text[: match.start()] + " " * len(match[0]) + text[match.end() :], gap


def asked_why(text: str, read: Callable[[str], Plan], before: Callable[[], Plan]) -> Plan | None:
    """A question about a cause as a gap, with the change that it's about as its reading where that is read."""
    if (found := without_why(text)) is None:
        return None
    rest, gap = found
    plan = read(rest) if re.search(r"\w", rest) else before()
    readings = tuple(changing for reading in plan.readings if (changing := _changing(reading)))
    lacking = tuple(g for g in plan.gaps if g.type != NOT_SUPPORTED)
    return Plan(kind="why", readings=readings[:1] if len(readings) == 1 else (), gaps=(gap, *lacking), spans=plan.spans)


def _changing(reading: Reading) -> Reading | None:
    """The reading as one change of one number, or None."""
    query = reading.query
    if len(query.metrics) != 1 or query.window is None or not query.window.start or not query.window.end:
        return None
    total = query.model_copy(update={
        "by": (), "order": (), "limit": None, "having": (), "share": None, "compare": query.compare or Compare(to="previous"),
    })  # fmt: skip
    return replace(reading, query=total, compiled=None, check="")


@dataclass(frozen=True)
class Contribution:
    """A change by one dimension: the plan's result, and the part that changed most in the direction of the whole."""

    words: str
    result: Result
    part: str
    change: float
    whole: float

    @property
    def column(self) -> Column:
        return next(c for c in self.result.compiled.columns if c.name.endswith("_change"))


def contributions(reading: Reading, run: Callable[[SemanticQuery], Result], catalog: Catalog) -> list[Contribution]:
    """The change by each endorsed dimension with few values, those first in which one part explains most of it."""
    metric = catalog.metric(reading.query.metrics[0])
    if metric is None or not adds(metric):
        return []
    bases = [catalog.models[leaf.model] for leaf in catalog.leaves(metric) if leaf.model]
    options = Options(catalog, bases[:1], frozenset())
    filtered = {name for text in reading.query.where for name in names_in(text)}
    refs = {
        ref.name: ref
        for model in (bases[0], *(m for m in catalog.models.values() if m is not bases[0]))
        for name in model.dimensions
        for ref in options.refs(model.name, name)
        if ref.dimension.group and not ref.dimension.private and ref.dimension.type in ("text", "boolean") and ref.name not in filtered
    }
    found = []
    for ref in [*refs.values()][:DIMENSIONS]:
        query = reading.query.model_copy(update={"by": (ref.name,), "limit": FEW + 1})
        try:
            one = _largest(ref.words, run(query))
        except AnswerableError:
            continue
        if one is not None:
            found.append(one)
    return sorted(found, key=lambda c: -abs(c.change / c.whole))[:3]


def _largest(words: str, result: Result) -> Contribution | None:
    names = [column.name for column in result.compiled.columns]
    change = next(i for i, name in enumerate(names) if name.endswith("_change"))
    parts = [(row[0], float(row[change] or 0)) for row in result.rows.rows]
    whole = sum(value for _, value in parts)
    if not 2 <= len(parts) <= FEW or not whole:
        return None
    name, value = max(parts, key=lambda part: part[1] / whole)
    return Contribution(words, result, "what has none" if name is None else str(name), value, whole)


def option(one: Contribution) -> dict[str, Any]:
    """A contribution to pick: its plan, and its largest part as the number."""
    column = replace(one.column, name=one.column.name)
    shown = wording.cell(one.change, column, signed=True)
    rows = [list(row) for row in one.result.rows.rows]
    return {
        "reading": f"The change by {one.words}", "plan": one.result.query.as_data(), "number": one.change,
        "text": f"{one.part}: {shown} of {wording.cell(one.whole, column, signed=True)}", "shown": f"{one.part} {shown}",
        "columns": [c.name for c in one.result.compiled.columns], "rows": rows,
    }  # fmt: skip
