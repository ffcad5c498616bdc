"""`policy show` on the command line: what one person sees of a model, and the line of YAML behind each verdict."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from answerable.context import verdicts
from answerable.context.catalog import Catalog, visible
from answerable.context.errors import UsageError, nearest
from answerable.context.expr import bind_user
from answerable.context.model import Model
from answerable.context.policy import Principal
from answerable.context.verdicts import Verdict
from answerable.integrations.printing import cleaned, say, say_json


def show(catalog: Catalog, user: str | None, name: str | None, as_json: bool) -> None:
    """One model whole, or a line for each."""
    principal = catalog.principal(user)
    if name is not None and name not in catalog.models:
        near = nearest(name, catalog.models)
        raise UsageError(f"There is no model {name}." + (f" Nearest: {', '.join(near)}." if near else ""))
    seen = visible(catalog, principal)
    found = [explained(catalog, seen, catalog.models[each], principal) for each in ([name] if name else sorted(catalog.models))]
    if as_json:
        say_json(found[0] if name else found)
        return
    say(f"{user or 'nobody'}, in the {_groups(principal)}")
    for each in cleaned(found):
        (_whole if name else _line)(each)


def explained(catalog: Catalog, seen: Catalog, model: Model, principal: Principal) -> dict[str, Any]:
    """All verdicts on a model, as data."""
    access = catalog.access(model.name, principal)
    policy = catalog.policies.get(model.name)
    attributes = {name: principal.attribute(name) for row in access.rows or () for name in bind_user(row)[1]}
    metrics = [m for m in catalog.metrics.values() if m.model == model.name or any(owner == model.name for owner, _ in catalog.touches(m))]
    return {
        "model": model.name, "endorsed": bool(model.endorsed), "access": asdict(verdicts.of_model(catalog, model, principal)),
        "rows": asdict(verdicts.of_rows(catalog, model, principal)) if access.open else None,
        "attributes": attributes, "missing": list(access.missing), "at_least": access.at_least,
        "existence": policy.existence if policy else "known", "owner": model.owner,
        "dimensions": [_said(verdicts.of_dimension(catalog, model, n, principal, seen), d.label) for n, d in model.dimensions.items()],
        "metrics": [_said(verdicts.of_metric(catalog, metric, principal, seen), metric.label) for metric in metrics],
    }  # fmt: skip


def _said(verdict: Verdict, label: str | None) -> dict[str, Any]:
    return {**asdict(verdict), "label": label}


def _groups(principal: Principal) -> str:
    groups = sorted(principal.all_groups)
    return f"group{'s' if len(groups) > 1 else ''} {', '.join(groups)}"


def _line(found: dict[str, Any]) -> None:
    if found["access"]["kind"] == "closed":
        state = f"closed   {found['access']['says']}"
    else:
        counts = [
            (kind, [v["name"] for key in ("dimensions", "metrics") for v in found[key] if v["kind"] == kind])
            for kind in ("masked", "denied")
        ]
        parts = ["all rows" if found["rows"]["says"] == "all rows" else f"rows where {found['rows']['says']}"]
        parts += [f"{kind}: {', '.join(names)}" for kind, names in counts if names]
        state = f"open     {'; '.join(parts)}"
    say(f"{found['model']:<20} {state}{'' if found['endorsed'] else '  (not endorsed, so it never answers)'}")


def _whole(found: dict[str, Any]) -> None:
    say(f"\n{found['model']}{'' if found['endorsed'] else '  (not endorsed, so it never answers)'}")
    _verdict("access", f"{found['access']['kind']}: {found['access']['says']}", found["access"]["lines"])
    if found["rows"]:
        bound = "".join(f", with {name} = {value}" for name, value in found["attributes"].items())
        _verdict("rows", found["rows"]["says"] + bound, found["rows"]["lines"])
    if found["at_least"] > 1:
        _verdict("at least", f"plans only, and no cell of fewer than {found['at_least']} rows", [])
    _verdict("existence", _existence(found), [])
    for key in ("dimensions", "metrics"):
        say(f"\n  {key}")
        for verdict in found[key]:
            said = verdict["says"] if verdict["kind"] == "shown" else f"{verdict['kind']}: {verdict['says']}"
            _verdict(f"  {verdict['name']}", said, verdict["lines"])


def _existence(found: dict[str, Any]) -> str:
    if found["existence"] == "secret":
        return "secret: what is hidden is told in the words of what is not there"
    return f"known: what is hidden is denied, and {found['owner'] or 'nobody'} is named to ask"


def _verdict(name: str, says: str, lines: list[str]) -> None:
    say(f"  {name:<24} {says}" + (f"  [{', '.join(lines)}]" if lines else ""))
