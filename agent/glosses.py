"""What stands in brackets: it may say once more what the question says, and then it's no part of it. Anything else has to be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from answerable.agent.choosing import unit_of
from answerable.agent.grammar import PERSONS
from answerable.agent.ground import Grounder, Segment, unknown
from answerable.agent.lexicon import Lexicon
from answerable.agent.plan import Plan, Reading, Span
from answerable.agent.when import Reader
from answerable.agent.wording import SIGNS
from answerable.agent.words import tokens
from answerable.context.words import key

LONGEST = 400
"""Characters of a question that is read once more without its brackets."""
_BRACKETS = re.compile(r"\(([^()]*)\)")
_SAYING = frozenset({"filler", "which", "list", "comma", "and"})
"""Roles that a gloss may have beside the names that it repeats."""


def without_glosses(text: str, read: Callable[[str], Plan], lexicon: Lexicon, reader: Reader) -> Plan | None:
    """The plan of a question without its brackets, where each of them only repeats what that plan says; else None."""
    glosses = list(_BRACKETS.finditer(text))
    if not glosses or len(text) > LONGEST or not (rest := _BRACKETS.sub(lambda match: " " * len(match[0]), text)).strip():
        return None
    plan = read(rest)
    if plan.kind != "data" or not plan.readings:
        return None
    kept = [reading for reading in plan.readings if all(_repeats(match[1], reading, lexicon, reader) for match in glosses)]
    spans = tuple(Span(match[0], match.start(), match.end(), "frame", "gloss") for match in glosses)
    placed = tuple(replace(reading, spans=_placed(reading.spans, spans)) for reading in kept)
    return replace(plan, readings=placed, spans=_placed(plan.spans, spans)) if placed else None


def _placed(spans: Iterable[Span], more: Iterable[Span]) -> tuple[Span, ...]:
    return tuple(sorted([*spans, *more], key=lambda span: span.start))


def _repeats(gloss: str, reading: Reading, lexicon: Lexicon, reader: Reader) -> bool:
    """Whether every word of a gloss names something that a reading has, in any of its names."""
    said = tokens(gloss)
    cover = next(Grounder(gloss, said, lexicon, reader, lenient=True).covers(), ()) if said else ()
    return bool(cover) and not unknown(cover) and all(_is_said(segment, reading, lexicon) for segment in cover)


def _is_said(segment: Segment, reading: Reading, lexicon: Lexicon) -> bool:
    units = [unit_of(metric) for name in reading.query.metrics if (metric := lexicon.catalog.metric(name))]
    window = reading.query.window
    if segment.role in _SAYING:
        return True
    if segment.role in ("count", "counted", "size"):
        return bool(units) and not any(unit in SIGNS or unit == "%" for unit in units)
    if segment.role == "people":
        return bool(units) and all(key(unit)[:1] and key(unit)[0] in PERSONS for unit in units)
    if segment.role == "when" and segment.when is not None and window is not None:
        return (segment.when.start, segment.when.end) == (window.start, window.end)
    if segment.role != "word":
        return False
    taken = {target for span in reading.spans for target in span.target.split(" | ")}
    return any(sense.target in taken or (sense.kind == "metric" and sense.name in reading.query.metrics) for sense in segment.senses)
