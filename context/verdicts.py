"""Why somebody sees a model, or a name of it, as they do: the verdict in words, and the lines of YAML that decide."""

from __future__ import annotations

from dataclasses import dataclass

from answerable.context.catalog import Catalog, visible
from answerable.context.model import Metric, Model
from answerable.context.policy import Access, Policy, Principal

Lines = tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What holds for a name, in words, and which lines of which files say so."""

    name: str
    kind: str
    """`open`, `closed`, `rows`, `shown`, `masked` or `denied`."""
    says: str
    lines: Lines = ()


def of_model(catalog: Catalog, model: Model, principal: Principal) -> Verdict:
    """Whether somebody sees a model at all."""
    policy, seen = catalog.policies.get(model.name), catalog.access(model.name, principal)
    if policy is None:
        return Verdict(model.name, "open", "it has no policy, so it is open to everybody who may use the project")
    groups = _groups(policy, principal)
    if seen.missing:
        lines = tuple(str(policy.at(group, "rows")) for group in groups)
        return Verdict(model.name, "closed", f"the attribute {', '.join(seen.missing)} is missing, so nothing is seen", lines)
    if not seen.open:
        return Verdict(model.name, "closed", "its policy names none of the groups", (str(policy.where),))
    return Verdict(model.name, "open", f"by {_listed('group', groups)}", tuple(str(policy.at(group)) for group in groups))


def of_rows(catalog: Catalog, model: Model, principal: Principal) -> Verdict:
    """Which of a model's rows somebody sees."""
    policy, seen = catalog.policies.get(model.name), catalog.access(model.name, principal)
    if policy is None or seen.rows is None:
        free = [group for group in _groups(policy, principal) if policy and policy.groups[group].rows is None]
        return Verdict(model.name, "rows", "all rows", tuple(str(policy.at(group)) for group in free if policy))
    filtered = [group for group in _groups(policy, principal) if policy.groups[group].rows is not None]
    return Verdict(model.name, "rows", " or ".join(seen.rows), tuple(str(policy.at(group, "rows")) for group in filtered))


def of_name(catalog: Catalog, model: Model, name: str, principal: Principal) -> Verdict:
    """How somebody sees a dimension, or a metric that the model's policy could name."""
    policy, seen = catalog.policies.get(model.name), catalog.access(model.name, principal)
    if not seen.open:
        return Verdict(name, "denied", "its model is closed", of_model(catalog, model, principal).lines)
    if name in seen.denied:
        return Verdict(name, "denied", "it does not exist for them", _naming(policy, name, principal))
    if name in seen.masks:
        return Verdict(name, "masked", str(seen.masks[name]), _masking(policy, name, seen, principal))
    return Verdict(name, "shown", "as it is")


def of_dimension(catalog: Catalog, model: Model, name: str, principal: Principal, seen: Catalog | None = None) -> Verdict:
    """How somebody sees a dimension, also one that reads what they may not see. `seen` is what they see, where that is known."""
    own = of_name(catalog, model, name, principal)
    shown = (seen or visible(catalog, principal)).models.get(model.name)
    if own.kind == "denied" or not model.endorsed or (shown is not None and name in shown.dimensions):
        return own
    return Verdict(name, "denied", "it stands on what they may not see", lines_of(catalog, model, principal))


def of_metric(catalog: Catalog, metric: Metric, principal: Principal, seen: Catalog | None = None) -> Verdict:
    """Whether somebody sees a metric, which needs all that it is made of and reads."""
    model = catalog.models.get(metric.model or "")
    own = of_name(catalog, model, metric.name, principal) if model else Verdict(metric.name, "shown", "as it is")
    if own.kind == "denied" or not catalog.endorsed(metric) or metric.name in (seen or visible(catalog, principal)).metrics:
        return own
    for name in (*catalog.inputs(metric), *catalog.compared(metric)):
        if (inner := catalog.metric(name)) and (found := of_metric(catalog, inner, principal, seen)).kind == "denied":
            return Verdict(metric.name, "denied", f"it is made of {name}: {found.says}", found.lines)
    for owner, column in sorted(catalog.touches(metric)):
        found = _column(catalog, catalog.models[owner], column, principal)
        if found.kind == "denied":
            return Verdict(metric.name, "denied", f"it reads {owner}.{column}: {found.says}", found.lines)
    return Verdict(metric.name, "denied", "it stands on what they may not see", lines_of(catalog, model, principal) if model else ())


def _column(catalog: Catalog, model: Model, column: str, principal: Principal) -> Verdict:
    """A dimension by its name, or else a physical column by the dimensions that show it."""
    names = [column] if column in model.dimensions else [n for n, d in model.dimensions.items() if d.column == column] or [column]
    found = [of_name(catalog, model, name, principal) for name in names]
    return next((verdict for verdict in found if verdict.kind != "denied"), found[0])


def lines_of(catalog: Catalog, model: Model, principal: Principal) -> Lines:
    """The lines of the groups by which somebody sees a model, or why they do not."""
    return of_model(catalog, model, principal).lines


def _groups(policy: Policy | None, principal: Principal) -> list[str]:
    """The asker's groups that give something; all of theirs where none does."""
    mine = [group for group in policy.groups if group in principal.all_groups] if policy else []
    giving = [g for g in mine if policy and all(principal.attribute(name) is not None for name in policy.groups[g].attributes)]
    return giving or mine


def _naming(policy: Policy | None, name: str, principal: Principal) -> Lines:
    """Where the asker's groups deny a name, or leave it out of what they allow."""
    found = []
    for group in _groups(policy, principal):
        assert policy is not None
        key = "deny" if name in policy.groups[group].deny else "allow"
        found.append(str(policy.at(group, key, name)))
    return tuple(dict.fromkeys(found))


def _masking(policy: Policy | None, name: str, seen: Access, principal: Principal) -> Lines:
    """Where the mask that wins is said."""
    assert policy is not None
    won = [group for group in _groups(policy, principal) if policy.groups[group].verdict(name) == seen.masks[name]]
    return tuple(str(policy.at(group, "mask", name)) for group in won)


def _listed(word: str, names: list[str]) -> str:
    return f"{word if len(names) == 1 else word + 's'} {', '.join(names)}"
