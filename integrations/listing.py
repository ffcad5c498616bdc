"""Lists for the data team on the command line: the catalogue, and the gaps."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Any

from answerable.agent.ask import Project
from answerable.agent.describe import all_metrics, item
from answerable.agent.plan import MISSING
from answerable.context.catalog import Catalog
from answerable.context.errors import UsageError, nearest
from answerable.context.model import Model
from answerable.evals.gaps import report
from answerable.integrations.printing import cleaned, printable, say, say_json


def catalog(project: Project, user: str | None, name: str | None, as_json: bool) -> None:
    """What a user may ask about, or one thing of it."""
    seen = project.sights.of(project.principal(user)).catalog
    if name:
        found = _one(project, user, seen, name)
        if as_json:
            say_json(found)
        else:
            say("\n".join(f"{key:<12} {_said(value)}" for key, value in cleaned(found).items() if value))
        return
    if as_json:
        say_json({"metrics": all_metrics(seen), "models": [_model(m) for m in seen.models.values()]})
        return
    for model in seen.models.values():
        say()
        say(printable(f"{model.words}  {model.description or ''}"))
        for metric in seen.metrics.values():
            if metric.model == model.name and not metric.hidden:
                say(printable(f"  ━ {metric.name:<28} {metric.description or ''}"))
        for dimension in model.dimensions.values():
            if not dimension.hidden:
                say(printable(f"  ═ {dimension.name:<28} {dimension.description or dimension.words}"))
    across = [m for m in seen.metrics.values() if m.model is None and not m.hidden]
    if across:
        say("\nacross models")
        for metric in across:
            say(printable(f"  ━ {metric.name:<28} {metric.description or ''}"))


def _one(project: Project, user: str | None, seen: Catalog, name: str) -> dict[str, Any]:
    if metric := seen.metric(name):
        return item(metric, seen)
    if name in seen.models:
        return _model(seen.models[name])
    if denied := project.forbidden(name, user):
        raise denied
    near = nearest(name, [*seen.metrics, *seen.models])
    raise UsageError(f"There is nothing called {name} that you may ask about." + (f" Nearest: {', '.join(near)}." if near else ""))


def _model(model: Model) -> dict[str, Any]:
    return {
        "kind": "model", "name": model.name, "description": model.description, "owner": model.owner, "entity": model.entity,
        "dimensions": [n for n, d in model.dimensions.items() if not d.hidden], "joins": {n: j.model for n, j in model.joins.items()},
    }  # fmt: skip


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} → {v}" for k, v in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)


def gaps(project: Project, user: str | None, days: int, as_json: bool) -> None:
    """The missing words of the last days: everybody's, or one user's own."""
    records = project.journal.since(project.clock() - dt.timedelta(days=days))
    found = report([record for record in records if user is None or record["principal"] == user])
    if as_json:
        say_json(asdict(found))
        return
    if not found.groups:
        say(f"No gaps: all {found.asked} questions of the last {days} days were answered.")
        return
    say(f"{found.stopped} of {found.asked} different questions were stopped in {days} days.\n")
    wide = max(len(g.word) for g in found.groups) + 2
    say(f"    {'Gap':<{wide}}  {'Cause':<14} Questions  People   For example")
    say("─" * 88)
    for n, group in enumerate(found.groups, 1):
        word = f"[{group.word}]" if group.type in MISSING else group.word
        say(printable(f"{n:<3} {word:<{wide}}  {group.type:<14} {group.questions:>9}  {group.people:>6}   {group.examples[0]}"))
