"""The time of a plan: which window, what it is compared with, which date; by the words of the question and what the metrics allow."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from answerable.agent.draft import Draft, Unread
from answerable.agent.grammar import STATES
from answerable.agent.ground import Segment
from answerable.agent.options import Options, join_gap
from answerable.agent.plan import NO_TIME, NOT_SUPPORTED, Gap, Lacking
from answerable.agent.time_words import as_date, year_before
from answerable.agent.when import Reader
from answerable.agent.windows import When
from answerable.agent.words import tokens
from answerable.context.catalog import Catalog
from answerable.context.compiler.time import Span, floor, shift
from answerable.context.model import GRAINS, CumulativeMetric, DerivedMetric, Metric, SimpleMetric
from answerable.context.query import Compare, TimeWindow
from answerable.context.words import key


@dataclass(frozen=True)
class Timing:
    """The time of a plan."""

    window: TimeWindow | None = None
    compare: Compare | None = None
    where: tuple[str, ...] = ()
    grains: tuple[str, ...] = ()


_LAST_YEAR = r"last year|a year (?:ago|before|earlier)|the year before|(?:previous|prior) year"
_BASES = frozenset({"over", "on", "from", "since", "to", "upon"})
"""Prepositions that make a period what another one is compared with."""
_COMPARING = {"grow", "rose", "fell"}
_YEAR = re.compile(r"\b(?:19|20)\d\d\b|['’]\d\d\b|\b(?:last|this|previous|prior) year\b|\bfy", re.IGNORECASE)


class Times:
    """Reads the time of one draft for one choice of metrics. Gathers what it takes for granted in `assumptions`."""

    def __init__(
        self, draft: Draft, catalog: Catalog, reader: Reader, metrics: list[Metric], leaves: list[SimpleMetric], assumptions: list[str]
    ) -> None:
        self.d, self.catalog, self.reader = draft, catalog, reader
        self.metrics, self.leaves, self.assumptions = metrics, leaves, assumptions

    def timing(self, grains: list[str]) -> Timing:
        """The window of a plan, what it's compared with, and conditions on its time."""
        whens = _narrowed([(segment, when) for segment, when in self.d.whens if not when.weekdays])
        days = [day for _, when in self.d.whens for day in when.weekdays]
        weekday = f"time:day_of_week in ({', '.join(map(str, days))})" if len(days) > 1 else f"time:day_of_week = {days[0]}" if days else ""
        timing = Timing(grains=tuple(grains), where=(weekday,) if weekday else ())
        for segment, when in whens:
            if not when.year_named and {"year", "fiscal_year"} & set(grains):
                raise Unread(segment)  # "in December by year" is each December
        over = next((role.removeprefix("over:") for role in self.d.asks if role.startswith("over:")), "")
        if over and len(whens) < 2:
            return replace(timing, **self._over(over, whens))
        if not whens:
            return replace(timing, window=self._default_window(grains))
        if len(whens) == 1:
            if whens[0][1].before_it or whens[0][1].unit == "period":
                raise Unread(whens[0][0])  # "the same period last year" of which one?
            if whens[0][1].parts and (_COMPARING & self.d.asks.keys() or self._sets_ends_apart(whens[0][0])):
                first, second = ((whens[0][0], part) for part in whens[0][1].parts)
                return self._two_windows([first, second], timing)  # "grew from July to August" sets August against July
            window = self._begun(self._one_window(*whens[0]), grains)
            self._fits_offset(whens[0][0], window, grains)
            if _COMPARING & self.d.asks.keys() and not self._is_course(grains):
                if grains or whens[0][0].text.lower().split()[0] in _BASES:
                    raise Unread(whens[0][0])  # "up on last year" sets another period against it
                self.assumptions.append("Growth is against the window of the same length before.")
                return replace(timing, window=window, compare=Compare(to="previous"))
            return replace(timing, window=window)
        if self.d.rank or self.d.thresholds:
            raise Unread(whens[-1][0])
        if len(whens) > 2:
            return self._in_a_row(whens, timing)
        return self._two_windows(whens, timing)

    def _sets_ends_apart(self, segment: Segment) -> bool:
        """Whether a comparison is of a range's two ends: "difference in orders between May and June"."""
        several = len(self.metrics) > 1 or any(len(f.values) > 1 for f in self.d.filters)
        return "compare" in self.d.asks and not several and (segment.text.lower().startswith("between") or not self.d.splits)

    def _is_course(self, grains: list[str]) -> bool:
        """Whether "how did it change month by month" asks for its course, and for no comparison."""
        said = self.d.asks.get("grow")
        return bool(grains) and said is not None and said.text.lower().startswith("chang")

    def _over(self, unit: str, whens: list[tuple[Segment, When]]) -> dict[str, Any]:
        """Month over month: the last complete one, or the window that is named, against the one a month before."""
        if not self.metrics or any(isinstance(m, DerivedMetric) and self._moves(m) for m in self.metrics):
            raise Unread(self.d.asks[f"over:{unit}"])
        if whens:
            window = self._one_window(*whens[0])
            if window is None or window.start is None or window.end is None or window.end > Span.grain(unit).after(window.start):
                raise Unread(whens[0][0])  # a year set against itself, moved by a month, is no month over month
        else:
            end = floor(self.reader.today, unit, self.catalog.settings)
            window = TimeWindow(start=Span.grain(unit).before(end), end=end)
        if unit == "year":
            return {"window": window, "compare": Compare(to="last_year")}
        return {"window": window, "compare": Compare(to=_moved_back(window, unit))}

    def _two_windows(self, whens: list[tuple[Segment, When]], timing: Timing) -> Timing:
        """Side by side, or one against the other."""
        (first, one), (second, two) = whens
        against = bool({"versus", "than"} & self.d.asks.keys())
        comparing = against or bool(({"compare"} | _COMPARING) & self.d.asks.keys())
        if not comparing and not any(first.end <= joint < second.start for joint in self.d.joints):
            raise Unread(second)
        one = self._same_year(first, one, second, two)
        now = self._one_window(first, one)
        if now is None or now.start is None or one.before_it or one.again:
            raise Unread(first)
        if comparing and two.before_it and two.unit == "year" != one.unit:
            return replace(timing, window=now, compare=Compare(to="last_year"))
        if comparing and two.before_it and one.to_date:
            return replace(timing, window=now, compare=Compare(to=_moved_back(now, two.unit)))
        if comparing and (two.before_it or two == one):
            return replace(timing, window=now, compare=Compare(to="previous"))
        then = self._year_before(now, one.unit) if two.again else self._one_window(second, two)
        if against and two.unit == "year" != one.unit and re.search(_LAST_YEAR, second.text.lower()):
            then = self._year_before(now, one.unit)
            self.assumptions.append("It is compared with the same days a year before.")
            two = replace(two, again=True)
        if two.before_it or then is None or then.start is None or then == now or (one.unit != two.unit and not two.again):
            raise Unread(second)
        if not comparing and len(self.d.metrics) > 1 and first.start < self.d.metrics[1].start < second.start:
            raise Unread(second)  # each of two numbers has a time of its own
        if not comparing:
            return self._side_by_side(second, one.unit, now, then, timing)
        then = self._same_days(one, now, two, then)
        if not against and str(then.start) > str(now.start):
            now, then = then, now
        return replace(timing, window=now, compare=Compare(to=then))

    def _in_a_row(self, whens: list[tuple[Segment, When]], timing: Timing) -> Timing:
        """June, July and August: periods of one unit, a row each."""
        last, unit = whens[-1], whens[-1][1].unit
        pairs = itertools.pairwise(whens)
        joined = all(any(one.end <= joint < other.start for joint in self.d.joints) for (one, _), (other, _) in pairs)
        if not joined or len(self.metrics) > 1 or {"versus", "than", "compare", *_COMPARING} & self.d.asks.keys():
            raise Unread(last[0])
        windows = [self._one_window(segment, self._same_year(segment, when, *last)) for segment, when in whens]
        starts = sorted({str(window.start) for window in windows if window and window.start and window.end})
        alike = all(when.unit == unit and not (when.before_it or when.again or when.as_of) for _, when in whens)
        if unit not in ("day", "week", "month", "quarter", "year") or timing.grains not in ((), (unit,)) or not alike:
            raise Unread(last[0])
        if len(starts) < len(whens):
            raise Unread(last[0])
        ends = sorted(str(window.end) for window in windows if window)
        kept = () if starts[1:] == ends[:-1] else (f"time:{unit} in ({', '.join(map(repr, starts))})",)
        window = TimeWindow(start=dt.date.fromisoformat(starts[0]), end=dt.date.fromisoformat(ends[-1]))
        return replace(timing, window=window, where=(*timing.where, *kept), grains=(unit,))

    def _side_by_side(self, second: Segment, unit: str, now: TimeWindow, then: TimeWindow, timing: Timing) -> Timing:
        """Two periods of one unit, a row each."""
        grain = timing.grains or (unit,)
        if unit not in ("day", "week", "month", "quarter", "year") or len(grain) > 1:
            raise Unread(second)
        early, late = sorted((now, then), key=lambda window: str(window.start))
        if early.end == late.start:
            return replace(timing, window=TimeWindow(start=early.start, end=late.end), grains=grain)
        if grain != (unit,):
            raise Unread(second)
        kept = f"time:{unit} in ('{early.start}', '{late.start}')"
        return replace(timing, window=TimeWindow(start=early.start, end=late.end), where=(*timing.where, kept), grains=grain)

    def _same_year(self, first: Segment, one: When, second: Segment, two: When) -> When:
        """A year named once counts for both: "January and February 2025"."""
        years = two.start.year - one.start.year if one.start and two.start else 0
        if not years or one.year_named or not _YEAR.search(second.text) or _YEAR.search(first.text) or two.unit != one.unit:
            return one
        assert one.start is not None and one.end is not None
        start, end = (as_date(shift(day, months=12 * years)) for day in (one.start, one.whole or one.end))
        return one if start == two.start else replace(one, start=start, end=end, whole=None, to_date=False)

    def _year_before(self, now: TimeWindow, unit: str) -> TimeWindow:
        assert now.start is not None and now.end is not None
        return TimeWindow(start=year_before(now.start, unit), end=year_before(now.end, unit))

    def _same_days(self, one: When, now: TimeWindow, two: When, then: TimeWindow) -> TimeWindow:
        """A running period stands against as many days of the other."""
        if not one.to_date or two.to_date or str(now.end) == str(one.whole) or not (now.start and now.end and then.start and then.end):
            return then
        end = then.start + (now.end - now.start)
        if end >= then.end:
            return then
        self.assumptions.append("The running period is compared with as many days of the other.")
        return TimeWindow(start=then.start, end=end)

    def _fits_offset(self, segment: Segment, window: TimeWindow | None, grains: list[str]) -> None:
        """Growth on the month before, of a year, would set the year against itself moved by a month."""
        if grains or window is None or not window.start or not window.end:
            return
        for metric in self.metrics:
            for part in metric.parts.values() if isinstance(metric, DerivedMetric) else ():
                if part.offset and str(Span.of(part.offset, self.catalog.settings.grains).after(window.start)) < str(window.end):
                    says = f"{metric.words} is against {part.offset} before: ask for {part.offset}, or by a grain."
                    raise Lacking(Gap(NOT_SUPPORTED, segment.text, says=says))

    def _begun(self, window: TimeWindow | None, grains: list[str]) -> TimeWindow | None:
        """Filled periods end with the one that has begun; those that are compared, with the last that is complete."""
        filled = any(isinstance(m, CumulativeMetric) or (isinstance(m, SimpleMetric) and m.fill is not None) for m in self.metrics)
        grain = next((g for g in grains if g in GRAINS), None)
        if grain and window and window.start and window.end and self._compares():
            complete = floor(self.reader.today + dt.timedelta(days=1), grain, self.catalog.settings)
            if str(window.start) < complete.isoformat() < str(window.end):
                self.assumptions.append(f"The running {grain.replace('_', ' ')} is not complete and is not compared.")
                return TimeWindow(start=window.start, end=complete)
        if not (window and window.start and window.end and filled and grain) or str(window.start) > self.reader.today.isoformat():
            return window
        end = Span.grain(grain).after(floor(self.reader.today, grain, self.catalog.settings))
        if str(window.end) <= str(end):
            return window
        self.assumptions.append("Periods that have not begun are left out.")
        return TimeWindow(start=window.start, end=end)

    def _compares(self) -> bool:
        """Whether a metric sets each period beside an earlier one."""
        return any(isinstance(m, DerivedMetric) and self._moves(m) for m in self.metrics)

    def _moves(self, metric: DerivedMetric) -> bool:
        return any(part.offset or part.offset_to for part in metric.parts.values())

    def dated(self, options: Options, timing: Timing) -> Iterator[Timing]:
        """The verb picks the date: `booked last week` is about the day of booking."""
        if self.d.date is None:
            yield timing
            return
        window, found = timing.window, False
        for sense in self.d.date.senses:
            for ref in options.refs(sense.model, sense.name):
                found = True
                if window and window.start and str(window.start) > self.reader.today.isoformat() and not ref.dimension.future:
                    continue  # what is booked for next week is not booked in it
                if all(
                    (leaf.model, leaf.time or self.catalog.models[leaf.model or ""].time) == (ref.model, ref.dimension.name)
                    for leaf in self.leaves
                ):
                    yield timing
                elif window and (window.start or window.end) and not (timing.compare or timing.grains or timing.where):
                    sides = ((">=", window.start), ("<", window.end))
                    yield replace(timing, window=None, where=tuple(f"{ref.name} {sign} '{day}'" for sign, day in sides if day))
                else:
                    raise Unread(self.d.date)
        if not found:
            raise Lacking(join_gap(self.d.date, options, self.metrics))

    def _one_window(self, segment: Segment, when: When) -> TimeWindow | None:
        if when.open:
            raise Lacking(Gap(NOT_SUPPORTED, segment.text, closes="a date in words", says=f"{when.open}. Which one?"))
        ahead = all(self._looks_ahead(leaf) for leaf in self.leaves)
        running = any(isinstance(m, CumulativeMetric) for m in self.metrics)
        balance = any(leaf.over_time for leaf in self.leaves)
        if when.as_of:
            if when.now and not (balance or running) and self._is_state():
                return None
            if not (balance or running):
                raise Lacking(
                    Gap(
                        NO_TIME,
                        segment.text,
                        closes="a balance, or a window",
                        says=f"{self.metrics[0].words} has no value at a moment; name a window.",
                    )
                )
            if when.end and max(when.end, when.whole or when.end) > self.reader.today + dt.timedelta(days=1) and not ahead:
                raise Lacking(Gap(NOT_SUPPORTED, segment.text, says=f"{segment.text} has not happened yet."))
            return TimeWindow(end=when.end) if when.end else None
        if when.start and when.start > self.reader.today and not ahead:
            raise Lacking(Gap(NOT_SUPPORTED, segment.text, says=f"{segment.text} has not happened yet."))
        if when.to_date and when.whole and ahead:
            return TimeWindow(start=when.start, end=when.whole)
        return TimeWindow(start=when.start, end=when.end)

    def _is_state(self) -> bool:
        """Whether what is counted is a state of now: open tickets, pending orders."""
        words = {*key(" ".join(m.words for m in self.metrics)), *key(" ".join(s.text for s in self.d.metrics))}
        words |= {word for f in self.d.filters for v in f.values for word in key(v.text)}
        return bool(words & STATES) and all(leaf.filter or self.d.filters for leaf in self.leaves)

    def _looks_ahead(self, leaf: SimpleMetric) -> bool:
        model = self.catalog.models[leaf.model or ""]
        dimension = model.dimensions.get(leaf.time or model.time or "")
        return bool(dimension and dimension.future)

    def _default_window(self, grains: list[str]) -> TimeWindow | None:
        """The rule's default window, where one is set and the metric has a time; a running total is as of today."""
        if not grains and any(isinstance(m, CumulativeMetric) and (m.to_date or m.window) for m in self.metrics):
            self.assumptions.append("A running total without a time is as of today.")
            return TimeWindow(end=self.reader.today + dt.timedelta(days=1))
        said = next((rule.defaults["window"] for rule in self.catalog.rules if "window" in rule.defaults), None)
        if said is None or any(leaf.over_time for leaf in self.leaves):
            return None
        found = self.reader.at(tokens(said), 0)
        if not found or found[1].start is None:
            return None
        self.assumptions.append(f"Without a time in the question, the project's rule says {said}.")
        return TimeWindow(start=found[1].start, end=found[1].end)


def _moved_back(window: TimeWindow, unit: str) -> TimeWindow:
    """As many days of the unit before; of a whole unit, the whole one before."""
    assert window.start is not None and window.end is not None
    span = Span.grain(unit)
    start = span.before(window.start)
    if span.after(window.start) == window.end:
        return TimeWindow(start=start, end=window.start)
    return TimeWindow(start=start, end=min(start + (window.end - window.start), window.start))


def _narrowed(whens: list[tuple[Segment, When]]) -> list[tuple[Segment, When]]:
    """ "This year's … until today": a window with an open start ends the one before or after it, where it ends within."""
    if len(whens) != 2:
        return whens
    (segment, one), (_, two) = whens if whens[1][1].start is None else (whens[1], whens[0])
    if two.start is not None or two.end is None or two.now or two.as_of or two.before_it or two.again or two.parts:
        return whens
    if one.start is None or one.end is None or not one.start < two.end <= max(one.end, one.whole or one.end):
        return whens
    return [(segment, replace(one, end=two.end, to_date=two.to_date, whole=None, parts=()))]
