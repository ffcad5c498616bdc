"""What a language model may say: one step out of a closed set, and a plan in names that were shown to it. Forms and readers of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

from answerable.agent.model.contract import as_sketch
from answerable.agent.model.exchange import Reply
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

METHODS = ("json_schema", "tools", "json_mode")
"""Ways to keep a reply to its form, the firmest first."""
MOST_NAMES = {"metric": 40, "field": 200}
"""Names that a form lists; OpenAI refuses forms of more than 1,000, and takes plain text where there are too many."""


class Closed(BaseModel):
    """An object that has these keys and no others."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _named(kind: str) -> Any:
    return Field(json_schema_extra={"names": kind})


MetricName = Annotated[str, _named("metric")]
FieldName = Annotated[str, _named("field")]


class Split(Closed):
    """A field to group by; a time with its grain, or a part of it."""

    field: FieldName
    grain: str | None = None


class Condition(Closed):
    """A condition on a field. `values` are texts, numbers or days as they are stored; none for the two about null."""

    field: FieldName
    operator: Literal["=", "<>", ">", ">=", "<", "<=", "in", "not in", "is null", "is not null", "starts with", "contains"]
    values: tuple[str | float | bool, ...] = ()


class Threshold(Closed):
    """A condition on a metric of each group."""

    metric: MetricName
    operator: Literal["=", "<>", ">", ">=", "<", "<="]
    value: float


class Days(Closed):
    """Days, half-open: the first, and the one after the last; ISO 8601. A missing side is open."""

    start: str | None = None
    end: str | None = None


class Sketch(Closed):
    """A plan as a model writes it. Ranks are in `order`: a metric or field, with a minus for the largest first."""

    metrics: tuple[MetricName, ...] = ()
    by: tuple[Split, ...] = ()
    where: tuple[Condition, ...] = ()
    having: tuple[Threshold, ...] = ()
    window: Days | None = None
    compare: Literal["previous", "last_year"] | None = None
    order: tuple[str, ...] = ()
    limit: int | None = Field(default=None, ge=1)
    limit_per: tuple[FieldName, ...] = ()
    share: Literal["total"] | None = None


class Word(Closed):
    """Words of the question that no definition has, and what the model takes them for: an item of the plan, or `aside`."""

    words: str
    item: str


class Search(Closed):
    """Search the definitions that this asker may use."""

    do: Literal["search"]
    text: str


class Values(Closed):
    """Look up the values of a field that are written in its definition."""

    do: Literal["values"]
    field: FieldName
    like: str = ""


class Propose(Closed):
    """Answer with a plan. `words` accounts for the words of the question that no definition has."""

    do: Literal["plan"]
    plan: Sketch
    words: tuple[Word, ...] = ()


class Ask(Closed):
    """Ask the person which of two or more plans is meant, where words may mean several."""

    do: Literal["ask"]
    words: str
    plans: tuple[Sketch, ...] = Field(min_length=2, max_length=4)


class Missing(Closed):
    """Say which words of the question have no definition, or what about it can not be answered."""

    do: Literal["gap"]
    words: str
    type: Literal["unknown term", "unknown value", "not joinable", "no time dimension", "contradiction", "not supported"]
    nearest: tuple[str, ...] = ()


class Sql(Closed):
    """The last resort: SQL over the models, where no plan can say what is asked. `assumes` says in words what it takes for granted."""

    do: Literal["sql"]
    sql: str
    assumes: tuple[str, ...] = ()
    words: tuple[Word, ...] = ()


Step = Search | Values | Propose | Ask | Missing | Sql
STEPS: tuple[type[Closed], ...] = (Search, Values, Propose, Ask, Missing, Sql)
_STEP: TypeAdapter[Step] = TypeAdapter(Annotated[Step, Field(discriminator="do")])


class Malformed(Exception):
    """A reply that is no step: `says` where and what, in words for the model that repeat nothing of it."""

    def __init__(self, says: str) -> None:
        self.says = says
        super().__init__(says)


# -- forms ------------------------------------------------------------------------------------------------------------------------------


def form(method: str, steps: Sequence[type[Closed]], names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What a request says to keep the reply to one of the steps, whose names are limited to `names` (`metric`, `field`)."""
    if method == "json_mode":
        return {"response_format": {"type": "json_object"}}
    if method == "tools":
        return {"tools": [_tool(step, names) for step in steps], "tool_choice": "required"}
    schema = {"name": "step", "schema": whole_schema(steps, names), "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def whole_schema(steps: Sequence[type[Closed]], names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The JSON schema of one object `{"step": …}`."""
    return _object({"step": {"anyOf": [_schema(step, names) for step in steps]}})


def _tool(step: type[Closed], names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    schema = _schema(step, names)
    kept = {name: part for name, part in schema["properties"].items() if name != "do"}
    return {
        "type": "function",
        "function": {
            "name": _name(step), "description": schema.get("description", ""), "parameters": _object(kept), "strict": True,
        },
    }  # fmt: skip


def _name(step: type[Closed]) -> str:
    return str(get_args(step.model_fields["do"].annotation)[0])


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def _schema(step: type[Closed], names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """A model's schema in the part of JSON schema that strict endpoints take: every key required, no defaults, no references."""
    whole = step.model_json_schema()
    definitions = whole.get("$defs", {})

    def strict(part: Any) -> Any:
        if isinstance(part, list):
            return [strict(inner) for inner in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return strict(definitions[part["$ref"].rpartition("/")[2]])
        if "properties" in part:
            said = {"description": part["description"]} if "description" in part else {}
            return {**_object({name: strict(inner) for name, inner in part["properties"].items()}), **said}
        kind = str(part.get("names", ""))
        kept = {key: strict(value) for key, value in part.items() if key in _KEPT}
        known = [*names.get(kind, ())]
        return {**kept, "enum": known} if kind and 0 < len(known) <= MOST_NAMES[kind] else kept

    found: dict[str, Any] = strict(whole)
    return found


_KEPT = frozenset(("type", "items", "anyOf", "enum", "const", "description"))


# -- reading ----------------------------------------------------------------------------------------------------------------------------


def read(reply: Reply) -> Step:
    """The step that a reply is, however it's wrapped. Raises Malformed."""
    if reply.calls:
        call = reply.calls[0]
        data = _json(call.arguments)
        return _step({**data, "do": call.name})
    if reply.finish == "length":
        raise Malformed("The reply was cut off. Give a shorter one: a single step.")
    data = _json(reply.text)
    inner = data.get("step", data)
    return _step(inner if isinstance(inner, dict) else data)


def _as_plan(data: dict[str, Any]) -> dict[str, Any]:
    """A bare plan is the step that proposes it; one in the contract's form is read too."""
    if "do" not in data and ("plan" in data or "metrics" in data):
        data = {"do": "plan", "plan": data} if "metrics" in data else {**data, "do": "plan"}
    if isinstance(plan := data.get("plan"), dict):
        data = {**data, "plan": as_sketch(plan)}
    if isinstance(plans := data.get("plans"), list):
        data = {**data, "plans": [as_sketch(plan) if isinstance(plan, dict) else plan for plan in plans]}
    return data


def _json(text: str) -> dict[str, Any]:
    """The one JSON object of a text, without what thinks aloud before it and without a fence."""
    said = re.sub(r"<think>.*?(</think>|\Z)", "", text, flags=re.DOTALL)
    start = said.find("{")
    if start < 0:
        raise Malformed("The reply is no JSON object. Give one step as JSON, and nothing else.")
    try:
        found, _ = json.JSONDecoder().raw_decode(said[start:])
    except (ValueError, RecursionError):
        raise Malformed("The reply is no JSON object that can be read. Give one step as JSON, and nothing else.") from None
    return found if isinstance(found, dict) else {}


def _step(data: dict[str, Any]) -> Step:
    try:
        return _STEP.validate_python(_as_plan(_without_nulls(data)))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        if first["type"].startswith("union_tag"):
            raise Malformed(f"There is no such step. The steps are: {', '.join(map(_name, STEPS))}.") from None
        known = {*(f for step in STEPS for f in step.model_fields), *Sketch.model_fields, *Condition.model_fields, *Days.model_fields}
        path = ".".join(str(part) for part in first["loc"][1:] if isinstance(part, int) or part in known)
        raise Malformed(f"The step is not of its form at {path or 'its top'} ({first['type'].replace('_', ' ')}).") from None


def _without_nulls(data: Any) -> Any:
    """What is null is not said: strict forms make a model write every key."""
    if isinstance(data, dict):
        return {key: _without_nulls(value) for key, value in data.items() if value is not None}
    return [_without_nulls(value) for value in data] if isinstance(data, list) else data
