"""One fact with the to-one joins that a scan of it needs, over *logical* models: the gate puts in what the asker may see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

from answerable.context.catalog import Catalog
from answerable.context.compiler.time import part, truncated
from answerable.context.errors import PlanError, UnknownName, Unreachable, WrongType, nearest
from answerable.context.expr import PER, BadExpression, conjuncts, dotted, is_aggregate, parse_condition, parse_expression, substitute
from answerable.context.model import Dimension, Model
from answerable.context.paths import Field, Path, follow, resolve
from sqlglot import exp

RAW = "__column"
"""Behind a dimension's name: the physical column of that name, where the dimension computes something else."""


class Relation:
    """The FROM clause of one scan; joins are added as columns ask for them."""

    def __init__(self, catalog: Catalog, model: Model, time: str | None, alias: str = "") -> None:
        self.catalog, self.model, self.time = catalog, model, time
        self.aliases: dict[Path, str] = {(): alias or model.name}
        self.calendars: dict[tuple[Path, str], str] = {}
        self.per: dict[str, str] = {}
        self.every: str | None = None

    def field(self, ref: str) -> Field:
        """What a plan's name means here; `time` is this scan's own time dimension."""
        name, _, grain = ref.partition(":")
        if ref.startswith(PER.lstrip()):
            return self._entity(ref)
        if name == "time" and self.time:
            own = f"{self.time}:{grain}" if grain else self.time
            return replace(resolve(self.catalog, self.model, own), ref=ref)
        return resolve(self.catalog, self.model, ref)

    def _entity(self, ref: str) -> Field:
        """`per customer`: the column that says which one a row is of, here or at the end of the joins before the last word."""
        *head, entity = ref.removeprefix(PER.lstrip()).split(".")
        model = self._model(tuple(head))
        return Field(ref, tuple(head), model, Dimension(name=entity_column(model, entity, self.catalog)))

    def key(self, field: Field) -> exp.Expr:
        """A field as SQL, cut to its grain."""
        column = self.column(field.path, field.dimension.name)
        if (calendar := self.catalog.settings.calendar) and field.grain in calendar.grains:
            return exp.column(calendar.grains[field.grain], table=self._calendar(field))
        if field.is_part:
            return part(column, field.grain or "")
        grain = field.grain or (field.dimension.grain if field.is_time else None)
        return truncated(column, grain, self.catalog.settings) if grain else column

    def _calendar(self, field: Field) -> str:
        """The calendar as it is joined to a dimension's day."""
        place = field.path, field.dimension.name
        if place not in self.calendars:
            own = not field.path and field.dimension.name == self.time
            alias = "calendar" if own else "_".join(("calendar", *field.path, field.dimension.name))
            taken = {*self.aliases.values(), *self.calendars.values()}
            self.calendars[place] = alias if alias not in taken else f"{alias}_of_days"
        return self.calendars[place]

    def column(self, path: Path, name: str) -> exp.Column:
        return exp.column(name, table=self._alias(path))

    def moment(self) -> exp.Column:
        """The scan's own time, untouched: windows stand on it."""
        assert self.time is not None
        return self.column((), self.time)

    def measured(self, text: str) -> exp.Expr:
        """A metric's `expr`: bare names are the table's columns, dotted ones walk joins."""
        return substitute(parse_expression(text), lambda column: self._defined(column, raw=True))

    def filtered(self, text: str) -> exp.Expr:
        """A metric's own filter: a dimension's name wins over a column's."""
        return substitute(parse_expression(text), lambda column: self._defined(column, raw=False))

    def _defined(self, column: exp.Column, raw: bool) -> exp.Column:
        if PER in column.name:
            return self._metric_per(column.name)
        *head, name = dotted(column).split(".")
        model = follow(self.catalog, self.model, tuple(head))
        if model is None:
            raise UnknownName(f"{self.model.words} has no join {head[0]}.", dotted(column))
        dimension = model.dimensions.get(name)
        if raw and not head and dimension is not None and dimension.column != name:
            name += RAW
        return self.column(tuple(head), name)

    def _metric_per(self, said: str) -> exp.Column:
        """`orders per customer`: the metric worked out for each of them, beside the row; null where it has none."""
        metric = said.partition(PER)[0]
        if self.catalog.metric(metric) is None:
            raise UnknownName(f"There is no metric {metric}.", metric, nearest(metric, self.catalog.metrics))
        self.per[said] = self.catalog.free_word(said.replace(" ", "_").replace(".", "_"))
        return exp.column(exp.to_identifier(metric, quoted=True), table=self.per[said])

    def condition(self, text: str, shown: Callable[[Field], exp.Expr | None] = lambda field: None) -> exp.Expr:
        """A plan's condition over dimensions, with its types checked. `shown` gives what stands for a field in place of its column."""
        try:
            tree = parse_condition(text)
        except BadExpression as error:
            raise WrongType(f"The condition {error}.", text) from None
        if is_aggregate(tree):
            raise WrongType("A condition in where is about rows; one about totals goes to having.", text)
        columns = list(tree.find_all(exp.Column))
        if not columns:
            raise WrongType("A condition names at least one dimension.", text)
        fields = {dotted(column): self.field(dotted(column)) for column in columns if PER not in column.name}
        for column in columns:
            if (field := fields.get(dotted(column))) is None or field.grain not in self.catalog.settings.grains:
                check_types(column, field)  # what a custom period is called, only the calendar knows

        def put(column: exp.Column) -> exp.Expr:
            field = fields.get(dotted(column))
            return self._metric_per(column.name) if field is None else shown(field) or self.typed(field)

        return substitute(tree, put)

    def narrowed(self, text: str, kind: Callable[[Field], bool], shown: Callable[[Field], exp.Expr | None]) -> list[exp.Expr]:
        """Those of a condition's parts, joined by `and`, that are about fields of one kind only, with what is `shown` in their place."""
        found: list[exp.Expr] = []
        for tree in conjuncts(parse_condition(text)):
            fields = {dotted(column): self._known(dotted(column)) for column in tree.find_all(exp.Column)}
            if all(field is not None and kind(field) for field in fields.values()):
                found.append(substitute(tree, lambda column: shown(fields[dotted(column)]) or column))  # type: ignore[arg-type]  # noqa: B023
        return found

    def _known(self, name: str) -> Field | None:
        """The field of a name; None for a bare column of a metric's own filter."""
        try:
            return self.field(name)
        except PlanError:
            return None

    def typed(self, field: Field) -> exp.Expr:
        """A field as a condition reads it: untouched where no grain is said, so that bounds stand on the column itself."""
        return self.key(field) if field.grain else self.column(field.path, field.dimension.name)

    def select(self, *columns: exp.Expr) -> exp.Select:
        """SELECT columns FROM the fact and its joins, each joined left so that no row of the fact is lost.

        The joins to `every` model are full, so that none of its rows is lost either.
        """
        return self.joined(exp.select(*columns).from_(self.table(), copy=False))

    def table(self) -> exp.Expr:
        """The fact itself, under its alias."""
        return exp.to_table(self.model.name).as_(self.aliases[()])

    def joined(self, select: exp.Select) -> exp.Select:
        for path, alias in self.aliases.items():
            if path:
                model = self._model(path)
                kind = "full" if model.name == self.every else "left"
                select = select.join(exp.to_table(model.name).as_(alias), on=self._on(path), join_type=kind, copy=False)
        for (path, name), alias in self.calendars.items():
            calendar = self.catalog.calendars["day"]
            day = exp.cast(exp.column(calendar.time or "", table=alias), "DATE")
            on = exp.EQ(this=day, expression=exp.cast(self.column(path, name), "DATE"))
            select = select.join(exp.to_table(calendar.name).as_(alias), on=on, join_type="left")
        for said, step in self.per.items():
            entity = said.partition(PER)[2]
            far = exp.column(exp.to_identifier(PER.lstrip() + entity, quoted=True), table=step)
            near = self.column((), entity_column(self.model, entity.split(".")[-1], self.catalog))
            table = exp.to_table(step)
            table.meta["metric_per"] = said
            select = select.join(table, on=exp.EQ(this=far, expression=near), join_type="left")
        return select

    def _on(self, path: Path) -> exp.Expr:
        join = self._model(path[:-1]).joins[path[-1]]
        near, far = self.aliases[path[:-1]], self.aliases[path]
        pairs: list[exp.Expr] = [
            exp.EQ(this=exp.column(own, table=near), expression=exp.column(theirs, table=far)) for own, theirs in join.on.items()
        ]
        pairs += self._partitions(path)
        if join.valid:
            if not self.time:
                raise Unreachable(f"{self.model.words} has no time, and {join.words} holds for a span of time.", ".".join(path))
            moment, until = self.moment(), exp.column(join.valid.to, table=far)
            pairs.append(moment >= exp.column(join.valid.from_, table=far))
            pairs.append(exp.paren(exp.or_(moment.copy() < until, until.copy().is_(exp.null()))))
        return exp.and_(*pairs)

    def _partitions(self, path: Path) -> list[exp.Expr]:
        """The partitions of one name agree with those of all models on the way."""
        far = self._model(path)
        found: list[exp.Expr] = []
        for near in (path[:n] for n in range(len(path))):
            for name, dimension in self._model(near).dimensions.items():
                if dimension.partition and name in far.dimensions and far.dimensions[name].partition:
                    sides: list[exp.Expr] = [exp.column(name, table=self.aliases[at]) for at in (near, path)]
                    sides = [exp.cast(side, "DATE") for side in sides] if dimension.type == "time" else sides
                    found.append(exp.EQ(this=sides[0], expression=sides[1]))
        return found

    def _model(self, path: Path) -> Model:
        model = follow(self.catalog, self.model, path)
        if model is None:
            raise UnknownName(f"{self.model.words} has no join {path[0]}.", path[0], nearest(path[0], self.model.joins))
        return model

    def _alias(self, path: Path) -> str:
        for n in range(1, len(path) + 1):
            step = path[:n]
            if step not in self.aliases:
                alias = "_".join(step) if self.aliases[()] == self.model.name else "_".join((self.aliases[()], *step))
                taken = {*self.aliases.values(), *self.calendars.values()}
                self.aliases[step] = alias if alias not in taken else f"{alias}_{len(self.aliases)}"
        return self.aliases[path]


def entity_column(model: Model, entity: str, catalog: Catalog) -> str:
    """The column of a fact that says which entity a row is of. Raises Unreachable where none or several do."""
    if entity in model.joins and len(model.joins[entity].on) == 1:
        return next(iter(model.joins[entity].on))
    if entity in model.dimensions:
        return entity
    owners = {m.name for m in catalog.models.values() if entity in (m.entity, m.name)}
    if model.name in owners and len(model.primary_key) == 1:
        return model.primary_key[0]
    ways = [join for join in model.joins.values() if join.model in owners and len(join.on) == 1]
    if len(ways) != 1:
        raise Unreachable(f"{model.words} reaches {entity} by {len(ways)} joins, so it must be said which.", entity)
    return next(iter(ways[0].on))


def check_types(column: exp.Column, field: Field | None) -> None:
    """Raise WrongType where a dimension is compared with a literal of another type; without a field it is a metric's number."""
    parent = column.parent
    if isinstance(parent, (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)):
        others = [side for side in (parent.this, parent.expression) if side is not column]
    elif isinstance(parent, (exp.In, exp.Between)) and parent.this is column:
        others = parent.expressions if isinstance(parent, exp.In) else [parent.args["low"], parent.args["high"]]
    else:
        return
    wanted = "number" if field is None or field.is_part else field.dimension.type
    words = field.dimension.words if field else column.name
    for other in others:
        if isinstance(other, exp.Neg):
            other = other.this
        if isinstance(other, (exp.Literal, exp.Boolean)) and not _fits(other, wanted):
            raise WrongType(f"{words} is a {wanted}, and {other.sql()} is none.", field.ref if field else words)


def _fits(literal: exp.Literal | exp.Boolean, wanted: str) -> bool:
    if wanted == "boolean" or isinstance(literal, exp.Boolean):
        return wanted == "boolean" and (isinstance(literal, exp.Boolean) or literal.this in ("true", "false"))
    if wanted == "time":
        return literal.is_string and _is_moment(literal.this)
    return bool(literal.is_string) == (wanted == "text")


def _is_moment(text: str) -> bool:
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
