"""A comparison: the same cells over another window, side by side, with periods lined up by position."""

from __future__ import annotations

from answerable.context.compiler.time import Frame, Moment, Span, Step, as_datetime
from answerable.context.errors import PlanError
from answerable.context.query import Compare, TimeWindow
from sqlglot import exp


def moved(compare: Compare, window: TimeWindow | None) -> tuple[Frame, TimeWindow | None]:
    """How a comparison's cells differ from the plan's: moved in time, or over a window of another length.

    Raises PlanError where the plan has no whole window of its own.
    """
    if window is None or window.start is None or window.end is None:
        raise PlanError("A comparison needs a window with a start and an end.", "compare")
    if compare.to == "last_year":
        return (Step("offset", Span(months=12)),), None
    length = _between(window.start, window.end)
    if compare.to == "previous":
        return (Step("offset", length),), None
    other = compare.to
    if not isinstance(other, TimeWindow) or other.start is None or other.end is None:
        raise PlanError("The window to compare with needs a start and an end.", "compare")
    back = _between(other.start, window.start)
    earlier = as_datetime(other.start) < as_datetime(window.start)
    same = earlier and as_datetime(back.before(window.end)) == as_datetime(other.end)
    return ((Step("offset", back),), None) if same else ((), other)


def _between(start: Moment, end: Moment) -> Span:
    """The length from one moment to a later one: in months where both begin one, else in days."""
    months = (end.year - start.year) * 12 + end.month - start.month
    if start.day == end.day and months > 0 and as_datetime(start).time() == as_datetime(end).time():
        return Span(months=months)
    length = as_datetime(end) - as_datetime(start)
    return Span(days=length.days) if not length.seconds else Span(seconds=length.days * 86_400 + length.seconds)


def changes(name: str, now: exp.Expr, before: exp.Expr) -> dict[str, exp.Expr]:
    """The wide columns: the value before, the difference, and the fraction by which it changed (null over zero)."""
    change = exp.Sub(this=_operand(now), expression=_operand(before))
    whole = exp.func("NULLIF", before.copy(), exp.Literal.number(0))
    rate = exp.Div(this=exp.cast(change.copy(), "DOUBLE"), expression=whole)
    return {f"{name}_before": before, f"{name}_change": change, f"{name}_change_rate": rate}


def _operand(value: exp.Expr) -> exp.Expr:
    return exp.paren(value.copy()) if isinstance(value, exp.Binary) else value.copy()
