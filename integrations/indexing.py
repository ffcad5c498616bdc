"""`answerable index`: the vectors of the definitions, and the values of those who will ask, made before anybody asks."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from answerable.context.catalog import Catalog
from answerable.context.documents import documents_of
from answerable.context.errors import UsageError
from answerable.context.settings import IndexSettings
from answerable.integrations.app import STATE, definitions, index_store, open_project
from answerable.integrations.printing import say, say_json
from pydantic import ValidationError

if TYPE_CHECKING:
    from answerable.context.vectors import Progress, Reader


def run(folder: Path, state: Path | None, users: tuple[str, ...], as_json: bool) -> None:
    """Build what is not there yet, and say what was done."""
    started, place = time.perf_counter(), state or folder / STATE
    catalog = definitions(folder, place)
    store = index_store(catalog, folder, place)
    with _bar() as progress:
        made = store.build(documents_of(catalog), catalog.version, progress)
        values = _values(folder, state, users, progress) if users else 0
    seconds = time.perf_counter() - started
    if as_json:
        said = {"index": made.folder.name, "documents": made.documents, "embedded": made.embedded, "built": made.fresh}
        say_json({**said, "values": values, "seconds": round(seconds, 2)})
        return
    what = f"built, {made.embedded:,} of them new" if made.fresh else "unchanged"
    say(f"{made.folder.name}: {made.documents:,} documents, {what} ({seconds:.1f} s)")
    if users:
        say(f"{values:,} values read for {', '.join(users)}")


def _values(folder: Path, state: Path | None, users: tuple[str, ...], progress: Progress) -> int:
    """The values that these users may name, read from the warehouse and kept."""
    with open_project(folder, state, surface="cli", run="index") as project:
        found = 0
        for n, principal in enumerate([project.principal(user) for user in users]):
            values = project.sights.of(principal).lexicon.values
            found += len(values.declared) + sum(len(column.values) for column in values.columns)
            progress("values", n + 1, len(users))
    return found


@contextlib.contextmanager
def _bar() -> Iterator[Progress]:
    """A bar for each thing that is done, on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<8}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks = {}

        def tell(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=of)
            bar.update(tasks[what], completed=done)

        yield tell


def index_of(catalog: Catalog, folder: Path, embedder: str, url: str | None = None) -> Reader | None:
    """The vectors of a catalogue that is no project's. Raises UsageError, IndexFault."""
    try:
        said = IndexSettings(embedder=embedder, url=url)
    except ValidationError:
        raise UsageError(f"{embedder} is no embedder; write lexical, openai:MODEL or local:FOLDER_OR_PACKAGE.") from None
    settings = catalog.settings.model_copy(update={"index": said})
    store = index_store(Catalog(settings, catalog.models, catalog.metrics, version=catalog.version), Path(), folder)
    store.build(documents_of(catalog), catalog.version)
    return store.open(catalog.version)
