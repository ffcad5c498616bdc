"""A project's own settings, as `answerable.yml` writes them. Reads no environment: `${ENV}` is filled in above."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from answerable.context.model import GRAINS, PARTS, Frozen
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")


class Warehouse(Frozen):
    """Where the data is: a URL, and options for its engine."""

    url: str
    options: dict[str, Any] = {}


class Limits(Frozen):
    """What one question may cost: rows of a result, seconds in the warehouse, memory and threads of the engine (None: as many as cores)."""

    rows: int = Field(default=10_000, ge=1)
    seconds: float = Field(default=30, gt=0)
    memory: str = Field(default="2GB", pattern=r"^\d+(\.\d+)? ?[KMGT]i?B$")
    threads: int | None = Field(default=None, ge=1)


class FineCalendar(Frozen):
    """A table of moments finer than a day, for periods of that grain."""

    table: str
    column: str


class Calendar(Frozen):
    """A table of days with custom grains, such as the periods of a 4-4-5 year: each grain is a column that names a day's period."""

    table: str
    day: str
    grains: dict[str, str] = {}
    spine: bool = False
    """Whether moved, running and `spine` values are shown for every period of the table, also past the data's last one, as dbt does."""
    finer: dict[Literal["second", "minute", "hour"], FineCalendar] = {}

    @model_validator(mode="after")
    def _own_names(self) -> Calendar:
        for name in self.grains:
            if name in (*GRAINS, *PARTS) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise ValueError(f"{name} can't name a grain of its own: use small letters and _, and no grain that is known already")
        return self


class IndexSettings(Frozen):
    """What a catalogue is searched by, beside its words."""

    embedder: str = Field(default="lexical", pattern=r"^(lexical|(openai|local):.+)$")
    url: str | None = None
    """Where an `openai:` embedder is; None for OpenAI itself."""
    key: str | None = None
    seconds: float = Field(default=10, gt=0)
    """How long an embedder or a server may take."""
    server: str | None = Field(default=None, pattern=r"^https?://[^/]+/?$")
    """A Chroma server that holds the vectors."""
    exact_up_to: int = Field(default=20_000, ge=0)
    """So many documents are compared one by one; more are kept in Chroma."""


def _month(value: Any) -> Any:
    if isinstance(value, str) and value.lower() in MONTHS:
        return MONTHS.index(value.lower()) + 1
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"there is no time zone {value}; they are called like Europe/Berlin") from None
    return value


class ProjectSettings(Frozen):
    """`answerable.yml`. Paths in it are relative to the project."""

    name: str
    warehouse: Annotated[Warehouse, BeforeValidator(lambda v: {"url": v} if isinstance(v, str) else v)]
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    week_start: Literal["monday", "sunday", "saturday"] = "monday"
    fiscal_year_start: Annotated[int, BeforeValidator(_month), Field(ge=1, le=12)] = 1
    fiscal_year_named: Literal["end", "start"] = "end"
    date_order: Literal["dmy", "mdy"] | None = None
    today: dt.date | None = None
    open_to: Literal["known", "everyone"] = "known"
    planner: Literal["auto", "embedded", "model"] = "auto"
    privacy: Literal["none", "metadata", "results"] = "metadata"
    mask_key: str | None = None
    limits: Limits = Limits()
    calendar: Calendar | None = None
    index: IndexSettings = IndexSettings()

    @model_validator(mode="after")
    def _nothing_sent(self) -> ProjectSettings:
        if self.privacy == "none" and self.index.embedder.startswith("openai:"):
            raise ValueError("privacy: none sends nothing anywhere, and the index has an openai: embedder; use lexical or local:MODEL")
        return self

    @property
    def grains(self) -> tuple[str, ...]:
        """The custom grains."""
        return tuple(self.calendar.grains) if self.calendar else ()
