"""Running totals of which a coarser period shows the first or the mean value: computed by the day, then taken (dbt's `period_agg`)."""

from __future__ import annotations

from answerable.context.compiler.scan import Scanner, grain_of, own_times, step_name
from answerable.context.compiler.time import UNITS, part, truncated
from answerable.context.model import GRAINS
from sqlglot import exp

DAYS, VALUE = "days", "by_day"


def by_days(scanner: Scanner) -> bool:
    """Whether the scan's value must be computed by a finer grain than the plan shows."""
    field = scanner.period_field() if scanner.scan.cells[0][1].shown and scanner.scan.frame else None
    return field is not None and GRAINS.index(grain_of(field)) > GRAINS.index(own_grain(scanner))


def own_grain(scanner: Scanner) -> str:
    """The grain of the scan's time: a day where none is said, or where it is finer."""
    own = scanner.scan.model.dimensions[scanner.scan.time or ""].grain or "day"
    return own if own in UNITS and own not in ("second", "minute") else "hour" if own in ("second", "minute") else "day"


def shown_of_period(scanner: Scanner) -> exp.Select:
    """By the finer grain first; then each period's first or mean value."""
    field, (column, cell) = scanner.period_field(), scanner.scan.cells[0]
    assert field is not None
    fine = f"time:{own_grain(scanner)}"
    own = own_times(scanner.fields, scanner.scan)
    others = [f.ref for f in scanner.fields if f not in own]
    inner = Scanner(scanner.catalog, scanner.query.model_copy(update={"by": (fine, *others)}), scanner.scan)
    inner.periods = step_name(scanner.catalog, DAYS)
    day, value = exp.column(fine, quoted=True), exp.column(column, quoted=True)
    settings = scanner.catalog.settings

    def key(ref: str) -> exp.Expr:
        found = next((f for f in own if f.ref == ref), None)
        if found is None:
            return exp.column(ref, quoted=True)
        return part(day.copy(), found.grain or "") if found.is_part else truncated(day.copy(), grain_of(found), settings)

    keys = [exp.alias_(key(f.ref), f.ref, quoted=True) for f in scanner.fields]
    taken = exp.ArgMin(this=value, expression=day.copy()) if cell.shown == "first" else exp.Avg(this=value)
    outer = exp.select(*keys, exp.alias_(taken, column, quoted=True)).from_(inner.select().subquery(VALUE))
    return outer.group_by(*(exp.Literal.number(n + 1) for n in range(len(keys))))
