"""A fact summed up once by the day or the month, from which a plan's moved, running and plain values are put together.

A range join of periods with the fact's own rows would read each row once for every period that it counts for; sums, counts, least
and greatest values can be made of those of smaller pieces of time instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby

from answerable.context.compiler.combine import quoted
from answerable.context.compiler.grid import FINE, NESTS, begins, grain_of
from answerable.context.compiler.scan import Scanner, within
from answerable.context.compiler.time import Moment, Step, as_datetime, floor, part, truncated
from answerable.context.model import GRAINS, SimpleMetric
from answerable.context.paths import NEEDED, Field
from answerable.context.query import TimeWindow
from answerable.context.settings import ProjectSettings
from sqlglot import exp

PIECE = "piece"
ROLLED = ("month", "day", "hour")
_AGAIN: dict[type[exp.Expr], type[exp.AggFunc]] = {
    exp.Sum: exp.Sum, exp.Count: exp.Sum, exp.CountIf: exp.Sum, exp.Min: exp.Min, exp.Max: exp.Max,
}  # fmt: skip
"""What makes one value of those of several pieces."""


@dataclass
class Rollup:
    """The step `name`: the rows of a fact by the pieces of `grain` and a plan's other keys. `columns` are its aggregates by their SQL."""

    name: str
    grain: str
    scanners: list[Scanner]
    columns: dict[str, tuple[str, exp.Expr]] = field(default_factory=dict)

    def select(self) -> exp.Select:
        """The step itself. Call after `rolled`, which says what it needs."""
        base = self.scanners[0]
        conditions = [*base.row_filters(), *self._range()]  # before the joins are written: they may need some
        keys = [exp.alias_(base.relation.key(f), f.ref, quoted=True) for f in base.fields if not base.is_own(f)]
        piece = exp.alias_(truncated(base.relation.moment(), self.grain, base.catalog.settings), PIECE)
        values = [exp.alias_(tree.copy(), name, quoted=True) for name, tree in self.columns.values()]
        select = base.relation.select(piece, *keys, *values).where(*conditions, copy=False)
        select.add_comments([f" {', '.join(dict.fromkeys(scanner.scan.metrics for scanner in self.scanners))} "])
        return select.group_by(*(exp.Literal.number(n + 1) for n in range(len(keys) + 1)))

    def rolled(self, scanner: Scanner) -> exp.Select:
        """One of its scanners' SELECT, over the step instead of the fact."""
        grid, piece = scanner.grid, exp.column(PIECE, table=self.name)
        keys = [exp.alias_(self._key(scanner, f, piece), f.ref, quoted=True) for f in scanner.fields]
        columns = [*keys, *(exp.alias_(self._again(scanner, cell.metric), name, quoted=True) for name, cell in scanner.scan.cells)]
        if grid is None:
            window = scanner.scan.window or TimeWindow()
            select = exp.select(*columns).from_(exp.to_table(self.name)).where(*within(piece, window.start, window.end))
        else:
            select = exp.select(*columns).from_(exp.to_table(grid.name))
            select = select.join(exp.to_table(self.name), on=exp.and_(*scanner.bounds(piece))).where(*scanner.shown_filters())
        return select.group_by(*(exp.Literal.number(n + 1) for n in range(len(keys))))

    def _key(self, scanner: Scanner, field: Field, piece: exp.Column) -> exp.Expr:
        if not scanner.is_own(field):
            return quoted(field.ref, self.name)
        grain = grain_of(field)
        if (shown := scanner.shown(field)) is not None:
            return shown
        if field.is_part:
            return part(piece, grain)
        return piece if grain == self.grain else truncated(piece, grain, scanner.catalog.settings)

    def _again(self, scanner: Scanner, metric: SimpleMetric) -> exp.Expr:
        """A metric's expression over the step's columns."""
        tree = self.scanners[0].relation.measured(metric.expr)
        single = isinstance(tree, exp.AggFunc)

        def again(node: exp.Expr) -> exp.Expr:
            if not isinstance(node, exp.AggFunc):
                return node
            sql = node.sql()
            if sql not in self.columns:
                taken = {PIECE, *scanner.query.by, *(name for name, _ in self.columns.values())}
                numbered = (f"{metric.name}_{n}" for n in range(1, 10_000))
                name = next(n for n in chain([metric.name] if single else [], numbered) if n not in taken)
                self.columns[sql] = (name, node.copy())
            return _AGAIN[type(node)](this=quoted(self.columns[sql][0], self.name))

        return tree.transform(again, copy=True)

    def _range(self) -> list[exp.Expr]:
        """The rows that any of the scanners counts."""
        settings = self.scanners[0].catalog.settings
        windows = [(scanner.scan.window or TimeWindow(), scanner.scan.frame) for scanner in self.scanners]
        starts = [_earliest(window.start, frame, settings) for window, frame in windows]
        ends = [window.end for window, _ in windows]
        known = [(as_datetime(moment), moment) for moment in starts if moment is not None]
        start = min(known)[1] if len(known) == len(starts) else None
        return within(self.scanners[0].relation.moment(), start, ends[0])


def _earliest(start: Moment | None, frame: Sequence[Step], settings: ProjectSettings) -> Moment | None:
    """The first moment that counts for a window's first period; None is open."""
    for step in frame:
        if start is None or step.kind == "all" or step.span.custom or step.grain in settings.grains:
            return None
        match step.kind:
            case "offset" | "window":
                start = step.span.before(start)
            case "to_date" | "offset_to":
                start = floor(as_datetime(start).date(), step.grain, settings)
    return start


def rollups(scanners: Sequence[Scanner]) -> list[Rollup]:
    """The rollups that pay: for each fact with a moved or running value, with the plain values of the same rows. Sets `scanner.rollup`."""
    fitting = [(key, scanner, grain) for scanner in scanners if (grain := _grain(scanner)) and (key := _rows(scanner))]
    found: list[Rollup] = []
    for _, members in groupby(sorted(fitting, key=lambda fit: fit[0]), key=lambda fit: fit[0]):
        group = list(members)
        if not any(scanner.grid for _, scanner, _ in group):
            continue
        grain = max((grain for *_, grain in group), key=ROLLED.index)
        base = group[0][1]
        name = base.catalog.free_word(f"{base.scan.model.name}_by_{grain}")
        rollup = Rollup(name if name not in {r.name for r in found} else f"{name}_{len(found) + 1}", grain, [s for _, s, _ in group])
        for scanner in rollup.scanners:
            scanner.rollup = rollup.rolled
        found.append(rollup)
    return found


def _rows(scanner: Scanner) -> str:
    """What rows a scanner reads; empty where its cells read different ones."""
    said = {(cell.metric.filter, cell.filters) for _, cell in scanner.scan.cells}
    return repr((scanner.scan.model.name, scanner.scan.time, said.pop())) if len(said) == 1 else ""


def _grain(scanner: Scanner) -> str | None:
    """The coarsest of `ROLLED` that a scanner's values can be made of; None where they need the rows."""
    scan, settings = scanner.scan, scanner.catalog.settings
    if not scanner.own or not scan.time or any(cell.conversion or cell.metric.over_time for _, cell in scan.cells):
        return None
    if not all(_is_made_of_parts(scanner.relation.measured(cell.metric.expr)) for _, cell in scan.cells) or scanner.has_mixed_filters:
        return None
    shown = [scanner.grid.grain] if scanner.grid else [NEEDED.get(grain_of(f), grain_of(f)) for f in scanner.own]
    if scanner.grid is None and (scanner.shown_filters() or any(grain in settings.grains for grain in shown)):
        return None
    if any(step.kind == "offset_to" for step in scan.frame) and scanner.own_grain in FINE:
        return None
    window = scan.window or TimeWindow()
    edges = [edge for edge in (window.start, window.end) if edge]

    def fits(grain: str) -> bool:
        nested = all(g == grain or g in NESTS[grain] or (g in settings.grains and grain != "month") for g in shown)
        return nested and all(_keeps(step, grain) for step in scan.frame) and all(begins(edge, grain, settings) for edge in edges)

    return next(filter(fits, ROLLED), None)


def _keeps(step: Step, grain: str) -> bool:
    """Whether a step leads from starts of a grain to starts of it."""
    if step.kind in ("offset", "window"):
        if grain == "month":
            return bool(step.span.months)
        return not step.span.seconds or (grain == "hour" and step.span.seconds % 3600 == 0)
    if step.kind == "to_date":
        return step.grain == grain or step.grain in NESTS[grain] or (step.grain not in GRAINS and grain != "month")
    return step.kind == "all" or grain != "month"


def _is_made_of_parts(tree: exp.Expr) -> bool:
    aggregates = list(tree.find_all(exp.AggFunc))
    plain = all(type(a) in _AGAIN and not a.find(exp.Distinct) and not isinstance(a.parent, exp.Filter) for a in aggregates)
    return bool(aggregates) and plain and not tree.find(exp.WithinGroup, exp.Window)
