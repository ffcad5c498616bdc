"""dbt's names and filter templates over our joins: `{{ Dimension('listing__country') }}` becomes `listing.country`. Runs nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import sqlglot
from answerable.context.importers.project import ImportProblem, Note, Source
from sqlglot import exp

GRAINS = ("nanosecond", "microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year")
# dbt counts week days as ISO does, Monday is 1.
DATE_PARTS = {"dow": "isodow", "doy": "doy", "day": "day", "month": "month", "quarter": "quarter", "year": "year"}
MOST_HOPS = 2  # how far MetricFlow looks for a name that isn't spelled out
RESERVED = ("time",)  # our plans call the metric's own time dimension so

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_TEMPLATE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_QUOTED = r"""'(?:[^']|'')*'|"[^"]*\""""
_RENDERED = re.compile(rf"{_QUOTED}|\b[A-Za-z]\w*__\w+\b")
_BLANK = re.compile(rf"{_QUOTED}|--[^\n]*|\s+")


class FilterError(ValueError):
    """A filter without an exact counterpart; the sentence says why."""


@dataclass(frozen=True)
class Entity:
    name: str
    type: str  # primary | unique | natural | foreign
    expr: str
    prose: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that make the key: one, several that are strung together, or none (a constant, another expression)."""
        if _IDENTIFIER.fullmatch(self.expr):
            return (self.expr,)
        tree = parsed(self.expr)
        strung = (exp.DPipe, exp.Column, exp.Identifier, exp.Literal, exp.Paren)
        if tree is None or not all(isinstance(node, strung) for node in tree.walk()):
            return ()
        return tuple(dict.fromkeys(column.name for column in tree.find_all(exp.Column, bfs=False)))

    @property
    def key(self) -> str:
        """What a join names: the column, or the dimension that holds the expression."""
        return self.expr if _IDENTIFIER.fullmatch(self.expr) else self.name

    @property
    def constant(self) -> bool:
        tree = parsed(self.expr)
        return tree is not None and not isinstance(tree, exp.Column) and tree.find(exp.Column) is None

    @property
    def to_one(self) -> bool:
        return self.type != "foreign"


@dataclass(frozen=True)
class Dimension:
    name: str
    source_name: str
    expr: str
    grain: str | None = None  # of time dimensions only
    partition: bool = False
    validity: Literal["from", "to"] | None = None
    prose: Mapping[str, str] = field(default_factory=dict)

    @property
    def column(self) -> str:
        return self.expr if _IDENTIFIER.fullmatch(self.expr) else self.name


@dataclass(frozen=True)
class SemanticModel:
    name: str
    table: str
    entity: str | None
    time: str | None
    entities: tuple[Entity, ...]
    dimensions: tuple[Dimension, ...]
    source: Source

    @property
    def validity(self) -> dict[str, str] | None:
        edges = {d.validity: d.column for d in self.dimensions if d.validity}
        return {"from": edges["from"], "to": edges["to"]} if len(edges) == 2 else None

    def dimension(self, source_name: str) -> Dimension | None:
        return next((d for d in self.dimensions if d.source_name == source_name), None)

    def own(self, source_name: str) -> str | None:
        """Our name of its dimension, or of its entity, which people list by as well."""
        found = self.dimension(source_name)
        if found is not None:
            return found.name
        return next((e.name for e in self.entities if e.name == source_name), None)

    @property
    def prefixes(self) -> set[str | None]:
        """The words before `__` by which dbt calls the model's own elements."""
        return {self.entity, *(e.name for e in self.entities if e.to_one)}


@dataclass(frozen=True)
class Edge:
    """A to-one join, as dbt infers it from two entities of one name."""

    name: str
    entity: str
    target: str
    local: str
    remote: str
    valid: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Leaf:
    """A model that a metric reads, and the time dimension by which it does."""

    model: str
    time: str | None
    grain: str | None


@dataclass(frozen=True)
class Found:
    """A dbt name in ours."""

    path: str
    grain: str | None = None
    part: str | None = None


@dataclass(frozen=True)
class Names:
    """What a dbt project calls its things, and where each name leads."""

    models: Mapping[str, SemanticModel]
    leaves: Mapping[str, tuple[Leaf, ...]]  # by metric
    custom_grains: tuple[str, ...] = ()
    grains: Mapping[str, str] = field(default_factory=dict)  # by metric: that of `metric_time` where none is said
    saved: Mapping[str, Source] = field(default_factory=dict)  # saved queries

    @cached_property
    def edges(self) -> dict[str, tuple[Edge, ...]]:
        return {name: tuple(self._edges(model)) for name, model in self.models.items()}

    def _edges(self, model: SemanticModel) -> Iterator[Edge]:
        used: set[str] = set()
        for entity in model.entities:
            pairs = [(target, key) for target, key in self._pairs(model, entity) if _refusal(model, entity, target, key) is None]
            for target, key in sorted(pairs, key=_rank):
                name = entity.name if entity.name not in used else f"{entity.name}_{target.name}"
                name = next(n for n in (name, f"{name}_by_{entity.name}", f"{name}_of_{model.name}") if n not in used)
                used.add(name)
                valid = target.validity if key.type == "natural" else None
                yield Edge(name, entity.name, target.name, entity.key, key.key, valid)

    def _pairs(self, model: SemanticModel, entity: Entity) -> Iterator[tuple[SemanticModel, Entity]]:
        """The other models in which the entity isn't a foreign key."""
        for target in self.models.values():
            yield from ((target, key) for key in target.entities if target is not model and key.name == entity.name and key.to_one)

    @property
    def refused_joins(self) -> Iterator[Note]:
        for model in self.models.values():
            for entity in model.entities:
                for target, key in self._pairs(model, entity):
                    refusal = _refusal(model, entity, target, key)
                    if refusal:
                        name = f"{model.name}.{entity.name} to {target.name}"
                        yield Note("join", name, refusal, "no join was written", "left_out")

    def grain_of(self, leaf: Leaf) -> str | None:
        """The grain of `metric_time` where none is said: a day, or the data's own if that is coarser."""
        return None if leaf.grain is None else max("day", leaf.grain, key=GRAINS.index)

    def split(self, name: str) -> tuple[tuple[str, ...], str, str | None, str | None]:
        """`listing__ds__month` in its entities, its element, its grain and its date part."""
        *links, element = name.lower().split("__")
        grain = part = None
        if links and element in (*GRAINS, *self.custom_grains):
            grain, element = element, links.pop()
        elif links and element.startswith("extract_"):
            part, element = element.removeprefix("extract_"), links.pop()
        return tuple(links), element, grain, part

    def find(self, model: str, name: str, entity_path: tuple[str, ...] = ()) -> tuple[Found, ...]:
        """Our names for a dbt name, seen from a model: those by the shortest way, in the joins' order. More than one is ambiguous."""
        links, element, grain, part = self.split(name)
        links = (*entity_path, *links)
        start = self.models[model]
        own = start.own(element)
        if own and (not links or links in {(prefix,) for prefix in start.prefixes}):
            return (self._found(start, (), element, grain, part),)
        if not links:
            return ()  # a bare name is the model's own, or it is no name from here
        ways: list[tuple[Edge, ...]] = [(edge,) for edge in self.edges[model]]
        while ways:
            hits = [
                self._found(self.models[way[-1].target], way, element, grain, part)
                for way in ways
                if tuple(e.entity for e in way)[len(way) - len(links) :] == links and self.models[way[-1].target].own(element)
            ]
            if hits:
                return tuple(hits)
            if len(ways[0]) >= max(MOST_HOPS, len(links)):
                break
            ways = [(*way, edge) for way in ways for edge in self.edges[way[-1].target] if _onward(start.name, way, edge)]
        return ()

    def _found(self, model: SemanticModel, way: tuple[Edge, ...], element: str, grain: str | None, part: str | None) -> Found:
        dimension = model.dimension(element)
        path = ".".join(quoted(name) for name in (*(edge.name for edge in way), model.own(element) or element))
        return Found(path, grain or (dimension.grain if dimension else None), part)


def _refusal(model: SemanticModel, entity: Entity, target: SemanticModel, key: Entity) -> str | None:
    if entity.constant or key.constant:
        return f"entity {entity.name} is a constant, which identifies no row"
    if key.type == "natural" and target.validity is None:
        return f"{target.name} has a natural key without validity dates, so it may hold several rows for one {entity.name}"
    if key.type == "natural" and model.validity is not None:
        return "both sides hold rows that are valid for a time, and dbt joins no such pair"
    return None


def _rank(pair: tuple[SemanticModel, Entity]) -> tuple[bool, bool, int]:
    """The model that people mean by the entity comes first: it is about the entity, holds it once, and has most to say of it."""
    model, key = pair
    parted = any(dimension.partition for dimension in model.dimensions)
    return key.type == "unique", parted, -sum(dimension.validity is None for dimension in model.dimensions)


def _onward(start: str, way: tuple[Edge, ...], step: Edge) -> bool:
    return step.target != start and all(step.entity != edge.entity and step.target != edge.target for edge in way)


def quoted(name: str) -> str:
    """The name as SQL reads it: bare, unless it is a word of the language."""
    return name if isinstance(parsed(name), exp.Column) else f'"{name}"'


def parsed(sql: str) -> exp.Expr | None:
    try:
        tree = sqlglot.parse_one(sql)
    except sqlglot.errors.SqlglotError:
        return None
    return tree if isinstance(tree, exp.Expr) else None


@dataclass(frozen=True)
class Scope:
    """Where a filter stands. A plan's runner passes `time="time"`, which is every metric's own date."""

    names: Names
    model: str
    time: str | None = None
    grain: str | None = None  # of `metric_time` where the filter doesn't say one

    @classmethod
    def of(cls, names: Names, leaf: Leaf, grain: str | None = None) -> Scope:
        return cls(names, leaf.model, leaf.time, grain or names.grain_of(leaf))


def translate_filter(template: str, scope: Scope) -> str:
    """A dbt filter as SQL over our names; `FilterError` where that wouldn't mean exactly the same."""
    pieces = _TEMPLATE.split(template)
    for position in range(0, len(pieces), 2):
        pieces[position] = _RENDERED.sub(lambda match: _bare(match[0], scope), pieces[position])
    for position in range(1, len(pieces), 2):
        pieces[position] = _Call.read(pieces[position]).render(scope)
    text = _BLANK.sub(lambda match: match[0] if match[0][0] in "'\"" else " ", "".join(pieces)).strip()
    if not text or "{%" in text or "{{" in text:
        raise FilterError(f"{template.strip()!r} holds a template that isn't Dimension, TimeDimension, Entity or Metric")
    return text


def join_filters(conditions: list[str]) -> str:
    """All of them, each in brackets where a bare `and` would tear it apart."""
    unique = list(dict.fromkeys(conditions))
    if len(unique) == 1:
        return unique[0]
    return " and ".join(f"({text})" if re.search(r"\bor\b", text, re.IGNORECASE) else text for text in unique)


def metrics_named(template: str) -> set[str]:
    """The metrics that a filter compares with."""
    return {str(call.args[0]) for call in map(_Call.read, _TEMPLATE.findall(template)) if call.function == "Metric" and call.args}


def mentions_time(template: str, scope: Scope) -> bool:
    """Whether the filter is about the metric's own date, by whichever name."""
    words = re.findall(r"\w+__\w+", template)
    return "metric_time" in template or any(one.path == scope.time for word in words for one in scope.names.find(scope.model, word))


def _bare(text: str, scope: Scope) -> str:
    return text if text[0] in "'\"" else _Call("TimeDimension", (text,)).render(scope)


@dataclass(frozen=True)
class _Call:
    """The inside of `{{ … }}`: a function of dbt's, its arguments, and the methods after it."""

    function: str
    args: tuple[object, ...]
    options: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> _Call:
        try:
            return cls._of(ast.parse(text.strip(), mode="eval").body)
        except (SyntaxError, ValueError) as error:
            raise FilterError(f"{text.strip()!r} can't be read: {error}") from error

    @classmethod
    def _of(cls, node: ast.expr) -> _Call:
        if not isinstance(node, ast.Call):
            raise ValueError("it is not a call of Dimension, TimeDimension, Entity or Metric")
        args = tuple(ast.literal_eval(arg) for arg in node.args)
        options = {option.arg or "": ast.literal_eval(option.value) for option in node.keywords}
        if isinstance(node.func, ast.Name):
            return cls(node.func.id, args, options)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("grain", "date_part") and len(args) == 1:
            inner = cls._of(node.func.value)
            return replace(inner, options={**inner.options, node.func.attr: args[0]})
        raise ValueError("it calls a method other than grain and date_part")

    def render(self, scope: Scope) -> str:
        renderers: dict[str, Callable[[Scope], str]] = {
            "Dimension": self._dimension,
            "TimeDimension": self._dimension,
            "Entity": self._dimension,
            "Metric": self._metric,
        }
        if self.function not in renderers or not self.args or not isinstance(self.args[0], str):
            raise FilterError(f"{self.function} isn't one of Dimension, TimeDimension, Entity and Metric with a name")
        return renderers[self.function](scope)

    def _argument(self, position: int | None, *keys: str) -> object:
        given = next((self.options[key] for key in keys if self.options.get(key)), None)
        return given or (self.args[position] if position is not None and len(self.args) > position else None)

    def _dimension(self, scope: Scope) -> str:
        timed = self.function == "TimeDimension"
        grain = self._argument(1 if timed else None, "grain", "time_granularity_name", "time_granularity")
        part = self._argument(None, "date_part", "date_part_name")
        way = self._argument(2 if timed else 1, "entity_path") or ()
        found = self._find(scope, tuple(str(step) for step in _listed(way)))
        part, grain = part or found.part, grain or found.grain
        if part is not None:
            if str(part).lower() not in DATE_PARTS:
                raise FilterError(f"{part} isn't a part of a date")
            return f"extract({DATE_PARTS[str(part).lower()]} from {found.path})"
        if str(grain).lower() in scope.names.custom_grains:
            return self._custom(str(grain).lower(), found.path, scope)
        if str(grain).lower() in GRAINS[GRAINS.index("second") :] and scope.time == "time" and '"' not in found.path:
            return f"{found.path}:{str(grain).lower()}"  # a plan's own form, which is checked against the data's grain
        return f"date_trunc('{str(grain).lower()}', {found.path})" if grain else found.path

    def _custom(self, grain: str, path: str, scope: Scope) -> str:
        if scope.time != "time":
            raise FilterError(f"{grain} is a grain of the calendar, which a definition's filter can't name")
        return f"{path}:{grain}"

    def _find(self, scope: Scope, way: tuple[str, ...]) -> Found:
        name = str(self.args[0])
        _, element, grain, part = scope.names.split(name)
        if element == "metric_time":
            if scope.time is None:
                raise FilterError(f"{scope.model} has no time dimension of its own")
            return Found(quoted(scope.time), grain or scope.grain, part)
        return _only(scope.names.find(scope.model, name, way), name, scope.model)

    def _metric(self, scope: Scope) -> str:
        """`bookings per listing`: the way to the last word is the metric's; the last word is also one of the filtered model's."""
        metric, groups = str(self.args[0]), [str(group) for group in _listed(self._argument(1, "group_by") or [])]
        leaves = scope.names.leaves.get(metric)
        if not leaves:
            raise FilterError(f"there is no metric {metric}")
        if len(groups) != 1:
            raise FilterError(f"{metric} is asked by {len(groups)} things at once, and a filter's metric is per one")
        paths = {_only(scope.names.find(leaf.model, groups[0]), groups[0], leaf.model).path for leaf in leaves}
        last = scope.names.split(groups[0])[1]
        if len(paths) != 1 or scope.names.models[scope.model].own(last) is None:
            raise FilterError(f"{metric} per {groups[0]} can't be matched with the rows of {scope.model}")
        return f"{metric} per {paths.pop()}"


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _only(found: tuple[Found, ...], name: str, model: str) -> Found:
    if not found:
        raise FilterError(f"{name} leads nowhere from {model}")
    if len({one.path for one in found}) > 1:
        raise FilterError(f"{name} leads to several places from {model}: {', '.join(one.path for one in found)}")
    return found[0]


def check_name(name: str, where: str) -> str:
    """dbt's own rule for names, which also keeps file paths and SQL safe."""
    if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
        raise ImportProblem(f"{where}: {name!r} isn't a name that dbt allows (letters, digits and underscores): run `dbt parse` anew.")
    return name
