"""What must hold between definitions once each is read by itself: names that lead somewhere, keys, cycles, grain."""

from __future__ import annotations

import graphlib
from collections import defaultdict
from collections.abc import Iterator

from answerable.context.catalog import Catalog
from answerable.context.errors import Complaint, Where, nearest
from answerable.context.expr import PER, BadExpression, is_aggregate, names, parse_condition, parse_expression
from answerable.context.model import CumulativeMetric, DerivedMetric, Item, Metric, Model, SimpleMetric
from answerable.context.paths import follow
from answerable.context.words import fold
from sqlglot import exp


def check(catalog: Catalog) -> list[Complaint]:
    """Every complaint about a catalogue whose files could be read."""
    found: list[Complaint] = []
    for model in catalog.models.values():
        found += [*_model(model, catalog), *_joins(model, catalog)]
    for metric in catalog.metrics.values():
        found += _metric(metric, catalog)
    found += [*_cycles(catalog), *_circles(catalog)]
    if not any(not c.warning for c in found):
        found += [*_shared_synonyms(catalog), *_exposures(catalog)]
    return found


def _model(model: Model, catalog: Catalog) -> Iterator[Complaint]:
    for key in ("description", "owner", "primary_key"):
        if model.endorsed and not getattr(model, key):
            yield Complaint("recommended", model.where, f"model {model.name} has no {key}", f"add {key}: …", warning=True)
    if model.time and (model.time not in model.dimensions or model.dimensions[model.time].type != "time"):
        yield Complaint(
            "unknown",
            model.where,
            f"time: {model.time} is no time dimension of {model.name}",
            f"add it with type: time{near(model.time, model.dimensions)}",
            missing=model.time,
        )
    for dimension in model.dimensions.values():
        what = f"dimension {dimension.name}"
        tree, complaint = _parsed(dimension.sql, dimension.where, what)
        yield from complaint
        if tree is not None and is_aggregate(tree):
            yield Complaint("aggregate", dimension.where, f"{what} aggregates", "make it a metric")
        if tree is not None:
            yield from _dotted(tree, model, catalog, dimension.where, what)
            yield from timeless(tree, model, catalog, dimension.where, what)
        if dimension.values_of and not _dimension_named(dimension.values_of, catalog):
            yield Complaint(
                "unknown",
                dimension.where,
                f"values_of: {dimension.values_of} is no dimension",
                "write MODEL.DIMENSION",
                missing=dimension.values_of.split(".")[0],
            )
    if model.always:
        what = f"always of {model.name}"
        tree, complaint = _parsed(model.always, model.where, what)
        yield from complaint
        if tree is not None:
            yield from _dotted(tree, model, catalog, model.where, what)
            yield from timeless(tree, model, catalog, model.where, what)


def _dimension_named(name: str, catalog: Catalog) -> bool:
    model, _, dimension = name.partition(".")
    return model in catalog.models and dimension in catalog.models[model].dimensions


def _joins(model: Model, catalog: Catalog) -> Iterator[Complaint]:
    for join in model.joins.values():
        if not (other := catalog.models.get(join.model)):
            yield Complaint(
                "unknown",
                join.where,
                f"join {join.name} leads to {join.model}, which is no model",
                f"name a model{near(join.model, catalog.models)}",
                missing=join.model,
            )
            continue
        keys = [list(key) for key in (other.primary_key, *other.unique) if key]
        remote = sorted(join.on.values())
        if not keys:
            yield Complaint(
                "join",
                join.where,
                f"{other.name} has no primary_key, so {join.name} may meet many rows",
                f"add primary_key to {other.where}",
            )
        elif not any(sorted(key) == remote for key in keys) and join.valid is None:
            mend = f"join on {' or '.join(', '.join(key) for key in keys)}, or list {', '.join(remote)} under unique"
            yield Complaint(
                "fan-out",
                join.where,
                f"{join.name} meets {other.name} on {', '.join(remote)}, which is no key of it: one row would meet many",
                mend,
            )
    for name in model.joins.keys() & model.dimensions.keys():
        if model.dimensions[name].column is None:
            yield Complaint("names", model.joins[name].where, f"{name} is a join and a computed dimension", "rename one", warning=True)


def _metric(metric: Metric, catalog: Catalog) -> Iterator[Complaint]:
    if isinstance(metric, SimpleMetric):
        yield from _simple(metric, catalog)
        return
    for name in catalog.inputs(metric) if _readable(metric) else ():
        if catalog.metric(name) is None:
            yield Complaint(
                "unknown",
                metric.where,
                f"{metric.name} is made of {name}, which is no metric",
                f"name a metric{near(name, catalog.metrics)}",
                missing=name,
            )
    if isinstance(metric, DerivedMetric):
        tree, complaint = _parsed(metric.expr, metric.where, metric.name)
        yield from complaint
        if tree is not None and is_aggregate(tree):
            yield Complaint(
                "aggregate", metric.where, f"{metric.name} aggregates metrics, which are aggregates already", "leave the function out"
            )
        for unused in set(metric.inputs) - set(metric.parts) if tree is not None else ():
            yield Complaint(
                "unused", metric.where, f"the input {unused} of {metric.name} is not in its expr", "use it or remove it", warning=True
            )
    if isinstance(metric, CumulativeMetric) and metric.window and metric.to_date:
        yield Complaint("form", metric.where, f"{metric.name} has a window and to_date", "keep one")


def _readable(metric: Metric) -> bool:
    """Whether its expression and its filters are SQL: what they name can be told."""
    texts = [metric.expr] if isinstance(metric, DerivedMetric) else []
    texts += [part.filter for part in metric.inputs.values() if part.filter] if isinstance(metric, DerivedMetric) else []
    texts += [metric.filter] if isinstance(metric, SimpleMetric) and metric.filter else []
    try:
        for text in texts:
            parse_expression(text)
            parse_condition(text)
    except BadExpression:
        return False
    return True


def _simple(metric: SimpleMetric, catalog: Catalog) -> Iterator[Complaint]:
    model = catalog.models.get(metric.model or "")
    if model is None:
        return
    tree, complaint = _parsed(metric.expr, metric.where, metric.name)
    yield from complaint
    if tree is not None:
        aggregates = list(tree.find_all(exp.AggFunc))
        if not aggregates:
            yield Complaint(
                "aggregate", metric.where, f"{metric.name} does not aggregate: {metric.expr}", "write sum(…), count(*) or another aggregate"
            )
        if any(inner.parent_select is None and inner.find_ancestor(exp.AggFunc) for inner in aggregates):
            yield Complaint(
                "aggregate",
                metric.where,
                f"{metric.name} has an aggregate inside an aggregate",
                "take the inner one out, or make two metrics",
            )
        yield from _dotted(tree, model, catalog, metric.where, metric.name)
    if metric.filter:
        tree, complaint = _parsed(metric.filter, metric.where, f"the filter of {metric.name}")
        yield from complaint
        if tree is not None:
            yield from _dotted(tree, model, catalog, metric.where, f"the filter of {metric.name}")
    if metric.time and (metric.time not in model.dimensions or model.dimensions[metric.time].type != "time"):
        yield Complaint(
            "unknown",
            metric.where,
            f"time: {metric.time} is no time dimension of {model.name}",
            f"add it with type: time{near(metric.time, model.dimensions)}",
            missing=metric.time,
        )


def _parsed(text: str, where: Where, what: str) -> tuple[exp.Expr | None, list[Complaint]]:
    try:
        return parse_expression(text), []
    except BadExpression:
        return None, [Complaint("expression", where, f"{what} is no SQL expression: {text}", "check brackets, quotes and commas")]


def _dotted(tree: exp.Expr, model: Model, catalog: Catalog, where: Where, what: str) -> Iterator[Complaint]:
    """Dotted names walk to-one joins; a bare name may be a column, which only the warehouse can tell."""
    for name in dict.fromkeys(names(tree)):
        if PER in name:
            metric = name.partition(PER)[0]
            if catalog.metric(metric) is None:
                mend = f"name a metric{near(metric, catalog.metrics)}"
                yield Complaint("unknown", where, f"{what} compares with {metric}, which is no metric", mend, missing=metric)
            continue
        *path, last = name.split(".")
        here: Model | None = model
        for step in path:
            if here is None:
                break  # the join before leads to no model: told there
            join = here.joins.get(step)
            if join is None:
                yield Complaint(
                    "unknown column",
                    where,
                    f"{what} names {name}, and {here.name} has no join {step}",
                    f"add the join{near(step, here.joins)}",
                    missing=step,
                )
                break
            here = catalog.models.get(join.model)
        else:
            if path and here and last not in here.dimensions and last not in here.primary_key:
                yield Complaint(
                    "unknown column",
                    where,
                    f"{what} names {name}, and {here.name} has no dimension {last}",
                    f"add it to {here.where.file}{near(last, here.dimensions)}",
                    missing=last,
                )


def timeless(tree: exp.Expr, model: Model, catalog: Catalog, where: Where, what: str) -> Iterator[Complaint]:
    """A join that holds for a span of time needs a metric's time: without one a row would meet many."""
    for name in dict.fromkeys(names(tree)):
        here: Model | None = model
        for step in name.split(".")[:-1]:
            join = here.joins.get(step) if here else None
            if join is not None and join.valid:
                yield Complaint(
                    "fan-out", where, f"{what} names {name}, and {step} holds for a span of time", "name it in plans and metrics only"
                )
            here = catalog.models.get(join.model) if join else None


def near(name: str, known: object) -> str:
    """The nearest known name, as the end of a mend."""
    found = nearest(name, known, 1) if isinstance(known, dict) else ()
    return f"; nearest: {found[0]}" if found else ""


def _cycles(catalog: Catalog) -> Iterator[Complaint]:
    graph = {
        name: [i for i in (*catalog.inputs(m), *catalog.compared(m)) if i in catalog.metrics]
        for name, m in catalog.metrics.items()
        if _readable(m)
    }
    graph = {name: needed for name, needed in graph.items() if needed}
    if told := _loop(graph):
        yield Complaint("cycle", catalog.metrics[told[0]].where, f"metrics that need each other: {' → '.join(told)}", "break the loop")


def _circles(catalog: Catalog) -> Iterator[Complaint]:
    """Dimensions that reach, join by join, back to themselves."""
    graph: dict[str, list[str]] = {}
    for model in catalog.models.values():
        for dimension in model.dimensions.values():
            if "." not in dimension.sql:
                continue  # it reaches no other model
            tree, _ = _parsed(dimension.sql, dimension.where, "")
            far = [name.split(".") for name in names(tree) if "." in name] if tree is not None else []
            ends = [(follow(catalog, model, tuple(path)), name) for *path, name in far]
            graph[f"{model.name}.{dimension.name}"] = [f"{end.name}.{name}" for end, name in ends if end and name in end.dimensions]
    if told := _loop(graph):
        model_name, _, name = told[0].partition(".")
        where = catalog.models[model_name].dimensions[name].where
        yield Complaint("cycle", where, f"dimensions that need each other: {' → '.join(told)}", "break the loop")


def _loop(graph: dict[str, list[str]]) -> list[str]:
    """A loop in a graph, from its first node back to it; empty where there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        loop = error.args[1][:0:-1]
        first = loop.index(min(loop, key=list(graph).index))
        return [*loop[first:], *loop[:first], loop[first]]
    return []


def _shared_synonyms(catalog: Catalog) -> Iterator[Complaint]:
    claims, written = defaultdict[str, dict[str, Item]](dict), dict[str, str]()
    for metric in catalog.metrics.values():
        if catalog.endorsed(metric) and not metric.hidden:
            for word in (metric.name, metric.words, *metric.synonyms):
                claims[fold(word)][metric.name] = metric
                written.setdefault(fold(word), word)
    settled = {fold(word) for rule in catalog.rules for word in rule.words}
    for word, items in claims.items():
        if len(items) > 1 and word not in settled:
            first = list(items.values())[-1]
            what = f"“{written[word]}” names {' and '.join(sorted(items))}: people will be asked"
            yield Complaint("two meanings", first.where, what, "keep one, or settle it with words: in rules/", warning=True)


def _exposures(catalog: Catalog) -> Iterator[Complaint]:
    for exposure in catalog.exposures:
        for name in exposure.metrics:
            if name not in catalog.metrics:
                yield Complaint(
                    "unknown",
                    exposure.where,
                    f"{exposure.name} uses {name}, which is no metric",
                    f"name a metric{near(name, dict(catalog.metrics))}",
                    warning=True,
                )
