"""Settings become a project that can be asked: the only place that builds things."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit
from zoneinfo import ZoneInfo

from answerable.agent.ask import Project
from answerable.agent.journal import Journal
from answerable.context import cache
from answerable.context.catalog import Catalog
from answerable.context.engines.base import Engine
from answerable.context.errors import EngineError, UsageError
from answerable.context.loader import SETTINGS, load, settings_of
from answerable.context.settings import LanguageModel, Limits
from answerable.integrations.settings import fill, language_model

if TYPE_CHECKING:  # loaded where a project has a language model or an index
    from answerable.agent.model.exchange import Send
    from answerable.agent.model.planner import Connect, Planner
    from answerable.context.vectors import Reader, Store

STATE = ".answerable"


Planned = Literal["auto", "embedded", "model"]


@dataclass(frozen=True)
class Modelled:
    """How a run uses a language model: `planner` goes before answerable.yml's; exchanges are kept in `record`, or played from `replay`."""

    planner: Planned | None = None
    record: Path | None = None
    replay: Path | None = None


def open_project(
    path: Path, state: Path | None = None, clock: Callable[[], dt.datetime] | None = None, surface: str = "python", run: str | None = None,
    modelled: Modelled = Modelled(),
) -> Project:  # fmt: skip
    """Open the project folder at `path`. `state` is where journal and caches live (default PROJECT/.answerable)."""
    folder = state or path / STATE
    catalog = definitions(path, folder)
    if modelled.planner:
        catalog = replace(catalog, settings=catalog.settings.model_copy(update={"planner": modelled.planner}))
    zone = ZoneInfo(catalog.settings.timezone)
    engine = connect(catalog.settings.warehouse.url, path, catalog.settings.limits, catalog.settings.timezone)
    now = clock or (lambda: dt.datetime.now(zone))
    journal = Journal(catalog.settings.journal or folder / "journal.db")
    return Project(
        catalog,
        engine,
        journal,
        folder,
        now,
        surface,
        run,
        _planner(catalog, journal, now, modelled, lambda: open_index(catalog, path, folder)),
    )


def _planner(
    catalog: Catalog, journal: Journal, clock: Callable[[], dt.datetime], modelled: Modelled, index: Callable[[], Reader | None]
) -> Planner | None:
    """The model planner, where the project has one. Raises UsageError where this run wants one and none may be asked."""
    settings = catalog.settings
    if settings.planner == "embedded":
        return None
    model = language_model(settings)
    if model is None and modelled.replay:
        model = LanguageModel(name="replayed")
    if modelled.planner == "model" and (model is None or settings.privacy == "none"):
        lacks = "its privacy is none, so nothing may leave" if model else "it names no model: add model:, or set ANSWERABLE_MODEL"
        raise UsageError(f"No language model can be asked: {lacks} ({SETTINGS}).")
    if model is None or settings.privacy == "none":
        return None
    from answerable.agent.model.planner import Planner
    from answerable.agent.model.spending import Spending

    return Planner(model, settings.privacy == "results", _connect(model, modelled), Spending(model, journal, clock), functools.cache(index))


def _connect(model: LanguageModel, modelled: Modelled) -> Connect:
    """What sends the requests of a question; the client is imported when there is something to send."""
    from answerable.agent.model.exchange import Unavailable, file_of, recorded, replayed

    @functools.cache
    def endpoint() -> Send:
        try:
            from answerable.agent.llm import Endpoint
        except ImportError:
            raise Unavailable("its client is not installed: pip install 'answerable[model]'") from None
        return Endpoint(model)

    def connect(question: str) -> Send:
        if modelled.replay:
            return replayed(file_of(modelled.replay, question))
        return recorded(endpoint(), file_of(modelled.record, question)) if modelled.record else endpoint()

    return connect


@contextlib.contextmanager
def open_journal(path: Path, state: Path | None = None) -> Iterator[Journal]:
    """The journal of a project, without its warehouse. Raises UsageError where the folder is no project."""
    if not (path / SETTINGS).is_file():
        raise UsageError(f"{path} is not a project: it holds no {SETTINGS}.")
    settings, _ = settings_of(path, fill)
    journal = Journal((settings and settings.journal) or (state or path / STATE) / "journal.db")
    try:
        yield journal
    finally:
        journal.close()


def definitions(path: Path, state: Path) -> Catalog:
    """The project's catalogue: as it was checked last, or read and checked anew where a file has changed. Raises as `load` does."""
    settings, text = settings_of(path, fill)
    kept, key = state / "catalogue.pickle", cache.key(path, text)
    if settings and (catalog := cache.read(kept, key, settings)):
        return catalog
    catalog = load(path, fill)
    cache.write(kept, key, catalog)
    return catalog


def index_store(catalog: Catalog, path: Path, state: Path) -> Store:
    """Where the vectors of a project are built and read. Raises UsageError where its embedder, or what that needs, is not there."""
    try:
        from answerable.context.embedders import embedder_of
        from answerable.context.vectors import Store
    except ImportError:
        raise UsageError("The index needs the packages chromadb and numpy: pip install 'answerable[index]'.") from None
    said = catalog.settings.index
    return Store(state / "index", embedder_of(said, path), said, catalog.settings.name)


def open_index(catalog: Catalog, path: Path, state: Path) -> Reader | None:
    """The vectors that a project's questions are searched by beside their words; None where `answerable index` has built none."""
    if not (state / "index").is_dir():
        return None  # numpy is not imported for that
    return index_store(catalog, path, state).open(catalog.version)


def _duckdb(rest: str, folder: Path, limits: Limits, timezone: str) -> Engine:
    from answerable.context.engines.duckdb import DuckDBEngine

    return DuckDBEngine(folder / rest, limits, timezone)


def _postgres(rest: str, folder: Path, limits: Limits, timezone: str) -> Engine:
    try:
        from answerable.context.engines.postgres import PostgresEngine
    except ImportError:
        raise EngineError(
            "A warehouse on PostgreSQL needs the package psycopg: pip install 'answerable[postgres]', then ask again.", "missing"
        ) from None

    return PostgresEngine(f"postgresql:{rest}", limits, timezone)


ENGINES: dict[str, Callable[[str, Path, Limits, str], Engine]] = {"duckdb": _duckdb, "postgresql": _postgres, "postgres": _postgres}
"""By the scheme of a warehouse's URL."""


def seen_from(out: Path, url: str) -> str:
    """A warehouse URL as a project in `out` writes it: a file is named from there, so that both can move together; no password."""
    scheme, _, rest = url.partition(":")
    if rest.startswith("//"):
        return without_password(url)
    return f"{scheme}:{os.path.relpath(rest, out)}" if not (out / rest).is_file() and Path(rest).is_file() else url


def without_password(url: str) -> str:
    """The URL of a server as it may be kept in a file. The password then comes from the environment, or from the role's own file of it."""
    parts = urlsplit(url)
    who, at, host = parts.netloc.rpartition("@")
    query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if "password" not in name.lower()], safe="/")
    return f"{parts.scheme}://{who.partition(':')[0]}{at}{host}{parts.path}" + (f"?{query}" if query else "")


def connect(url: str, folder: Path, limits: Limits, timezone: str) -> Engine:
    """The engine for a warehouse URL; paths are relative to the project. Raises EngineError."""
    scheme, _, rest = url.partition(":")
    if scheme not in ENGINES:
        raise EngineError(
            f"A warehouse of the kind {scheme} is not supported yet; supported: duckdb:FILE and postgresql://role@host:5432/database.",
            "unreachable",
        )
    return ENGINES[scheme](rest, folder, limits, timezone)
