"""What the floors say to each other: a plan as data, and the SQL that the gate lets through."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from answerable.context.errors import PlanError, nearest
from answerable.context.model import Frozen, Words
from pydantic import BeforeValidator, Field, ValidationError


def _moment(value: Any) -> Any:
    """A date where the text has no time of day, else a datetime without zone (it is the project's)."""
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value) if len(value) > 10 else dt.date.fromisoformat(value)
    if isinstance(value, dt.datetime):
        return value.date() if value.time() == dt.time() and value.tzinfo is None else value
    return value


Moment = Annotated[dt.datetime | dt.date, BeforeValidator(_moment)]


class TimeWindow(Frozen):
    """Half-open, in the project's zone; a missing side is open."""

    start: Moment | None = None
    end: Moment | None = None


class Compare(Frozen):
    """The window to set beside the plan's own."""

    to: Literal["previous", "last_year"] | TimeWindow


class Top(Frozen):
    """The first `n` rows of each group of `per`."""

    n: int = Field(ge=1)
    per: Words = ()


def _share(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class SemanticQuery(Frozen):
    """A plan: what is asked, in names of the catalogue only. Canonical and hashable."""

    metrics: Words = ()
    by: Words = ()
    where: Words = ()
    having: Words = ()
    window: TimeWindow | None = None
    compare: Compare | None = None
    order: Words = ()
    limit: Annotated[int, Field(ge=1)] | Top | None = None
    share: Annotated[tuple[str, ...] | None, BeforeValidator(_share)] = None
    each: str | None = None
    rows: bool = False
    bounds: bool = False

    def as_data(self) -> dict[str, Any]:
        """The plan as JSON data, without what is not said."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @property
    def hash(self) -> str:
        """Sixteen hex digits that are equal for plans that ask the same; conditions in any order are the same."""
        data = self.as_data()
        for key in ("where", "having"):
            if key in data:
                data[key] = sorted(" ".join(text.split()) for text in data[key])
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


def as_query(plan: SemanticQuery | dict[str, Any]) -> SemanticQuery:
    """A plan from data. Raises PlanError that names the key and the mend, and repeats no value."""
    if isinstance(plan, SemanticQuery):
        return plan
    if not isinstance(plan, dict):
        raise PlanError("A plan is a mapping with keys such as metrics, by, where and window.")
    try:
        return SemanticQuery.model_validate(plan)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = str(first["loc"][0]) if first["loc"] else "plan"
        if first["type"] == "extra_forbidden":
            raise PlanError(f"A plan has no key {key!r}.", key, nearest(key, SemanticQuery.model_fields)) from None
        raise PlanError(f"The plan's {key} is not of the form that a plan has: {first['msg'].lower()}.", key) from None


@dataclass(frozen=True)
class Column:
    """A column of a result. `kind` is metric, dimension, change or row; `target` the definition behind it."""

    name: str
    kind: str
    target: str
    type: str = "number"
    unit: str | None = None
    format: str | None = None
    label: str = ""


@dataclass(frozen=True)
class GovernedSQL:
    """SQL text that passed the gate: the only thing that an engine runs. Values of the asker are in `params`, never in `text`."""

    text: str
    params: dict[str, Any] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
    filtered: bool = False
    """Whether a row filter or a mask stands in what the asker sees."""
    masked: tuple[str, ...] = ()
    """The dimensions whose masks stand in what was read."""
    sent: bool = False
    """Whether a person or a model wrote it, or a condition in it that may take long: an engine then runs it where it can be killed."""
    withheld: GovernedSQL | None = None
    """What counts the cells that are withheld because they stand on too few rows."""
