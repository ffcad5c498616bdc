"""`import` on the command line: other people's semantic layers become project folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from answerable.context.errors import UsageError
from answerable.context.importers import dbt
from answerable.context.importers.project import ImportedProject, ImportProblem, write_project
from answerable.integrations.app import seen_from
from answerable.integrations.printing import say

IMPORTERS: dict[str, Callable[[Path, str], ImportedProject]] = {"dbt": dbt.read_manifest}


def run(format: str, path: Path, out: Path, warehouse: str, name: str, schema: str) -> None:
    """Read, write, and list what could not be carried over."""
    try:
        project = IMPORTERS[format](path, schema)
        written = write_project(project, out, name, seen_from(out, warehouse))
    except ImportProblem as problem:
        raise UsageError(str(problem)) from None
    for note in project.notes:
        say(f"! {note}")
    say(
        f"{len(written)} files written to {out}; what the source publishes is endorsed. "
        f"{len(project.notes)} things are carried over otherwise or left out."
    )
