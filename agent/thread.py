"""A follow-up becomes a whole question: it inherits everything but what it replaces."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from answerable.agent.draft import Draft, Filter, Unread
from answerable.agent.grammar import FILLER
from answerable.agent.ground import Segment
from answerable.agent.time_words import as_date, year_before
from answerable.agent.windows import When, Windows
from answerable.agent.words import ORDINALS, tokens
from answerable.context.compiler.time import Span, shift
from answerable.context.words import key


@dataclass(frozen=True)
class Turn:
    """One earlier question of a thread, with the plan that it came to, if it was answered."""

    question: str
    plan: Mapping[str, Any] | None = None
    status: str = "answered"
    catalogue: str = ""
    offered: tuple[Mapping[str, Any], ...] = ()
    """The readings that were offered, each with its words (`reading`) and its `plan`."""


def settled(draft: Draft, plan: Mapping[str, Any] | None) -> Draft:
    """A draft whose open words mean what the answered plan took them for."""
    if plan is None:
        return draft
    named = {*plan.get("metrics", ()), *(ref.rpartition(":")[0] or ref for ref in plan.get("by", ()))}
    named |= {ref for text in plan.get("where", ()) for ref in re.findall(r"[a-z_][\w.]*", text)}
    last = {name.rpartition(".")[2] for name in named}

    def meant(segment: Segment) -> Segment:
        kept = tuple(s for s in segment.senses if (s.name in named if s.kind == "metric" else s.name in last))
        return replace(segment, senses=kept) if kept else segment

    filters = [replace(f, values=tuple(map(meant, f.values))) for f in draft.filters]
    splits = [replace(split, segment=meant(split.segment)) for split in draft.splits]
    return replace(draft, metrics=[meant(segment) for segment in draft.metrics], filters=filters, splits=splits)


def picked_by_words(reply: str, readings: Sequence[str]) -> int | None:
    """The number of the one reading that has all the words of a reply: `net revenue`, `i mean the region of the clinic`."""
    said = {t.base for t in tokens(reply) if t.kind != "sign" and t.word not in FILLER and t.word not in _MEANING}
    fits = [n for n, words in enumerate(readings, 1) if said and said <= {*key(words)}]
    return fits[0] if len(fits) == 1 else None


_MEANING = frozenset("mean meant average one ones reading option that's by only just rather instead yes no".split())


def whole(draft: Draft) -> bool:
    """Whether a draft stands by itself in a thread: it says what is measured, and when or how it's split."""
    listed = draft.subject is not None and not draft.metrics and bool({"list", "count"} & draft.asks.keys())
    return "again" not in draft.asks and (listed or bool(draft.metrics and (draft.whens or draft.splits or draft.subject)))


def picked(reply: str, offered: int = 2) -> int | None:
    """The number of the reading that a reply names by its place and nothing else: `2`, `the second one`; `yes`, where one was offered."""
    words = [t for t in tokens(reply) if t.word not in ("the", "one", "reading", "option", "number") and t.kind != "sign"]
    if [t.word for t in words] in (["yes"], ["yep"], ["yeah"], ["sure"], ["ok"], ["okay"], ["right"]):
        return 1 if offered == 1 else None
    if len(words) != 1:
        return None
    number = ORDINALS.get(words[0].word, words[0].value)
    return int(number) if number is not None and 1 <= number <= 9 and number == int(number) else None


def says_something(draft: Draft) -> bool:
    """Whether a follow-up replaces anything: words of politeness alone ask nothing."""
    return bool(
        draft.metrics
        or draft.splits
        or draft.subject
        or draft.filters
        or draft.whens
        or draft.thresholds
        or draft.bounds
        or draft.rank
        or draft.top
        or draft.measure
        or draft.order
        or draft.drops
        or draft.absent
        or {"share", "in percent", "trend", "grow", "compare", "total", "cumulative", "rate"} & draft.asks.keys()
    )


def merged(before: Draft, after: Draft, calendar: Windows) -> Draft:
    """The draft before with what the later one says in place of its own. Raises Unread where that would leave a word of it unused."""
    before = _dropped(before, after)
    after = replace(after, filters=[_of_the_same(new, before.filters) for new in after.filters])
    shared = [f for f in before.filters if not any(_same_dimension(f, new) for new in after.filters)]
    anew = "ranked anew" in after.asks
    if anew and (not before.rank or before.thresholds):
        raise Unread(after.metrics[0])
    before = replace(before, measure=None) if anew else before
    if after.metrics and (before.rank or before.thresholds) and not (after.rank or after.thresholds or anew):
        raise Unread(after.metrics[0])  # "their revenue" is not the ranking by revenue
    if "also" in after.asks:
        after = _added(before, after)
    if after.top and not (after.rank or before.rank):
        raise Unread(after.asks.get("again"))
    splits = after.splits or before.splits
    subject = after.subject or (None if after.splits else before.subject)
    if not (after.rank or before.rank or after.thresholds or before.thresholds or not (after.metrics or before.metrics)):
        if after.subject is not None:
            raise Unread(after.subject.segment)
        subject = None
    counted = after.asks.get("count")
    if "count" in after.asks and not (after.metrics or after.subject):
        after = replace(after, asks=after.asks | {"of them": counted})
    dropped = {"list", "count", "much", "which", "asker", "superlative"} if after.metrics or after.splits else set()
    asks = {role: at for role, at in before.asks.items() if role not in dropped}
    return replace(
        before,
        metrics=after.metrics or before.metrics,
        splits=splits,
        subject=subject,
        also=after.also or before.also,
        filters=[*shared, *after.filters],
        whens=_whens(before, after, calendar),
        joints=after.joints if after.whens else before.joints,
        thresholds=after.thresholds or before.thresholds,
        bounds=after.bounds or before.bounds,
        absent=after.absent or before.absent,
        drops=[],
        measure=after.measure or before.measure,
        date=after.date or before.date,
        rank=after.rank or before.rank,
        top=after.top if after.rank or after.top else before.top,
        order=after.order or before.order,
        asks=asks | {role: at for role, at in after.asks.items() if role not in ("again", "which", "asker", "ranked anew")},
    )


def _added(before: Draft, after: Draft) -> Draft:
    """ "By payer as well", "add the orders": beside what was there. What else is added would be no longer the same question."""
    if after.filters or after.whens or after.rank or after.thresholds or after.bounds or not (after.splits or after.metrics):
        raise Unread(after.asks["also"])
    metrics = [*before.metrics, *after.metrics] if after.metrics else []
    splits = [*before.splits, *after.splits] if after.splits else []
    return replace(after, metrics=metrics, splits=splits, asks={role: at for role, at in after.asks.items() if role != "also"})


def _of_the_same(new: Filter, before: list[Filter]) -> Filter:
    """A value that takes another's place is one of the same dimension."""
    for old in before:
        if shared := _dimensions(new) & _dimensions(old):
            values = tuple(replace(v, senses=tuple(s for s in v.senses if (s.model, s.name) in shared)) for v in new.values)
            return replace(new, values=values)
    return new


def _dropped(before: Draft, after: Draft) -> Draft:
    """The draft before without what the later one takes back: "drop the filter", "without the region", "in total"."""
    gone = after.drops
    if not gone and "total" in after.asks and not (after.splits or after.subject):
        return replace(before, splits=[], subject=None if before.rank or before.splits else before.subject, rank="", top=None)
    for drop in gone:
        there = {
            "filters": before.filters or before.bounds or before.absent or before.thresholds, "splits": before.splits,
            "limit": before.rank, "time": before.whens,
        }  # fmt: skip
        if drop.what and not there[drop.what]:
            raise Unread(None, f"The question before has no {drop.what.rstrip('s')} to drop.")
        if drop.what == "filters":
            before = replace(before, filters=[], bounds=[], absent=[], thresholds=[])
        elif drop.what == "splits":
            before = replace(before, splits=[], order="")
        elif drop.what == "limit":
            before = replace(
                before, rank="", top=None, subject=None, splits=[*before.splits, *([before.subject] if before.subject else [])]
            )
        elif drop.what == "time":
            before = replace(before, whens=[])
        elif drop.segment is not None:
            names = {(s.model, s.name) for s in drop.segment.senses}
            kept = [f for f in before.filters if not any((s.model, s.name) in names for v in f.values for s in v.senses)]
            splits = [sp for sp in before.splits if not any((s.model, s.name) in names for s in sp.segment.senses)]
            if len(kept) == len(before.filters) and len(splits) == len(before.splits):
                raise Unread(drop.segment)
            before = replace(before, filters=kept, splits=splits)
    return before


def kept_words(before: Draft, after: Draft) -> str:
    """What a follow-up keeps of the question before, in the words that said it."""
    before = _dropped(before, after)
    said = [] if after.metrics else [segment.text for segment in before.metrics]
    said += [] if after.splits else [f"by {split.segment.text}" for split in before.splits]
    kept = [f for f in before.filters if not any(_same_dimension(f, new) for new in after.filters)]
    said += [f"{'not ' if f.negated else ''}{' and '.join(v.text for v in f.values)}" for f in kept]
    said += [] if after.whens else [segment.text for segment, _ in before.whens]
    return ", ".join(dict.fromkeys(said))


def _same_dimension(one: Filter, other: Filter) -> bool:
    return bool(_dimensions(one) & _dimensions(other))


def _dimensions(said: Filter) -> set[tuple[str, str]]:
    return {(s.model, s.name) for segment in said.values for s in segment.senses}


def _whens(before: Draft, after: Draft, calendar: Windows) -> list[tuple[Segment, When]]:
    if {"versus", "compare", "than"} & after.asks.keys() and len(before.whens) == len(after.whens) == 1:
        return [*before.whens, *after.whens]
    if len(after.whens) == 1 and after.whens[0][1].before_it and len(before.whens) == 1:
        segment, when = before.whens[0]
        return [(segment, _before(when, after.whens[0][1].unit))]
    if len(before.whens) == len(after.whens) == 1 and (moved := _seen_from(before.whens[0][1], after.whens[0], calendar)):
        return [moved]
    after_whens = _in_the_year(before.whens, after.whens)
    after = replace(after, whens=after_whens)
    days = [said for said in after.whens if said[1].weekdays] or [said for said in before.whens if said[1].weekdays]
    windows = [said for said in after.whens if not said[1].weekdays] or [said for said in before.whens if not said[1].weekdays]
    return [*windows, *days]


_PREVIOUS = re.compile(r"\b(?:previous|prior|preceding) (?:day|week|month|quarter|year)$")


def _seen_from(when: When, said: tuple[Segment, When], calendar: Windows) -> tuple[Segment, When] | None:
    """ "The whole week" of a day, "the same period last year" of any window; None for a time that stands by itself."""
    segment, new = said
    if when.start is None or when.end is None:
        return None
    if new.unit == when.unit and _PREVIOUS.search(segment.text.lower()):
        return segment, _before(when, new.unit)
    if new.start is None and new.end is not None and not new.as_of and when.start < new.end:
        return segment, replace(new, start=when.start)  # "until June" of a year
    if not (new.holds or (new.again and new.unit == "period")):
        return None
    if new.again:
        start, end = (year_before(day, when.unit) for day in (when.start, when.end))
        return segment, replace(when, start=start, end=end, whole=None, to_date=False)
    held = calendar.holding(when.start, new.unit)
    if held.full_end is None or when.end > held.full_end:
        raise Unread(segment)
    return segment, held


def _in_the_year(before: list[tuple[Segment, When]], after: list[tuple[Segment, When]]) -> list[tuple[Segment, When]]:
    """A month or a quarter without a year takes the thread's year."""
    if len(before) != 1 or len(after) != 1 or not before[0][1].year_named or before[0][1].start is None:
        return after
    segment, when = after[0]
    year = before[0][1].start.year
    spans = before[0][1].end is not None and (before[0][1].end - before[0][1].start).days > 366
    if when.year_named or when.start is None or when.end is None or when.unit not in ("month", "quarter", "half") or spans:
        return after
    if not re.search(r"\d{4}|'\d\d|year|fy", before[0][0].text.lower()) or when.start.year == year:
        return after
    months = 12 * (year - when.start.year)
    start, end = (shift(day, months=months) for day in (when.start, when.whole or when.end))
    return [(segment, replace(when, start=as_date(start), end=as_date(end), whole=None, to_date=False, year_named=True))]


def _before(when: When, unit: str) -> When:
    """The window moved back by one unit ("the day before", "the year before")."""
    if when.start is None or when.end is None:
        return when
    span = Span.grain(unit)
    return replace(when, start=span.before(when.start), end=span.before(when.end), whole=None, to_date=False)
