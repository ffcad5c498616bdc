"""What must hold of policies once each is read by itself: names that lead somewhere, conditions that filter, masks that fit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from answerable.context import listed
from answerable.context.catalog import Catalog
from answerable.context.checks import near, timeless
from answerable.context.errors import Complaint, GuardError, Where
from answerable.context.expr import BadExpression, bind_user, is_aggregate, names, parse_condition
from answerable.context.model import Dimension, Model
from answerable.context.policy import EVERYONE, GroupRule, Mask, Policy, Verdict
from answerable.context.tautology import always
from sqlglot import exp

SHORTEST_KEY = 16
_VOLATILE = (exp.Rand, exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime, exp.CurrentUser, exp.Uuid)
_VOLATILE_NAMES = frozenset("""
    now today random uuid gen_random_uuid uuidv4 uuidv7 setseed nextval currval lastval txid_current current_setting getenv getvariable
    version current_database current_schema current_schemas current_role current_catalog session_user clock_timestamp statement_timestamp
    transaction_timestamp timeofday localtime localtimestamp get_current_time get_current_timestamp current_localtime current_localtimestamp
    pg_sleep current_query pg_backend_pid inet_client_addr
""".split())  # fmt: skip
_NO_CONDITION = (exp.Literal, exp.Null, exp.Neg, exp.DPipe, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Cast)


def check_policies(catalog: Catalog) -> list[Complaint]:
    """Every complaint about the policies of a catalogue."""
    return [complaint for policy in catalog.policies.values() for complaint in _policy(policy, catalog)]


def _policy(policy: Policy, catalog: Catalog) -> Iterator[Complaint]:
    model = catalog.models.get(policy.model)
    if model is None:
        what = f"a policy of {policy.model}, which is no model"
        yield Complaint("policy", policy.where, what, f"name a model{near(policy.model, catalog.models)}", missing=policy.model)
        return
    if (file := policy.where.file.rpartition("/")[2]) != f"{model.name}.yml":
        what = f"{file} holds the policy of {model.name}"
        yield Complaint("policy", policy.where, what, f"call it {model.name}.yml, where people look for it", warning=True)
    for group, rule in policy.groups.items():
        yield from _names(group, rule, policy, model, catalog)
        yield from _masks(group, rule, policy, model, catalog)
        if rule.rows is not None:
            yield from _rows(rule.rows, model, catalog, policy.at(group, "rows"))
        yield from _void(group, rule, policy)
        if group != EVERYONE and catalog.users and not any(group in user.groups for user in catalog.users.values()):
            mend = "add one to policies/users.yml, or let the identity provider say so"
            yield Complaint("policy", policy.at(group), f"no user is in the group {group}", mend, warning=True)
    yield from _surprises(policy, model, catalog)
    yield from _half_hashed(policy, model, catalog)


def _names(group: str, rule: GroupRule, policy: Policy, model: Model, catalog: Catalog) -> Iterator[Complaint]:
    """Names that the model has, each said in one way."""
    metrics = {name: m for name, m in catalog.metrics.items() if m.model == model.name}
    known: dict[str, object] = {**model.dimensions, **metrics}
    for key, said in (("deny", rule.deny), ("allow", rule.allow or ()), ("mask", tuple(rule.mask))):
        wanted, among = ("dimension", model.dimensions) if key == "mask" else ("dimension or metric", known)
        for name in said:
            if name not in among:
                what = f"group {group} names {name}, which is no {wanted} of {model.name}"
                yield Complaint("policy", policy.at(group, key, name), what, f"remove it{near(name, among)}", missing=name)
    if rule.deny and rule.allow is not None:
        what = f"group {group} has deny and allow"
        yield Complaint("policy", policy.at(group, "allow"), what, "keep allow: what it does not name is denied already")
    for name in rule.mask:
        if name in model.dimensions and rule.verdict(name) == "deny":
            what = f"the mask of {name} for {group} is void: the group may not see it at all"
            yield Complaint("policy", policy.at(group, "mask", name), what, "leave the mask out, or do not deny it")


def _masks(group: str, rule: GroupRule, policy: Policy, model: Model, catalog: Catalog) -> Iterator[Complaint]:
    for name, mask in rule.mask.items():
        if name not in model.dimensions:
            continue
        where, dimension = policy.at(group, "mask", name), model.dimensions[name]
        meets = [(theirs, other) for ours, theirs, other in _meetings(model, catalog) if ours == dimension.column]
        if (dimension.column in model.primary_key or meets) and mask.kind != "hash":
            yield Complaint("policy", where, f"group {group} masks the key {name} with {mask}", "use hash, or deny it")
        for theirs, other in meets if mask.kind == "hash" else ():
            if not _hashed(other, theirs, group, catalog):
                what = f"group {group} hashes {name}, and joins meet it with {other.name}.{theirs}, which is not hashed"
                yield Complaint("policy", where, what, "hash both or none")
        if mask.kind == "hash" and len((catalog.settings.mask_key or "").encode()) < SHORTEST_KEY:
            what = f"group {group} hashes {name} without a mask_key of at least {SHORTEST_KEY} bytes"
            yield Complaint("policy", where, what, "set mask_key in answerable.yml")
        if mask.kind in ("year", "month") and dimension.type != "time":
            what = f"group {group} masks {name} with {mask}, and {name} is no time"
            yield Complaint("policy", where, what, "use another mask, or give the dimension type: time")


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
    """Whether a group sees a column as a hash, or does not see it or its model at all."""
    if not (policy := catalog.policies.get(model.name)):
        return False
    if not (rule := policy.groups.get(group) or policy.groups.get(EVERYONE)):
        return True
    verdicts = [rule.verdict(name) for name, dimension in model.dimensions.items() if dimension.column == column]
    return bool(verdicts) and all(v == "deny" or (isinstance(v, Mask) and v.kind == "hash") for v in verdicts)


def _half_hashed(policy: Policy, model: Model, catalog: Catalog) -> Iterator[Complaint]:
    """Pairs of groups that together see a key hashed on one side of a join only."""
    for ours, theirs, other in _meetings(model, catalog):
        if other.name not in catalog.policies or ours not in {d.column for g in policy.groups.values() for d in _hashes(g, model)}:
            continue
        far = catalog.policies[other.name]
        for pair in itertools.combinations({**policy.groups, **far.groups}, 2):
            near_mask, far_mask = _together(policy, pair, model, ours), _together(far, pair, other, theirs)
            if near_mask == "hash" and far_mask == "plain":
                who = f"in {pair[0]} and in {pair[1]}"
                what = f"who is {who} sees {model.name}.{ours} hashed and {other.name}.{theirs} not: joins match nothing"
                mend = f"hash both or none, or let nobody be {who}"
                yield Complaint("rights add up", policy.where, what, mend, warning=True)


def _hashes(rule: GroupRule, model: Model) -> list[Dimension]:
    return [model.dimensions[name] for name, mask in rule.mask.items() if mask.kind == "hash" and name in model.dimensions]


def _together(policy: Policy, pair: tuple[str, ...], model: Model, column: str) -> str:
    """How two groups together see a column: `hash`, `plain`, or `nothing`."""
    rules = [policy.groups[group] for group in dict.fromkeys((*pair, EVERYONE)) if group in policy.groups]
    names = [name for name, dimension in model.dimensions.items() if dimension.column == column] or [column]
    verdicts: list[Verdict] = ["deny", *(rule.verdict(name) for name in names for rule in rules)]
    least = min(verdicts, key=_hiddenness)
    return "nothing" if least == "deny" else "hash" if isinstance(least, Mask) else "plain"


def _void(group: str, rule: GroupRule, policy: Policy) -> Iterator[Complaint]:
    """What a group says and `everyone` gives anyway: rights add up."""
    everyone = policy.groups.get(EVERYONE)
    if everyone is None or group == EVERYONE:
        return
    if rule.rows is not None and everyone.rows is None:
        what = f"rows of {group} is void: everyone sees all rows"
        yield Complaint("policy", policy.at(group, "rows"), what, "leave it out, or give everyone rows")
    if rule.at_least > everyone.at_least:
        what = f"at_least of {group} is void: everyone has {everyone.at_least}"
        yield Complaint("policy", policy.at(group, "at_least"), what, "leave it out, or give everyone at_least", warning=True)
    for key, said in (("mask", tuple(rule.mask)), ("deny", rule.deny)):
        for name in said:
            theirs = everyone.verdict(name)
            if _hiddenness(theirs) < _hiddenness(rule.verdict(name)):
                what = f"the {key} of {name} for {group} is void: everyone sees it {f'with {theirs}' if theirs else 'as it is'}"
                mend = "leave it out, or deny it to everyone"
                yield Complaint("policy", policy.at(group, key, name), what, mend, warning=key == "deny")


def _surprises(policy: Policy, model: Model, catalog: Catalog) -> Iterator[Complaint]:
    """Pairs of groups that together see some rows with a verdict which neither gives to them."""
    shown = [*model.dimensions, *(name for name, metric in catalog.metrics.items() if metric.model == model.name)]
    for (one, first), (other, second) in itertools.combinations(policy.groups.items(), 2):
        if first.rows == second.rows:
            continue
        gained = [said for a, b in ((one, other), (other, one)) for said in _gained(a, b, policy, shown)]
        if gained:
            rows = "all rows" if None in (first.rows, second.rows) else "the rows of both"
            what = f"who is in {one} and in {other} sees {rows} with {', '.join(gained)}, which neither group gives by itself"
            mend = f"give both the same rows or verdicts, or let nobody be in {one} and in {other}"
            yield Complaint("rights add up", policy.at(other), what, mend, warning=True)


def _gained(freer: str, other: str, policy: Policy, names: list[str]) -> Iterator[str]:
    """What `freer` shows of its own rows only, and so of the other's rows too."""
    mine, theirs = policy.groups[freer], policy.groups[other]
    if mine.rows is None:
        return  # it sees the other's rows anyway
    less = [name for name in names if _hiddenness(mine.verdict(name)) < _hiddenness(theirs.verdict(name))]
    if less:
        yield f"{', '.join(less)} as for {freer}"
    if mine.at_least < theirs.at_least:
        yield f"groups of {mine.at_least} rows as for {freer}"


def _hiddenness(verdict: Verdict) -> tuple[Any, ...]:
    """As it is, then the masks in their order, then denied."""
    return (2,) if verdict == "deny" else (0,) if verdict is None else (1, verdict)


def _rows(text: str, model: Model, catalog: Catalog, where: Where) -> Iterator[Complaint]:
    """A condition that reads the model's rows, filters some of them, and says the same on each run."""
    try:
        bound, attributes = bind_user(text)
        tree = parse_condition(bound)
    except BadExpression as error:
        yield Complaint("policy", where, str(error), "write a condition over dimensions")
        return
    if any(node.name.removeprefix("user_") not in attributes for node in tree.find_all(exp.Placeholder, exp.Parameter)):
        yield Complaint("policy", where, f"the rows {text!r} have a parameter that nobody binds", "write {user.NAME} for an attribute")
    used = list(names(tree))
    if not used:
        what = f"the rows {text!r} name no dimension, so they are always true or always false"
        yield Complaint("policy", where, what, "name a dimension")
    elif always(tree):
        what = f"the rows {text!r} are true for every row"
        yield Complaint("policy", where, what, "leave rows out if the group may see all of them")
    yield from _steady(tree, text, where)
    yield from timeless(tree, model, catalog, where, f"the condition {text!r}")
    for name in used:
        yield from _reached(name, tree, model, catalog, where)


def _steady(tree: exp.Expr, text: str, where: Where) -> Iterator[Complaint]:
    """It calls only what the gate knows, and nothing that changes."""
    called = {node.name.lower() for node in tree.find_all(exp.Anonymous)}
    if tree.find(*_VOLATILE, exp.Query) or is_aggregate(tree) or tree.find(exp.Window) or called & _VOLATILE_NAMES:
        what = f"the rows {text!r} call something that changes from row to row or run to run"
        yield Complaint("policy", where, what, "compare dimensions with constants")
        return
    bound = tree.transform(lambda node: exp.null() if isinstance(node, (exp.Placeholder, exp.Parameter)) else node)
    try:
        listed.check(bound, "duckdb", plan=False)
    except GuardError as error:
        yield Complaint("policy", where, f"the rows {text!r}: {error}"[:-1], "compare dimensions with constants")


def _reached(name: str, tree: exp.Expr, model: Model, catalog: Catalog, where: Where) -> Iterator[Complaint]:
    """A name is a dimension here or over to-one joins, and a whole condition only where it is a boolean."""
    *path, last = name.split(".")
    here: Model | None = model
    for step in path:
        here = catalog.models.get(here.joins[step].model) if here and step in here.joins else None
    if here is None or last not in here.dimensions:
        own = last in model.dimensions and path == [model.name]
        mend = f"write {last}" if own else f"name a dimension{near(last, (here or model).dimensions)}"
        what = f"the rows name {name}, which is no dimension that {model.name} reaches to-one"
        yield Complaint("policy", where, what, mend, missing=last)
    elif isinstance(whole := tree.unnest(), (exp.Column, *_NO_CONDITION)) and here.dimensions[last].type != "boolean":
        yield Complaint("policy", where, f"the rows {whole.sql()} are no condition", f"compare {name} with something")
