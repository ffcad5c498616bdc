"""`check` and `init` on the command line: definitions beside the warehouse that they name."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from answerable.context.errors import Complaint, DefinitionError, EngineError, UsageError, Where
from answerable.context.importers.project import ImportedProject, ImportProblem, write_project
from answerable.context.loader import load
from answerable.context.rights import check_rights
from answerable.context.settings import Limits
from answerable.context.tried import check_runs
from answerable.context.warehouse import check_columns, draft_models
from answerable.integrations.app import connect, seen_from
from answerable.integrations.settings import fill


def check(folder: Path, as_json: bool, show: Callable[[tuple[Any, ...]], None]) -> int:
    """Print what is wrong with a project; gives the exit code."""
    started = time.perf_counter()
    try:
        catalog = load(folder, fill)
        found, size = (
            list(catalog.warnings),
            len(catalog.models) + len(catalog.metrics) + sum(len(m.dimensions) for m in catalog.models.values()),
        )
        try:
            engine = connect(catalog.settings.warehouse.url, folder, catalog.settings.limits, catalog.settings.timezone)
            gone = check_columns(catalog, engine)
            found += [*gone, *check_rights(catalog, engine), *(check_runs(catalog, engine) if not gone else ())]
            engine.close()
        except EngineError as error:
            found.append(
                Complaint(
                    "warehouse", Where("answerable.yml"), str(error), "then run check again, which also looks for columns that are gone"
                )
            )
    except DefinitionError as error:
        found, size = list(error.complaints), 0
    errors = sum(not c.warning for c in found)
    if as_json:
        for c in found:
            level = "warning" if c.warning else "error"
            click.echo(
                json.dumps({"level": level, "kind": c.kind, "file": c.where.file, "line": c.where.line, "what": c.what, "mend": c.mend})
            )
    else:
        show(tuple(sorted(found, key=lambda c: (c.warning, c.where.file, c.where.line))))
    checked = f", {size} definitions checked in {time.perf_counter() - started:.1f} s" if size else ""
    click.echo(f"{errors} errors, {len(found) - errors} warnings{checked}", err=as_json)
    return 1 if errors else 0


def init(url: str, out: Path, name: str) -> list[Path]:
    """Write a first project over a warehouse's tables; a relative file of the warehouse is seen from the project's folder."""
    engine = connect(url, out if (out / url.partition(":")[2]).is_file() else Path.cwd(), Limits(), "UTC")
    models = draft_models(engine)
    engine.close()
    project = ImportedProject(files={f"models/{model}.yml": data for model, data in models.items()}, notes=())
    try:
        return write_project(project, out, name, seen_from(out, url))
    except ImportProblem as problem:
        raise UsageError(str(problem)) from None
