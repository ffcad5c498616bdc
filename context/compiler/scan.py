"""One pass over one fact: its measures at its own grain, grouped by the plan's keys. A to-many path can't occur here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace

from answerable.context.catalog import Catalog
from answerable.context.compiler.cells import Cell
from answerable.context.compiler.grid import FINE, Grid, cut, grain_of, grid_of
from answerable.context.compiler.relation import Relation
from answerable.context.compiler.time import Frame, Moment, frame_window, literal
from answerable.context.errors import NotSupported, PlanError, Unreachable
from answerable.context.expr import PER, dotted, parse_condition
from answerable.context.model import GRAINS, Model, SimpleMetric, UnitColumn
from answerable.context.paths import NEEDED, Field
from answerable.context.query import SemanticQuery, TimeWindow
from sqlglot import exp


@dataclass(frozen=True)
class Scan:
    """The cells that share a fact, its time and a frame; `window` is the plan's or a comparison's."""

    model: Model
    time: str | None
    frame: Frame
    window: TimeWindow | None
    cells: tuple[tuple[str, Cell], ...]

    @property
    def name(self) -> str:
        moved = ["converted"] if any(cell.conversion for _, cell in self.cells) else []
        moved += ["other"] if any(cell.window for _, cell in self.cells) else []
        return "_".join([self.model.name, *moved, *(step.kind for step in self.frame), "totals"])

    @property
    def metrics(self) -> str:
        return ", ".join(dict.fromkeys(cell.metric.name for _, cell in self.cells))


def scans(catalog: Catalog, query: SemanticQuery, columns: dict[Cell, str]) -> list[Scan]:
    """The fewest passes that give all cells."""
    groups: dict[tuple[str, str | None, Frame, TimeWindow | None, object], list[tuple[str, Cell]]] = {}
    for cell, column in columns.items():
        counted = catalog.metric(cell.conversion.base) if cell.conversion else cell.metric
        model = catalog.models.get(counted.model or "") if counted else None
        if model is None or not isinstance(counted, SimpleMetric):
            raise Unreachable(f"{cell.metric.words} stands on a model that is not there.", cell.metric.name)
        time = counted.time or model.time
        apart = cell.metric if cell.metric.over_time or cell.conversion else None
        picked = cell.filters if cell.metric.over_time and cell.metric.over_time.after else ()
        kind = (apart, picked, cell.conversion, cell.shown, bool(cell.metric.spine))
        groups.setdefault((model.name, time, cell.frame, cell.window, kind), []).append((column, cell))
    return [
        Scan(catalog.models[name], time, frame, window or query.window, tuple(cells))
        for (name, time, frame, window, _), cells in groups.items()
    ]


class Scanner:
    """Writes one scan as a SELECT."""

    def __init__(self, catalog: Catalog, query: SemanticQuery, scan: Scan) -> None:
        self.catalog, self.query, self.scan = catalog, query, scan
        self.relation = Relation(catalog, scan.model, scan.time)
        self.fields = [self.relation.field(ref) for ref in query.by]
        self.own = [field for field in self.fields if self.is_own(field)]
        self.grid = self._grid()
        self.rollup: Callable[[Scanner], exp.Select] | None = None
        self.wheres = [self.relation.condition(text, self.shown) for text in query.where]
        for field in self.fields:
            if not field.dimension.group:
                raise PlanError(f"{field.dimension.words} is for filtering, not for splitting by.", field.ref)
        for _, cell in scan.cells:
            if isinstance(cell.metric.unit, UnitColumn) and not self._in_one(cell.metric.unit.column):
                unit = cell.metric.unit.column
                raise PlanError(f"{cell.metric.words} is in several units: split it by {unit}, or keep to one.", cell.metric.name, (unit,))

    def _grid(self) -> Grid | None:
        """The pieces of time for a moved or running value; as fine as the data where a coarser period shows one of several values."""
        if not self.scan.frame or not self.own:
            return None
        at_once = any(step.kind == "offset_to" for step in self.scan.frame)
        if (self.runs or at_once) and all(field.is_part for field in self.own):
            ref, words = self.own[0].ref, "is at the start of a period" if at_once else "adds up to"
            raise NotSupported(f"What {self.scan.metrics} {words} can't be told of a part of its time alone; add a grain.", ref)
        grid = grid_of(self.time_fields, self.scan.frame, self.catalog)
        if grid and self.scan.cells[0][1].shown:
            return grid.at_most(max(self.own_grain, "hour", key=GRAINS.index), self.catalog)
        return grid

    @property
    def time_fields(self) -> list[Field]:
        """The own time as the plan shows it, and as its conditions name it: pieces that both can be told of."""
        named: dict[str, str] = {}
        for tree in map(parse_condition, self.query.where):
            grain = _told_by(tree)
            named |= {
                dotted(c): min(grain, named.get(dotted(c), grain), key=GRAINS.index) for c in tree.find_all(exp.Column) if PER not in c.name
            }
        fields = [(self.relation.field(name), max(self.own_grain, grain, key=GRAINS.index)) for name, grain in sorted(named.items())]
        return [*self.own, *(f if f.grain else replace(f, grain=grain) for f, grain in fields if self.is_own(f))]

    @property
    def own_grain(self) -> str:
        return self.scan.model.dimensions[self.scan.time or ""].grain or "day"

    @property
    def runs(self) -> bool:
        """Whether the value adds up over periods."""
        return any(step.kind in ("window", "to_date", "all") for step in self.scan.frame)

    @property
    def is_taken(self) -> bool:
        """Whether a value is worked out by finer pieces of time than it's shown by, so that one of several is to be taken."""
        custom = any(field.grain in self.catalog.settings.grains for field in self.own)  # adds up its days', as dbt does
        at_once = any(step.kind == "offset_to" for step in self.scan.frame) and not custom
        return (self.runs or at_once) and self.grid is not None and not self.grid.shows(self.own)

    def _in_one(self, unit: str) -> bool:
        """Whether the plan splits by a column of units, or keeps to one of them."""
        named = [name for name, d in self.scan.model.dimensions.items() if d.column == unit]
        split = any(not field.path and field.dimension.name in named for field in self.fields)
        kept = [w.this for w in self.wheres if isinstance(w, exp.EQ) and isinstance(w.expression, exp.Literal)]
        return split or any(isinstance(c, exp.Column) and c.table == self.scan.model.name and c.name in named for c in kept)

    def select(self, bounded: bool = True) -> exp.Select:
        """The SELECT; `bounded` False leaves the window to the caller."""
        if self.rollup:
            return self.rollup(self)
        keys = [exp.alias_(self.shown(field) or self.relation.key(field), field.ref, quoted=True) for field in self.fields]
        shared = self._shared_filter()
        measures = [self._measure(column, cell, shared is None) for column, cell in self.scan.cells]
        if self.grid:
            select = self._over(self.grid, [*keys, *measures])
        else:
            select = self.relation.select(*keys, *measures).where(*(self.window() if bounded else []), copy=False)
        select = select.where(*self.filters(), copy=False)
        return select.group_by(*(exp.Literal.number(n + 1) for n in range(len(keys))), copy=False) if keys else select

    def filters(self) -> list[exp.Expr]:
        """The plan's conditions, and those of the cells where they can stand in WHERE."""
        shared = self._shared_filter()
        return [*self.wheres, *([shared] if shared is not None else self._any_filter())]

    def row_filters(self) -> list[exp.Expr]:
        """The conditions on rows: all but those on the shown time, where a rollup has its pieces."""
        own = {text for text in self.query.where if self.is_about_own_time(text)}
        wheres = [where for text, where in zip(self.query.where, self.wheres, strict=True) if not (self.grid and text in own)]
        shared = self._shared_filter()
        return [*wheres, *([shared] if shared is not None else [])]

    def shown_filters(self) -> list[exp.Expr]:
        """The conditions on the shown time alone."""
        return [w for text, w in zip(self.query.where, self.wheres, strict=True) if self.is_about_own_time(text)]

    @property
    def has_mixed_filters(self) -> bool:
        """Whether a condition is about the own time and something else at once."""
        return any(not self.is_about_own_time(text) and self._names_own_time(text) for text in self.query.where)

    def is_about_own_time(self, text: str) -> bool:
        columns = list(parse_condition(text).find_all(exp.Column))
        return all(PER not in c.name and self.is_own(self.relation.field(dotted(c))) for c in columns)

    def _names_own_time(self, text: str) -> bool:
        columns = list(parse_condition(text).find_all(exp.Column))
        return any(PER not in c.name and self.is_own(self.relation.field(dotted(c))) for c in columns)

    def is_own(self, field: Field) -> bool:
        """Whether a field is the scan's own time, by a grain or a part."""
        return field.is_time and not field.path and field.dimension.name == self.scan.time

    def shown(self, field: Field) -> exp.Expr | None:
        """What a moved or running value is shown by: the piece of time, not that of the row. None for other keys."""
        return self.grid.key(field, self.catalog.settings) if self.grid and self.is_own(field) else None

    def _measure(self, column: str, cell: Cell, own_filter: bool) -> exp.Expr:
        tree = self.relation.measured(cell.metric.expr)
        condition = self._filter(cell) if own_filter else None
        if (condition is not None or not self.query.by) and cell.metric.fill != 0:
            tree = empty_counts_are_null(tree)
        if condition is not None:
            tree = _where(tree, condition)
        return exp.alias_(tree, column, quoted=True)

    # -- filters --------------------------------------------------------------------------------------------------------

    def _filter(self, cell: Cell) -> exp.Expr | None:
        said = [self.relation.filtered(cell.metric.filter)] if cell.metric.filter else []
        said += [self.relation.condition(text) for text in cell.filters]
        return exp.and_(*said) if said else None

    def _shared_filter(self) -> exp.Expr | None:
        """The filter that all cells have in common as a whole, so that it can stand in WHERE."""
        said = {(cell.metric.filter, cell.filters) for _, cell in self.scan.cells}
        return (self._filter(self.scan.cells[0][1]) or exp.true()) if len(said) == 1 and said != {(None, ())} else None

    def _any_filter(self) -> list[exp.Expr]:
        """Rows that no cell counts make no group."""
        said = [self._filter(cell) for _, cell in self.scan.cells]
        known = [condition for condition in said if condition is not None]
        return [exp.paren(exp.or_(*known))] if len(known) == len(said) and known else []

    # -- time -------------------------------------------------------------------------------------------------------------

    def window(self) -> list[exp.Expr]:
        """The rows that count for the plan's window. Raises PlanError where a moved or running value needs one, and has none."""
        frame, said = self.scan.frame, self.scan.window or TimeWindow()
        moves = any(step.kind != "all" for step in frame)
        if moves and (not (said.start or said.end) or (self.runs and not said.end)):
            raise PlanError(
                f"{self.scan.metrics} needs a window{' with an end' if self.runs else ''}, or a grain to be shown by.", self.scan.metrics
            )
        if moves and self.shown_filters():
            raise NotSupported(f"A condition on the time of {self.scan.metrics} needs a grain to be shown by; name a window.", "where")
        window = frame_window(frame, said, self.catalog.settings)
        return within(self._moment(), window.start, window.end) if window.start or window.end else []

    def _moment(self) -> exp.Column:
        if not self.relation.time:
            raise Unreachable(f"{self.scan.model.words} has no time dimension, so a window has nothing to stand on.", self.scan.model.name)
        return self.relation.moment()

    def _over(self, grid: Grid, columns: list[exp.Expr]) -> exp.Select:
        """Each shown piece of time with the rows that its frame counts."""
        select = exp.select(*columns).from_(exp.to_table(grid.name)).join(self.relation.table(), on=exp.and_(*self.bounds(self._moment())))
        return self.relation.joined(select)

    def bounds(self, moment: exp.Expr) -> list[exp.Expr]:
        """When a row, or a piece of a rollup, counts for a shown piece of time."""
        assert self.grid is not None
        window, settings = self.scan.window or TimeWindow(), self.catalog.settings
        days = self.grid.grain in {NEEDED.get(grain_of(field), grain_of(field)) for field in self.own}  # a weekday is a day too
        by_day = self.grid.grain in (*FINE, "day") and days
        start, end = self.grid.frame(self.scan.frame, self.own_grain, by_day, window, settings)
        bounds: list[exp.Expr] = [moment.copy() >= start] if start is not None else []
        return [*bounds, moment.copy() < end]


def _told_by(tree: exp.Expr) -> str:
    """The longest pieces of time of which each meets a condition wholly or not at all; days where it names no time of day."""

    def grain(text: str) -> str:
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            return "day"
        return next((g for g in ("day", "hour", "minute") if cut(moment, g) == moment), "second")

    said = [grain(literal.name) for literal in tree.find_all(exp.Literal) if literal.is_string]
    return min(said, key=GRAINS.index, default="day")


def within(moment: exp.Expr, start: Moment | None, end: Moment | None) -> list[exp.Expr]:
    """Half-open, and never on a truncated column."""
    bounds: list[exp.Expr] = [moment.copy() >= literal(start)] if start else []
    return [*bounds, moment.copy() < literal(end)] if end else bounds


def _where(tree: exp.Expr, condition: exp.Expr) -> exp.Expr:
    """Each aggregate of the tree over the rows of the condition only."""

    def filtered(node: exp.Expr) -> exp.Expr:
        if isinstance(node, (exp.AggFunc, exp.WithinGroup)) and not isinstance(node.parent, (exp.WithinGroup, exp.Filter)):
            return exp.Filter(this=node.copy(), expression=exp.Where(this=condition.copy()))
        return node

    return tree.transform(filtered, copy=True)


def empty_counts_are_null(tree: exp.Expr) -> exp.Expr:
    """A count of no rows is null, as a sum of none is; a distinct count is 0."""

    def nulled(node: exp.Expr) -> exp.Expr:
        count = node.this if isinstance(node, exp.Filter) else node
        if not isinstance(count, exp.Count) or isinstance(count.this, exp.Distinct) or isinstance(node.parent, (exp.Nullif, exp.Filter)):
            return node
        if isinstance(count.this, exp.Star):
            return exp.Nullif(this=node.copy(), expression=exp.Literal.number(0))
        rows: exp.Expr = exp.Count(this=exp.Star())  # rows without a value count as 0, no rows as null
        rows = exp.Filter(this=rows, expression=node.expression.copy()) if isinstance(node, exp.Filter) else rows
        return exp.Case(ifs=[exp.If(this=exp.GT(this=rows, expression=exp.Literal.number(0)), true=node.copy())])

    return tree.transform(nulled, copy=True)
