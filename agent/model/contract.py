"""A plan in the form that the contract writes (`"by": ["customer.region"]`, conditions as SQL) is read as the sketch that it says."""

from __future__ import annotations

import re
from typing import Any

from answerable.context.expr import BadExpression, conjuncts, dotted, parse_condition
from sqlglot import exp

_OPERATORS: dict[type[exp.Expr], str] = {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}
_THRESHOLD = re.compile(r"\s*([\w.]+)\s*(=|<>|>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)\s*")


def as_sketch(plan: dict[str, Any]) -> dict[str, Any]:
    """The data of a sketch. What is not of the contract's form stays as it is, for the sketch's own check to refuse."""
    found = dict(plan)
    if isinstance(by := plan.get("by"), list):
        found["by"] = [_split(each) if isinstance(each, str) else each for each in by]
    if isinstance(where := plan.get("where"), list):
        found["where"] = [said for each in where for said in (_conditions(each) if isinstance(each, str) else [each])]
    if isinstance(having := plan.get("having"), list):
        found["having"] = [_threshold(each) if isinstance(each, str) else each for each in having]
    if isinstance(compare := plan.get("compare"), dict) and isinstance(compare.get("to"), str):
        found["compare"] = compare["to"]
    if isinstance(limit := plan.get("limit"), dict):
        found |= {"limit": limit.get("n"), "limit_per": limit.get("per", [])}
    if plan.get("share") == ["total"]:
        found["share"] = "total"
    return found


def _split(said: str) -> dict[str, str]:
    name, _, grain = said.partition(":")
    return {"field": name, "grain": grain} if grain else {"field": name}


def _threshold(said: str) -> Any:
    match = _THRESHOLD.fullmatch(said)
    return {"metric": match[1], "operator": match[2], "value": float(match[3])} if match else said


def _conditions(said: str) -> list[Any]:
    try:
        return [_condition(part) or said for part in conjuncts(parse_condition(said))]
    except BadExpression:
        return [said]


def _condition(tree: exp.Expr) -> dict[str, Any] | None:
    """One comparison of a field with values; None for what is no such thing."""
    turned = isinstance(tree, exp.Not)
    inner = tree.this.unnest() if turned else tree.unnest()
    if not isinstance(inner.this, exp.Column):
        return None
    name = dotted(inner.this)
    if isinstance(inner, exp.In) and all(isinstance(value, exp.Literal) for value in inner.expressions):
        return {"field": name, "operator": "not in" if turned else "in", "values": [_value(v) for v in inner.expressions]}
    if isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null):
        return {"field": name, "operator": "is not null" if turned else "is null"}
    if type(inner) in _OPERATORS and not turned and isinstance(inner.expression, (exp.Literal, exp.Boolean)):
        return {"field": name, "operator": _OPERATORS[type(inner)], "values": [_value(inner.expression)]}
    return None


def _value(literal: exp.Expr) -> str | float | bool:
    if isinstance(literal, exp.Boolean):
        return bool(literal.this)
    return str(literal.this) if literal.is_string else float(literal.this)
