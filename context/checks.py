"""What must hold between definitions once each is read by itself: names that lead somewhere, keys, cycles, grain."""

from __future__ import annotations

import graphlib
from collections import defaultdict
from collections.abc import Iterator

from answerable.context.catalog import Catalog
from answerable.context.errors import Complaint, Where, nearest
from answerable.context.expr import PER, BadExpression, bind_user, is_aggregate, names, parse_condition, parse_expression
from answerable.context.model import CumulativeMetric, DerivedMetric, Item, Metric, Model, SimpleMetric
from answerable.context.paths import follow
from answerable.context.policy import Policy
from answerable.context.words import fold
from sqlglot import exp

VOLATILE = (exp.Rand, exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime, exp.CurrentUser, exp.Uuid)


def check(catalog: Catalog) -> list[Complaint]:
    """Every complaint about a catalogue whose files could be read."""
    found: list[Complaint] = []
    for model in catalog.models.values():
        found += [*_model(model, catalog), *_joins(model, catalog)]
    for metric in catalog.metrics.values():
        found += _metric(metric, catalog)
    found += [*_cycles(catalog), *_circles(catalog)]
    for policy in catalog.policies.values():
        found += _policy(policy, catalog)
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
            f"add it with type: time{_near(model.time, model.dimensions)}",
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
            yield from _timeless(tree, model, catalog, dimension.where, what)
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
            yield from _timeless(tree, model, catalog, model.where, what)


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
                f"name a model{_near(join.model, catalog.models)}",
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
                f"name a metric{_near(name, catalog.metrics)}",
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
            f"add it with type: time{_near(metric.time, model.dimensions)}",
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
                mend = f"name a metric{_near(metric, catalog.metrics)}"
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
                    f"add the join{_near(step, here.joins)}",
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
                    f"add it to {here.where.file}{_near(last, here.dimensions)}",
                    missing=last,
                )


def _timeless(tree: exp.Expr, model: Model, catalog: Catalog, where: Where, what: str) -> Iterator[Complaint]:
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


def _near(name: str, known: object) -> str:
    near = nearest(name, known, 1) if isinstance(known, dict) else ()
    return f"; nearest: {near[0]}" if near else ""


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


def _policy(policy: Policy, catalog: Catalog) -> Iterator[Complaint]:
    if not (model := catalog.models.get(policy.model)):
        yield Complaint(
            "policy",
            policy.where,
            f"a policy of {policy.model}, which is no model",
            f"name a model{_near(policy.model, catalog.models)}",
            missing=policy.model,
        )
        return
    metrics = {name: m for name, m in catalog.metrics.items() if m.model == model.name}
    known: dict[str, object] = {**model.dimensions, **metrics}
    everyone = policy.groups.get("everyone")
    for group, rule in policy.groups.items():
        where = Where(policy.where.file, policy.lines.get(group, policy.where.line))
        for name in (*rule.deny, *(rule.allow or ()), *rule.mask):
            wanted, among = ("dimension", model.dimensions) if name in rule.mask else ("dimension or metric", known)
            if name not in among:
                yield Complaint(
                    "policy",
                    where,
                    f"group {group} names {name}, which is no {wanted} of {model.name}",
                    f"remove it{_near(name, among)}",
                    missing=name,
                )
        for name, mask in rule.mask.items():
            column = model.dimensions[name].column if name in model.dimensions else None
            meets = [(theirs, other) for ours, theirs, other in _meetings(model, catalog) if ours == column]
            if (column in model.primary_key or meets) and mask.kind != "hash":
                yield Complaint("policy", where, f"group {group} masks the key {name} with {mask}", "use hash, or deny it")
            for theirs, other in meets if mask.kind == "hash" else ():
                if not _hashed(other, theirs, group, catalog):
                    what = f"group {group} hashes {name}, and joins meet it with {other.name}.{theirs}, which is not hashed"
                    yield Complaint("policy", where, what, "hash both or none")
            if mask.kind == "hash" and len(catalog.settings.mask_key or "") < 16:
                yield Complaint(
                    "policy",
                    where,
                    f"group {group} hashes {name} without a mask_key of at least 16 bytes",
                    "set mask_key in answerable.yml",
                )
        if rule.rows:
            yield from _rows(rule.rows, model, catalog, where)
        if everyone and group != "everyone":
            if rule.rows and everyone.rows is None:
                yield Complaint("policy", where, f"rows of {group} is void: everyone sees all rows", "leave it out, or give everyone rows")
            for name in rule.mask:
                if everyone.verdict(name) is None:
                    yield Complaint(
                        "policy",
                        where,
                        f"the mask of {name} for {group} is void: everyone sees it as it is",
                        "leave it out, or deny it to everyone",
                    )
        if group != "everyone" and catalog.users and not any(group in user.groups for user in catalog.users.values()):
            yield Complaint(
                "policy",
                where,
                f"no user is in the group {group}",
                "add one to policies/users.yml, or let the identity provider say so",
                warning=True,
            )


def _meetings(model: Model, catalog: Catalog) -> Iterator[tuple[str, str, Model]]:
    """Each column of a model that a join stands on, with the other side's column and model."""
    for here in catalog.models.values():
        for join in here.joins.values():
            if there := catalog.models.get(join.model):
                for own, theirs in join.on.items():
                    if here is model:
                        yield own, theirs, there
                    if there is model:
                        yield theirs, own, here


def _hashed(model: Model, column: str, group: str, catalog: Catalog) -> bool:
    """Whether a group sees a column as a hash, or does not see its model at all."""
    if not (policy := catalog.policies.get(model.name)):
        return False
    if not (rule := policy.groups.get(group) or policy.groups.get("everyone")):
        return True
    masks = [rule.mask.get(name) for name, dimension in model.dimensions.items() if dimension.column == column]
    return bool(masks) and all(mask is not None and mask.kind == "hash" for mask in masks)


def _rows(text: str, model: Model, catalog: Catalog, where: Where) -> Iterator[Complaint]:
    try:
        tree = parse_condition(bind_user(text)[0])
    except BadExpression as error:
        yield Complaint("policy", where, str(error), "write a condition over dimensions")
        return
    used = list(names(tree))
    if not used:
        yield Complaint(
            "policy", where, f"the rows {text!r} name no dimension, so they are always true or always false", "name a dimension"
        )
    if tree.find(*VOLATILE, exp.Query) or is_aggregate(tree):
        yield Complaint(
            "policy",
            where,
            f"the rows {text!r} call something that changes from row to row or run to run",
            "compare dimensions with constants",
        )
    yield from _timeless(tree, model, catalog, where, f"the condition {text!r}")
    for name in used:
        *path, last = name.split(".")
        here: Model | None = model
        for step in path:
            here = catalog.models.get(here.joins[step].model) if here and step in here.joins else None
        if here is None or last not in here.dimensions:
            yield Complaint(
                "policy",
                where,
                f"the rows name {name}, which is no dimension that {model.name} reaches to-one",
                f"name a dimension{_near(last, (here or model).dimensions)}",
                missing=last,
            )


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
                    f"name a metric{_near(name, dict(catalog.metrics))}",
                    warning=True,
                )
