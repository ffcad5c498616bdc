"""What each word of the grammar asks of a model's plan."""

from __future__ import annotations

from collections.abc import Callable

from answerable.agent.model.sketched import Shape
from answerable.agent.wording import SIGNS
from answerable.context.model import ConversionMetric, CumulativeMetric, DerivedMetric, RatioMetric, SimpleMetric

NEGATIVE = frozenset(("<>", "not in", "is null"))
COMPARING = {">": ">", ">=": ">=", "<": "<", "<=": "<=", "=": "=", "more": ">", "less": "<"}
LEAVING_OUT = frozenset(("not", "nor", "leave", "no", "never"))
"""Roles that turn the value after them around."""
FREE = frozenset("""
    filler frame comma and count much long size counted total list which asker with came times only
    """.split()) | {"is it true"}  # fmt: skip
"""Words that say how to ask, and nothing that a plan could lack."""


def numbers(shape: Shape) -> set[float]:
    sketch = shape.sketch
    found = {float(said.value) for said in sketch.having} | ({float(sketch.limit)} if sketch.limit else set())
    return found | {float(v) for said in sketch.where for v in said.values if isinstance(v, (int, float)) and not isinstance(v, bool)}


def operators(shape: Shape) -> set[str]:
    return {said.operator for said in shape.sketch.having} | {said.operator for said in shape.sketch.where}


def negative(shape: Shape) -> bool:
    zero = any(said.value == 0 and said.operator == "=" for said in shape.sketch.having)
    return zero or bool(NEGATIVE & operators(shape))


def _first(shape: Shape, largest: bool) -> bool:
    """Whether a plan gives the first by rank."""
    return _ranked(shape, largest) and bool(shape.sketch.limit)


def _ranked(shape: Shape, largest: bool) -> bool:
    return bool(shape.sketch.order) and shape.sketch.order[0].startswith("-") is largest


def _compares(shape: Shape) -> bool:
    split = {field.name for field in shape.by}
    several = any(said.operator == "in" and len(said.values) > 1 and field.name in split for field, said in shape.where)
    return bool(shape.query.compare or several or len(shape.metrics) > 1)


def _averages(shape: Shape) -> bool:
    return all(
        isinstance(m, RatioMetric) or (isinstance(m, SimpleMetric) and m.expr.lower().startswith(("avg(", "mean(", "median(")))
        for m in shape.metrics
    )


def _operator(*known: str) -> Callable[[Shape], bool]:
    return lambda shape: bool({*known} & operators(shape))


KEPT: dict[str, Callable[[Shape], bool]] = {
    "amount": lambda shape: all(m.unit in SIGNS for m in shape.metrics),
    "by": lambda shape: bool(shape.by) or any(isinstance(m, RatioMetric) for m in shape.metrics),
    "ranked by": lambda shape: bool(shape.sketch.order),
    "or": lambda shape: any(said.operator in ("in", "not in") for said in shape.sketch.where),
    "not": negative,
    "nor": negative,
    "leave": negative,
    "aside": negative,
    "no": negative,
    "never": negative,
    "unknown": _operator("is null"),
    "versus": _compares,
    "both": lambda shape: _compares(shape) or not any(said.operator == "in" for said in shape.sketch.where),
    "compare": _compares,
    "than": lambda shape: _compares(shape) or bool(operators(shape)),
    "more": lambda shape: _compares(shape) or bool(operators(shape)),
    "less": lambda shape: _compares(shape) or bool(operators(shape)),
    "top": lambda shape: _first(shape, True),
    "most": lambda shape: _first(shape, True),
    "most of:time": lambda shape: _first(shape, True),
    "most of:money": lambda shape: _first(shape, True),
    "descending": lambda shape: _ranked(shape, True),
    "bottom": lambda shape: _first(shape, False),
    "least": lambda shape: _first(shape, False),
    "least of:time": lambda shape: _first(shape, False),
    "least of:money": lambda shape: _first(shape, False),
    "ascending": lambda shape: _ranked(shape, False),
    ">": _operator(">"),
    ">=": _operator(">="),
    "<": _operator("<"),
    "<=": _operator("<="),
    "=": _operator("="),
    "or more": _operator(">="),
    "or less": _operator("<="),
    "share": lambda shape: bool(shape.sketch.share) or all(isinstance(m, RatioMetric) for m in shape.metrics),
    "rate": lambda shape: all(isinstance(m, (RatioMetric, ConversionMetric, DerivedMetric)) for m in shape.metrics),
    "conversion": lambda shape: any(isinstance(m, ConversionMetric) for m in shape.metrics),
    "cumulative": lambda shape: all(isinstance(m, CumulativeMetric) for m in shape.metrics),
    "trend": lambda shape: any(f.grain for f in shape.by),
    "grow": lambda shape: shape.query.compare is not None,
    "rose": lambda shape: shape.query.compare is not None,
    "fell": lambda shape: shape.query.compare is not None,
    "over:year": lambda shape: shape.sketch.compare == "last_year",
    "over:month": lambda shape: shape.query.compare is not None,
    "over:quarter": lambda shape: shape.query.compare is not None,
    "average": _averages,
    "once": lambda shape: 1.0 in numbers(shape),
    "twice": lambda shape: 2.0 in numbers(shape),
}
"""By role. Those that are not here and not free are not read in a model's plan: "between", "best", "distinct", what a thread takes back."""
