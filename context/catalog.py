"""All definitions of a project, immutable, with a content hash; and the part of them that one asker may see."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from answerable.context.errors import Complaint, UsageError, Where
from answerable.context.expr import PER, names, parse_condition, parse_expression
from answerable.context.model import (
    ConversionMetric,
    CumulativeMetric,
    DerivedMetric,
    Dimension,
    Exposure,
    Metric,
    Model,
    RatioMetric,
    Rule,
    SimpleMetric,
    Source,
)
from answerable.context.policy import EVERYONE, Access, Mask, Policy, Principal, access
from answerable.context.query import SemanticQuery
from answerable.context.settings import ProjectSettings


@dataclass(frozen=True)
class VerifiedQuestion:
    """A question with its plan and, where known, a trusted value; `of` is the hash of what was verified."""

    question: str
    plan: SemanticQuery | None
    today: dt.date | None = None
    value: Any = None
    rows: tuple[tuple[Any, ...], ...] | None = None
    tolerance: float = 0.0
    source: Source = field(default_factory=Source)
    of: str | None = None
    where: Where = field(default_factory=lambda: Where("?"))


@dataclass(frozen=True)
class Catalog:
    """All definitions of a project. `version` is the hash of its files."""

    settings: ProjectSettings
    models: Mapping[str, Model]
    metrics: Mapping[str, Metric]
    policies: Mapping[str, Policy] = field(default_factory=dict)
    users: Mapping[str, Principal] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    verified: tuple[VerifiedQuestion, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    version: str = ""
    warnings: tuple[Complaint, ...] = ()

    @cached_property
    def relation_words(self) -> frozenset[str]:
        """The names of models, of tables without a schema, and every word of a model's SQL: a step of a query is called otherwise."""
        found = set[str]()
        for model in self.models.values():
            found.add(model.name.lower())
            found.update([model.table.lower()] if model.table and "." not in model.table else [])
            found.update(re.findall(r"\w+", (model.sql or "").lower()))
        return frozenset(found)

    @cached_property
    def calendars(self) -> Mapping[str, Model]:
        """The project's calendar by `day`, and its finer ones by their grain: relations that only plans read, open to all."""
        said = self.settings.calendar
        if said is None:
            return {}
        tables: dict[str, tuple[str, str]] = {grain: (fine.table, fine.column) for grain, fine in said.finer.items()}
        tables["day"] = (said.table, said.day)
        return {
            grain: Model(
                name=f"__calendar_{grain}", label="calendar", table=table, time=column, endorsed=True,
                dimensions={column: Dimension.model_validate({"name": column, "type": "time", "grain": grain})},
            )
            for grain, (table, column) in tables.items()
        }  # fmt: skip

    def free_word(self, name: str) -> str:
        """The name itself, or with a number where a model or a table behind one is called so."""
        if name.lower() not in self.relation_words:
            return name
        return next(n for i in range(2, 10_000) if (n := f"{name}_{i}").lower() not in self.relation_words)

    def metric(self, name: str) -> Metric | None:
        """A metric by its name; `customers.count` is the number of rows of an endorsed model."""
        if found := self.metrics.get(name):
            return found
        model = self.models.get(name.removesuffix(".count")) if name.endswith(".count") else None
        return row_count(model) if model else None

    def inputs(self, metric: Metric) -> tuple[str, ...]:
        """The names of the metrics that a metric is made of."""
        match metric:
            case SimpleMetric():
                return ()
            case RatioMetric():
                return (metric.numerator, metric.denominator)
            case DerivedMetric():
                return tuple(part.metric for part in metric.parts.values())
            case CumulativeMetric():
                return (metric.metric,)
            case ConversionMetric():
                return (metric.base, metric.converted)

    def compared(self, metric: Metric) -> tuple[str, ...]:
        """The names of the metrics that a metric's own filters compare with: `orders` in `orders per customer > 3`."""
        texts = [metric.filter] if isinstance(metric, SimpleMetric) else []
        texts += [part.filter for part in metric.parts.values()] if isinstance(metric, DerivedMetric) else []
        found = [name for text in texts if text for name in names(parse_condition(text)) if PER in name]
        return tuple(dict.fromkeys(name.partition(PER)[0] for name in found))

    def leaves(self, metric: Metric) -> Iterator[SimpleMetric]:
        """The simple metrics at the bottom of a metric."""
        if isinstance(metric, SimpleMetric):
            yield metric
        for name in self.inputs(metric):
            if inner := self.metric(name):
                yield from self.leaves(inner)

    def endorsed(self, metric: Metric) -> bool:
        """Whether the data team stands behind a metric, its model, and all that it is made of."""
        if metric.endorsed is False:
            return False
        model = self.models.get(metric.model or "")
        if metric.model is not None and not (model and model.endorsed):
            return False
        return all(inner is not None and self.endorsed(inner) for inner in map(self.metric, self.inputs(metric)))

    def touches(self, metric: Metric) -> set[tuple[str, str]]:
        """Each (model, column or dimension) that a metric reads, through filters and joins too."""
        found = set[tuple[str, str]]()
        for leaf in self.leaves(metric):
            model = self.models[leaf.model or ""]
            trees = [parse_expression(leaf.expr)] + ([parse_expression(leaf.filter)] if leaf.filter else [])
            found.update(self.owner_of(model, name) for tree in trees for name in names(tree) if PER not in name)
            found.update((model.name, time) for time in [leaf.time or model.time] if time)
        if isinstance(metric, DerivedMetric):
            for part in metric.parts.values():
                base = next(self.leaves(inner), None) if (inner := self.metric(part.metric)) else None
                if part.filter and base:
                    said = [name for name in names(parse_condition(part.filter)) if PER not in name]
                    found.update(self.owner_of(self.models[base.model or ""], name) for name in said)
        return found

    def owner_of(self, model: Model, name: str) -> tuple[str, str]:
        """The model and the column behind `customer.tier`, walked join by join from `model`."""
        *path, last = name.split(".")
        for step in path:
            if step in model.joins:
                model = self.models[model.joins[step].model]
        return model.name, last

    def principal(self, user: str | None) -> Principal:
        """Who a user id is; nobody without one. Raises UsageError for one that the project does not know."""
        if user is None:
            return Principal()
        if user not in self.users:
            raise UsageError(f"There is no user {user} in policies/users.yml.")
        return self.users[user]

    def access(self, model: str, principal: Principal) -> Access:
        """What this asker sees of a model; all of a calendar."""
        policy = self.policies.get(model)
        return access(policy, model, self._named[model] if policy else (), principal)

    @cached_property
    def _named(self) -> dict[str, tuple[str, ...]]:
        """The dimensions and metrics of each model: what a policy may speak of."""
        metrics: dict[str, list[str]] = {}
        for name, metric in self.metrics.items():
            metrics.setdefault(metric.model or "", []).append(name)
        return {name: (*model.dimensions, *metrics.get(name, ())) for name, model in self.models.items()}

    def canonical(self, query: SemanticQuery) -> SemanticQuery:
        """The plan as all ways to write it share it: the metrics' own date is `time`, and an order that is the default is left out."""
        times = {leaf.time or self.models[leaf.model or ""].time for n in query.metrics if (m := self.metric(n)) for leaf in self.leaves(m)}
        own = times.pop() if len(times) == 1 else None

        def named(ref: str) -> str:
            name, _, grain = ref.partition(":")
            return f"time:{grain}" if name == own and grain else ref

        by, order = tuple(map(named, query.by)), tuple(map(named, query.order))
        return query.model_copy(update={"by": by, "order": () if order == by[: len(order)] else order})

    def fingerprint(self, query: SemanticQuery) -> str:
        """The hash of what a plan stands on: its metrics down to their models, and the models of its dimensions, upstreams included."""
        said = json.dumps(query.as_data())
        if said not in self._fingerprints:
            self._fingerprints[said] = self._fingerprint(self.canonical(query))
        return self._fingerprints[said]

    @cached_property
    def _fingerprints(self) -> dict[str, str]:
        """Those that were asked for: definitions don't change."""
        return {}

    def _fingerprint(self, query: SemanticQuery) -> str:
        metrics, models = dict[str, Metric](), set[str]()
        stack = [*query.metrics, *(n.partition(PER)[0] for text in query.where for n in names(parse_condition(text)) if PER in n)]
        while stack:
            metric = self.metric(stack.pop())
            if metric is not None and metric.name not in metrics:
                metrics[metric.name] = metric
                stack.extend((*self.inputs(metric), *self.compared(metric)))
                models.update([metric.model] if metric.model else [])
        heads = {name.split(".")[0] for name in query.by}
        models.update(head for head in heads if head in self.models)
        models |= {join.model for name in list(models) for join in self._joined(name)}
        said: list[Any] = [m.model_dump(mode="json", exclude={"where"}, exclude_defaults=True) for _, m in sorted(metrics.items())]
        said += [_meaning(self.models[name]) for name in sorted(models) if name in self.models]
        said.append([self.settings.timezone, self.settings.week_start, self.settings.fiscal_year_start])
        if self.settings.calendar:
            said.append(self.settings.calendar.model_dump(mode="json"))
        return hashlib.sha256(json.dumps([query.hash, said], sort_keys=True, default=str).encode()).hexdigest()[:16]

    def _joined(self, name: str, seen: frozenset[str] = frozenset()) -> Iterator[Any]:
        for join in self.models[name].joins.values() if name in self.models else ():
            if join.model not in seen:
                yield join
                yield from self._joined(join.model, seen | {name, join.model})


def _meaning(model: Model) -> Any:
    """What of a model gives numbers their meaning: not its texts."""
    texts = {"where", "label", "description", "synonyms", "owner", "tags", "unit", "format"}
    data = model.model_dump(mode="json", exclude=texts, exclude_defaults=True)
    data["dimensions"] = {
        name: d.model_dump(mode="json", exclude=texts | {"values"}, exclude_defaults=True) for name, d in model.dimensions.items()
    }
    data["joins"] = {name: j.model_dump(mode="json", exclude=texts, exclude_defaults=True) for name, j in model.joins.items()}
    return data


def row_count(model: Model) -> SimpleMetric:
    """The metric behind "how many customers": the rows of a model."""
    return SimpleMetric(
        name=f"{model.name}.count", model=model.name, expr="count(*)", fill=0, endorsed=model.endorsed, owner=model.owner,
        where=model.where,
        label=f"Number of {model.words}", description=f"Rows of {model.words}: one row is one {model.entity_words}.",
        unit=model.words.lower(),
    )  # fmt: skip


def visible(catalog: Catalog, principal: Principal) -> Catalog:
    """The catalogue of what is endorsed and this asker may see: the rest does not exist in it."""
    models = dict[str, Model]()
    closed = set[tuple[str, str]]()
    for name, model in catalog.models.items():
        verdict = catalog.access(name, principal)
        if not model.endorsed or not verdict.open:
            continue
        open_ = {
            n: d for n, d in model.dimensions.items() if n not in verdict.denied and not stands_on_closed(catalog, model, d, principal)
        }
        keep = {n: _as_masked(d, verdict.masks.get(n)) for n, d in open_.items()}
        closed |= {(name, column) for column in hidden_columns(model, verdict) | verdict.denied | (model.dimensions.keys() - keep.keys())}
        models[name] = model.model_copy(update={"dimensions": keep})
    for name, model in models.items():
        models[name] = model.model_copy(update={"joins": {n: j for n, j in model.joins.items() if j.model in models}})
    metrics = {name: metric for name, metric in catalog.metrics.items() if _open(catalog, metric, models, closed)}
    rules = tuple(rule for rule in catalog.rules if rule.applies(principal.all_groups if not principal.audience else frozenset({EVERYONE})))
    return replace(catalog, models=models, metrics=_closed_over(catalog, metrics), rules=rules)


def _as_masked(dimension: Dimension, mask: Mask | None) -> Dimension:
    """A dimension of which only a text is shown is a text: no part of a date is left to group by."""
    if mask is None or not mask.makes_text or dimension.type == "text":
        return dimension
    return dimension.model_copy(update={"type": "text", "grain": None})


def _open(catalog: Catalog, metric: Metric, models: Mapping[str, Model], closed: set[tuple[str, str]]) -> bool:
    """Whether a metric is endorsed, and neither it nor anything that it is made of or reads is closed."""
    if not catalog.endorsed(metric) or (metric.model or "", metric.name) in closed:
        return False
    for below in (metric, *catalog.leaves(metric)):
        for name in catalog.compared(below):
            inner = catalog.metric(name)
            if inner is None or not _open(catalog, inner, models, closed):
                return False
    if any(leaf.model not in models or (leaf.model, leaf.name) in closed for leaf in catalog.leaves(metric)):
        return False
    touched = catalog.touches(metric)
    return not touched & closed and all(owner in models for owner, _ in touched)


def _closed_over(catalog: Catalog, metrics: dict[str, Metric]) -> dict[str, Metric]:
    """Without the metrics one of whose inputs is missing, until nothing more falls."""
    while falling := [n for n, m in metrics.items() if any(i not in metrics and i in catalog.metrics for i in catalog.inputs(m))]:
        metrics = {n: m for n, m in metrics.items() if n not in falling}
    return metrics


def hidden_columns(model: Model, verdict: Access, masked: bool = True) -> set[str]:
    """The physical columns that are closed: read by a denied dimension, or by a masked one, and plainly shown by no open one.

    `masked` False leaves the masked ones out.
    """
    plain = {d.column for n, d in model.dimensions.items() if d.column and n not in verdict.denied}
    computed = [d for n, d in model.dimensions.items() if n in verdict.denied or (masked and n in verdict.masks and d.column is None)]
    touched = {name for d in computed for name in names(parse_expression(d.sql)) if "." not in name}
    return touched - {column for column in plain if column}


def stands_on_closed(catalog: Catalog, model: Model, dimension: Dimension, principal: Principal) -> bool:
    """Whether a dimension's expression reads what this asker may not see, here or behind joins.

    Its own mask covers what only masks close.
    """
    verdict = catalog.access(model.name, principal)
    hidden = hidden_columns(model, verdict, masked=dimension.name not in verdict.masks)
    used = [name.split(".") for name in names(parse_expression(dimension.sql))]
    return any(_behind_closed(catalog, model, path, name, principal) if path else name in hidden for *path, name in used)


def _behind_closed(catalog: Catalog, here: Model, path: list[str], name: str, principal: Principal) -> bool:
    for step in path:
        here = catalog.models[here.joins[step].model]
        verdict = catalog.access(here.name, principal)
        if not verdict.open or not here.endorsed:
            return True
    dimension = here.dimensions.get(name)
    if dimension is None:
        return name in hidden_columns(here, verdict)
    return name in verdict.denied or stands_on_closed(catalog, here, dimension, principal)
