"""A plan becomes a tree over logical models: pure and deterministic. Knows no asker: what one may see is the gate's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from answerable.context.catalog import Catalog
from answerable.context.compiler import combine
from answerable.context.compiler.at_period import taken_of_period
from answerable.context.compiler.cells import Cells
from answerable.context.compiler.columns import additive, counts, counts_distinct, key_column, share_name, value_column
from answerable.context.compiler.combine import quoted
from answerable.context.compiler.compare import changes, moved
from answerable.context.compiler.conversion import conversion
from answerable.context.compiler.every import every
from answerable.context.compiler.grid import Grid, grid_of
from answerable.context.compiler.listing import listing
from answerable.context.compiler.pieces import pieces
from answerable.context.compiler.rollup import rollups
from answerable.context.compiler.scan import Scan, Scanner, scans
from answerable.context.compiler.snapshot import picked_day, snapshot
from answerable.context.errors import NotSupported, PlanError, UnknownName, WrongType, nearest
from answerable.context.expr import PER, BadExpression, dotted, parse_condition, substitute
from answerable.context.model import SimpleMetric
from answerable.context.paths import Field
from answerable.context.query import Column, SemanticQuery, TimeWindow, Top
from sqlglot import exp


@dataclass(frozen=True)
class Fact:
    """What one scan stood on, for the answer's assumptions."""

    model: str
    time: str | None
    metrics: tuple[str, ...]
    day: exp.Select | None = None
    """For a balance without a grain: the query for the day that it is taken from."""


@dataclass(frozen=True)
class Compiled:
    """A tree over logical models, the columns that it gives, and what it stands on."""

    tree: exp.Query
    columns: tuple[Column, ...]
    facts: tuple[Fact, ...] = ()


def compile_query(query: SemanticQuery, catalog: Catalog) -> Compiled:
    """Compile a plan. Raises a PlanError that names the thing, what is near it, and the mend."""
    _refuse_what_is_not_compiled(query)
    if isinstance(query.limit, Top) and not query.limit.per:
        query = query.model_copy(update={"limit": query.limit.n})
    if not query.metrics:
        tree, columns = listing(query, catalog)
        return Compiled(_with_metrics_per(tree, catalog), columns)
    compiled = _Plan(query, catalog).compiled()
    return replace(compiled, tree=_with_metrics_per(compiled.tree, catalog))


def _with_metrics_per(tree: exp.Query, catalog: Catalog) -> exp.Query:
    """The tree with a step for each metric in a filter: its own filters only, not the plan's."""
    wanted = {table.name: table.meta["metric_per"] for table in tree.find_all(exp.Table) if "metric_per" in table.meta}
    for name, said in reversed(wanted.items()):
        metric, _, path = said.partition(PER)
        step = compile_query(SemanticQuery(metrics=(metric,), by=(f"per {path}",)), catalog).tree
        step.set("order", None)
        cte = exp.CTE(this=step, alias=exp.TableAlias(this=exp.to_identifier(name)))
        with_ = tree.args.get("with_") or exp.With(expressions=[])
        tree.set("with_", exp.With(expressions=[cte, *with_.expressions]))
    return tree


class _Plan:
    """One plan with metrics on its way through the steps."""

    def __init__(self, query: SemanticQuery, catalog: Catalog) -> None:
        self.query, self.catalog = query, catalog
        self.cells = Cells(catalog, query.by)
        self.shown = {name: self.cells.expression(name) for name in query.metrics}
        if query.compare:
            frame, window = moved(query.compare, query.window)
            for name in query.metrics:
                self.shown |= changes(name, self.shown[name], self.cells.expression(name, frame, window))
        self.shares = {share_name(name, query.share): self._share(name) for name in query.metrics} if query.share else {}
        self.scans = scans(catalog, query, self.cells.columns)
        zero_of = counts if query.each else counts_distinct if len(self.scans) > 1 else None
        if zero_of:
            self.shown = {name: self._nothing_is_zero(value, zero_of) for name, value in self.shown.items()}
        self.scanners = [Scanner(catalog, query, scan) for scan in self.scans]
        self.fields: list[Field] = self.scanners[0].fields
        self.rollups = rollups(self.scanners)

    def _nothing_is_zero(self, value: exp.Expr, zero_of: Callable[[SimpleMetric], bool]) -> exp.Expr:
        """With 0 where a group has no row of the fact: of a distinct count, and of all that counts where `each` keeps the group."""
        counting = {column for cell, column in self.cells.columns.items() if zero_of(cell.metric)}
        zero = exp.Literal.number(0)
        return substitute(value, lambda column: exp.func("COALESCE", column, zero) if column.name in counting else column)

    def compiled(self) -> Compiled:
        steps = [*self._grids(), *self._scans()]
        if self._one_pass():
            select = self._directly(steps.pop()[1])
        else:
            source = self._together(steps)
            source = self._filled(steps, source)
            select = self._result(source)
        for name, step in steps:
            select = select.with_(exp.to_identifier(name), as_=step, copy=False)
        return Compiled(select, self._columns(), tuple(map(self._fact, self.scanners)))

    def _fact(self, scanner: Scanner) -> Fact:
        scan = scanner.scan
        pick = scan.cells[0][1].metric.over_time
        day = None
        if pick and scan.time and not self.own and not scan.frame and pick.pick in ("first", "last"):
            day = picked_day(scanner, pick.pick)
        return Fact(scan.model.name, scan.time, tuple(dict.fromkeys(cell.metric.name for _, cell in scan.cells)), day)

    # -- steps, in the order of the SQL -----------------------------------------------------------------------------------

    def _grids(self) -> list[tuple[str, exp.Query]]:
        """The pieces of time that moved, running and filled values are shown by."""
        if self.own and any(cell.window for scan in self.scans for _, cell in scan.cells):
            raise NotSupported("The window to compare with is of another length, so its periods do not line up.", "compare")
        shown = self.own and (self._fills() or any(map(_on_spine, self.scans)))
        self.spine = grid_of(self.scanners[0].time_fields, (), self.catalog) if shown else None
        grids: dict[str, Grid] = {}
        for grid in filter(None, [*(scanner.grid for scanner in self.scanners), self.spine]):
            grids[grid.name] = grids[grid.name].with_(grid) if grid.name in grids else grid
        facts = [(scan.model.name, scan.time) for scan in self.scans if scan.time]
        steps: dict[str, exp.Query] = {}
        for grid in grids.values():
            steps |= dict(pieces(self.catalog, grid, self.own, facts, self.query.window or TimeWindow()))
        return list(steps.items())

    @property
    def own(self) -> list[Field]:
        return self.scanners[0].own

    def _fills(self) -> bool:
        """Whether a metric of the plan adds the periods that a group has no rows in; the spine has its own."""
        found = [metric for name in self.query.metrics if (metric := self.catalog.metric(name))]
        by_period = any(not field.is_part for field in self.own)  # a weekday is no period of the window
        return by_period and any(metric.fill is not None and metric.spine is None for metric in found)

    def _shown(self, *filters: str) -> exp.Select:
        """The periods to show: those of the window that pass the plan's conditions on the time, and more of them."""
        assert self.spine is not None
        grid, scanner, settings = self.spine, self.scanners[0], self.catalog.settings

        def shown(field: Field) -> exp.Expr:
            return grid.key(field, settings)

        conditions = [c for text in (*self.query.where, *filters) for c in scanner.relation.narrowed(text, scanner.is_own, shown)]
        return combine.shown_pieces(grid, self.own, conditions, settings)

    def _scans(self) -> list[tuple[str, exp.Query]]:
        selects = [_select(scanner) for scanner in self.scanners]
        steps: dict[str, exp.Query] = {rollup.name: rollup.select() for rollup in self.rollups}
        self.sources: list[str] = []
        for scanner, select in zip(self.scanners, selects, strict=True):
            name = _free(self.catalog.free_word(scanner.scan.name), steps)
            select.add_comments([f" {scanner.scan.metrics} "])
            steps[name] = select
            if self.spine and _on_spine(scanner.scan):
                own, values = [field.ref for field in self.own], [column for column, _ in scanner.scan.cells]
                narrow = [text for _, cell in scanner.scan.cells for text in (cell.metric.filter or "", *cell.filters) if text]
                rows = combine.on_spine(name, self._shown(*narrow), own, list(self.query.by), values, self._passing())
                name = _free(f"{name}_on_spine", steps)
                steps[name] = rows
            self.sources.append(name)
        return list(steps.items())

    def _passing(self) -> list[exp.Expr]:
        """The plan's conditions on its keys, as a row has them that has no groups."""
        scanner = self.scanners[0]
        by = {(field.path, field.dimension.name): field for field in self.fields}

        def is_key(field: Field) -> bool:
            return (field.path, field.dimension.name) in by and not scanner.is_own(field)

        return [c for text in self.query.where for c in scanner.relation.narrowed(text, is_key, lambda field: exp.null())]

    def _one_pass(self) -> bool:
        """Whether a single scan gives the whole result, so that no step stands between."""
        keyed = any(dotted(c) in self.query.by for text in self.query.having for c in _condition(text).find_all(exp.Column))
        more = self.shares or keyed or isinstance(self.query.limit, Top) or self.query.each
        return len(self.scans) == 1 and not more and not (self.spine and (self._fills() or _on_spine(self.scans[0])))

    def _directly(self, scan: exp.Query) -> exp.Select:
        """The scan itself with the plan's metrics in place of its cells."""
        assert isinstance(scan, exp.Select)
        cells = {e.alias: e.this for e in scan.expressions}

        def whole(value: exp.Expr) -> exp.Expr:
            return substitute(value, lambda column: cells[column.name].copy())

        keys = scan.expressions[: len(self.query.by)]
        scan.set("expressions", [*keys, *(exp.alias_(whole(value), name, quoted=True) for name, value in self.shown.items())])
        if self.query.having:
            scan = scan.having(*(whole(self._having(text)) for text in self.query.having))
        order = self._order()
        scan = scan.order_by(*order, copy=False) if self.query.by else scan
        return scan.limit(self.query.limit) if isinstance(self.query.limit, int) else scan

    def _together(self, steps: list[tuple[str, exp.Query]]) -> str:
        parts = [(name, [column for column, _ in scan.cells]) for name, scan in zip(self.sources, self.scans, strict=True)]
        if self.query.each:
            name = _free(self.catalog.free_word(f"every_{self.query.each}"), dict(steps))
            steps.append((name, every(self.scanners[0], self.query.each, self.sources)))
            parts.append((name, []))
        if len(parts) == 1:
            return self.sources[0]
        together = self.catalog.free_word(combine.TOGETHER)
        flags = {column for cell, column in self.cells.columns.items() if cell.metric.type == "boolean"}
        steps.append((together, combine.merged(parts, list(self.query.by), flags)))
        return together

    def _filled(self, steps: list[tuple[str, exp.Query]], source: str) -> str:
        if not self.spine or not self._fills():
            return source
        name, own = self.catalog.free_word(combine.FILLED), [field.ref for field in self.own]
        values, dateless = list(self.cells.columns.values()), self.query.window is None
        steps.append((name, combine.filled(source, self._shown(), own, list(self.query.by), values, dateless)))
        return name

    def _result(self, source: str) -> exp.Select:
        values = {**self.shown, **self.shares}
        keys = [quoted(ref) for ref in self.query.by]
        select = exp.select(*keys, *(exp.alias_(value, name, quoted=True) for name, value in values.items())).from_(exp.to_table(source))
        having = [self._having(text) for text in self.query.having]
        if having and not self.shares:
            select = select.where(*having)
        last = having if self.shares else []  # a share is of the whole, also of what having leaves out
        limit = self.query.limit
        if isinstance(limit, Top):
            for ref in limit.per:
                if ref not in self.query.by:
                    raise UnknownName(f"The limit names {ref}, which is not in by.", ref, nearest(ref, self.query.by))
            among = [*(quoted(p) for p in limit.per), *last]
            rank = exp.Window(this=exp.RowNumber(), partition_by=among, order=exp.Order(expressions=self._order()))
            last = [*last, rank <= limit.n]
            select = select.order_by(*(_ordered(quoted(p), False) for p in limit.per), *self._order())
        else:
            order = self._order()
            select = select.order_by(*order, copy=False) if self.query.by else select
        if last:
            select.set("qualify", exp.Qualify(this=exp.and_(*last)))
        return select.limit(limit) if isinstance(limit, int) else select

    def _having(self, text: str) -> exp.Expr:
        tree = _condition(text)
        if not tree.find(exp.Column):
            raise WrongType("A condition in having names at least one metric.", text)
        known = {**self.shown, **{ref: quoted(ref) for ref in self.query.by}}

        def value(column: exp.Column) -> exp.Expr:
            name = dotted(column)
            if name not in known:
                raise UnknownName(f"{name} is not a metric of this plan.", name, nearest(name, known))
            return exp.paren(known[name].copy()) if isinstance(known[name], exp.Binary) else known[name].copy()

        return substitute(tree, value)

    def _order(self) -> list[exp.Expr]:
        """The plan's order, then the keys, so that equal rows stand where they stood."""
        known = [*self.query.by, *self.shown, *self.shares]
        asked = [(text.lstrip("-"), text.startswith("-")) for text in self.query.order]
        for name, _ in asked:
            if name not in known:
                raise UnknownName(f"The order names {name}, which is no column of this plan.", name, nearest(name, known))
        rest = [(ref, False) for ref in self.query.by if ref not in {name for name, _ in asked}]
        return [_ordered(quoted(name), descending) for name, descending in [*asked, *rest]]

    def _share(self, name: str) -> exp.Expr:
        metric = self.catalog.metric(name)
        assert self.query.share is not None
        if not isinstance(metric, SimpleMetric) or not additive(metric):
            raise NotSupported(
                f"The parts of {metric.words if metric else name} do not add up to its whole, so a share of it is not supported yet.", name
            )
        within = [ref for ref in self.query.share if ref != "total"]
        for ref in within:
            if ref not in self.query.by:
                raise UnknownName(f"The share names {ref}, which is not in by.", ref, nearest(ref, self.query.by))
        whole = exp.Window(this=exp.Sum(this=self.shown[name].copy()), partition_by=[quoted(ref) for ref in within])
        return exp.Div(this=exp.cast(self.shown[name].copy(), "DOUBLE"), expression=exp.func("NULLIF", whole, exp.Literal.number(0)))

    def _columns(self) -> tuple[Column, ...]:
        keys = [key_column(field) for field in self.fields]
        values = [value_column(name, self.catalog) for name in [*self.shown, *self.shares]]
        return (*keys, *values)


def _condition(text: str) -> exp.Expr:
    try:
        return parse_condition(text)
    except BadExpression as error:
        raise WrongType(f"The condition {error}.", text) from None


def _select(scanner: Scanner) -> exp.Select:
    """The SELECT of one scan, by what its cells are."""
    cell = scanner.scan.cells[0][1]
    if cell.conversion:
        return conversion(scanner, cell.conversion)
    if scanner.is_taken:
        return taken_of_period(scanner)
    return snapshot(scanner, cell.metric.over_time) if cell.metric.over_time else scanner.select()


def _on_spine(scan: Scan) -> bool:
    return any(cell.metric.spine for _, cell in scan.cells)


def _refuse_what_is_not_compiled(query: SemanticQuery) -> None:
    if query.bounds and (query.metrics or query.rows):
        raise PlanError(
            "A plan with bounds gives the least and the greatest value of a dimension; it has no metrics and no rows.", "bounds"
        )
    if query.rows and query.metrics:
        raise PlanError("A plan with rows lists rows; it has no metrics.", "rows")
    if query.window and query.window.start and query.window.end and str(query.window.start) >= str(query.window.end):
        raise PlanError("The window is empty: it ends where it starts, or before.", "window")


def _ordered(column: exp.Expr, descending: bool) -> exp.Ordered:
    return exp.Ordered(this=column, desc=descending, nulls_first=False)


def _free(name: str, taken: dict[str, exp.Query]) -> str:
    return name if name not in taken else next(n for i in range(2, 10_000) if (n := f"{name}_{i}") not in taken)


__all__ = ["Compiled", "Fact", "compile_query"]
