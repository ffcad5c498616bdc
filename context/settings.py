"""A project's own settings, as `answerable.yml` writes them. Reads no environment: `${ENV}` is filled in above."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from answerable.context.model import GRAINS, PARTS, Frozen, Words
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
    key: str | None = Field(default=None, repr=False)
    seconds: float = Field(default=10, gt=0)
    """How long an embedder or a server may take."""
    server: str | None = Field(default=None, pattern=r"^https?://[^/]+/?$")
    """A Chroma server that holds the vectors."""
    exact_up_to: int = Field(default=20_000, ge=0)
    """So many documents are compared one by one; more are kept in Chroma."""


class Budget(Frozen):
    """The most that may be spent: on one question, by one user in a day, by everybody in a day. None: no limit."""

    question: float | None = Field(default=None, gt=0)
    user: float | None = Field(default=None, gt=0)
    day: float | None = Field(default=None, gt=0)


class Price(Frozen):
    """What a million tokens cost, in the money that the budget `cost` is written in."""

    input: float = Field(default=0, ge=0)
    output: float = Field(default=0, ge=0)


class LanguageModel(Frozen):
    """The model behind `planner: auto` and `planner: model`: any endpoint that speaks OpenAI's chat completions."""

    name: str
    base_url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    key: str | None = Field(default=None, repr=False)
    method: Literal["auto", "json_schema", "tools", "json_mode"] = "auto"
    """How a reply is kept to its form. `auto`: the first that the endpoint keeps to."""
    seconds: float = Field(default=20, gt=0)
    """The deadline of one question, whatever the endpoint does."""
    rounds: int = Field(default=6, ge=1, le=20)
    samples: int = Field(default=1, ge=1, le=5)
    """Plans that are asked for; where they differ in number, the asker picks."""
    tokens: Budget = Budget(question=60_000)
    cost: Budget = Budget()
    price: Price = Price()
    endorsed_sql: Words = ()
    """The groups for which it may write SQL over endorsed models, where no plan says what is asked."""
    prose: bool = False
    """Whether it may write the sentence, with `privacy: results`."""


class Proxy(Frozen):
    """A proxy that proves who asks, and says so in a header. Only requests from `trust` (addresses or networks) are believed."""

    header: str = "X-Forwarded-Email"
    trust: Words


class Identity(Frozen):
    """How the network doors learn who asks: by tokens of one issuer, and, where it's said, by a proxy. Keys need no setting."""

    issuer: str | None = None
    audience: str | None = None
    jwks: str | None = None
    """Where the issuer's keys are; else ISSUER/.well-known/jwks.json."""
    user: str = "email"
    """The claim that is the user id."""
    groups: str | None = None
    """The claim that holds groups, beside those of policies/users.yml."""
    attributes: dict[str, str] = {}
    """Attributes of the asker, each with its claim."""
    team: Words = ()
    """The groups of the data team, which see everybody's gaps."""
    proxy: Proxy | None = None

    @model_validator(mode="after")
    def _whole(self) -> Identity:
        if bool(self.issuer) != bool(self.audience):
            raise ValueError("tokens need both issuer and audience, so that one meant for others is refused")
        return self


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
    model: Annotated[LanguageModel | None, BeforeValidator(lambda v: {"name": v} if isinstance(v, str) else v)] = None
    privacy: Literal["none", "metadata", "results"] = "metadata"
    mask_key: str | None = None
    limits: Limits = Limits()
    retention: int | None = Field(default=None, ge=1)
    """Days for which records are kept; None: for good."""
    journal: Annotated[str | None, Field(pattern=r"^postgres(ql)?://")] = None
    identity: Identity = Identity()
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
