"""Periods that a question names: last month, Q3 2025, FY25, the week of 10 March. Windows are half-open, and `today` is given."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable
from dataclasses import replace

from answerable.agent.time_words import (
    LAST,
    LEADS,
    MONTH_NAMES,
    NEXT,
    SEASONS,
    THIS,
    UNITS,
    WEEKDAYS,
    YEAR_EARLIER,
    as_date,
    count_at,
    number_at,
    unit_at,
    word_at,
    words_at,
    year_before,
)
from answerable.agent.windows import When, Windows
from answerable.agent.words import ORDINALS, Token, was_done
from answerable.context.compiler.time import Span, shift
from answerable.context.settings import ProjectSettings

Known = dict[tuple[bool, int], tuple[int, When] | None]
REACH = 40
"""Tokens of the longest phrase of time, and more."""


class Periods(Windows):
    """Reads single periods out of tokens, for one day and one project."""

    def __init__(self, today: dt.date, settings: ProjectSettings) -> None:
        super().__init__(today, settings)
        self._read: tuple[list[Token], Known] = [], {}
        """Of the question that is read now: each phrase and each period, by where it begins."""

    def _remembered(
        self, t: list[Token], i: int, read: Callable[[list[Token], int], tuple[int, When] | None], whole: bool
    ) -> tuple[int, When] | None:
        said, known = self._read
        if said is not t:
            said, known = self._read = t, _unchanged(said, t, known)
        if (whole, i) not in known:
            known[whole, i] = read(t, i)
        return known[whole, i]

    def _period_lead(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """A period with the prepositions and articles that may stand before it."""
        for j in range(i, min(i + 5, len(t))):
            if found := self._period(t, j):
                return found
            if word_at(t, j) == "course" and word_at(t, j - 1) == "the" and word_at(t, j + 1) == "of":
                continue  # in the course of 2024
            if word_at(t, j) not in LEADS or (word_at(t, j) == "over" and number_at(t, j + 1) and not self._recent_year(t[j + 1])):
                return None
            if word_at(t, j) in ("year", "month") and not (number_at(t, j + 1) or word_at(t, j + 1) == "of"):
                return None
        return None

    def _recent_year(self, token: Token) -> bool:
        """Whether a number is more likely a year than an amount."""
        return token.text.isdigit() and self.today.year - 15 <= int(token.text) <= self.today.year + 1

    def _period(self, t: list[Token], i: int) -> tuple[int, When] | None:
        return self._remembered(t, i, self._longest_period, whole=False)

    def _longest_period(self, t: list[Token], i: int) -> tuple[int, When] | None:
        found = [f for read in PERIODS for f in [read(self, t, i)] if f]
        return max(found, key=lambda f: f[0], default=None)

    def _days(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """today, yesterday, tomorrow, the day before yesterday."""
        shifts = {"today": 0, "tonight": 0, "yesterday": -1, "tomorrow": 1}
        if word_at(t, i) in shifts:
            return i + 1, self._one(self.today + dt.timedelta(days=shifts[word_at(t, i)]), "day")
        if words_at(t, i, "day", "before", "yesterday"):
            return i + 3, self._one(self.today - dt.timedelta(days=2), "day")
        return None

    def _relative(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """last month, this quarter, next week, the month before last, last fiscal year, last 30 days, two weeks ago."""
        word = word_at(t, i)
        kind = -1 if word in LAST else 0 if word in THIS else 1 if word in NEXT else None
        if kind is not None:
            j = i + 1
            if word_at(t, i + 1) in ("full", "complete", "whole"):
                j += 1
            count = count_at(t, j)
            n = j + 2 if count and word_at(t, j + 1) in ("full", "complete") else j + 1
            if count and (unit := unit_at(t, n)):
                return (n + unit[0], self._many(kind, count, unit[1])) if kind else None
            if unit := unit_at(t, j):
                return j + unit[0], self._unit_moved(unit[1], kind)
            if kind <= 0 and word_at(t, j) in WEEKDAYS:
                return j + 1, self._weekday(word_at(t, j), strictly=kind < 0)
            if kind == -1 and (found := self._month(t, j) or self._season(t, j)) and not found[1].year_named:
                return found
        if word in ("whole", "entire", "full", "complete") and (unit := unit_at(t, i + 1)):
            bare = not number_at(t, i + 1 + unit[0]) and word_at(t, i + 1 + unit[0]) != "of"
            return (i + 1 + unit[0], replace(self._unit_moved(unit[1], 0), holds=True)) if bare else None
        if (unit := unit_at(t, i)) and words_at(t, i + unit[0], "before", "last"):
            return i + unit[0] + 2, self._unit_moved(unit[1], -2)
        if (unit := unit_at(t, i)) and word_at(t, i + unit[0]) in ("before", "earlier") and unit[1] in UNITS:
            return i + unit[0] + 1, When(None, None, unit[1], before_it=True)
        count = 1 if word_at(t, i) in ("a", "an") else count_at(t, i)
        if count == 1 and (unit := unit_at(t, i + 1)) and word_at(t, i + 1 + unit[0]) == "earlier" and unit[1] in UNITS:
            return i + 2 + unit[0], When(None, None, unit[1], before_it=True)
        if count and (unit := unit_at(t, i + 1)) and word_at(t, i + 1 + unit[0]) == "ago":
            return i + 2 + unit[0], self._ago(count, unit[1])
        return None

    def _part_of(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """first half of 2025, first quarter of the last fiscal year, first six months of 2025, second quarter, H1 2025, Q3 last year."""
        head = self._head(t, i)
        if not head:
            return None
        j, (unit, which, count) = head
        k, outer = self._outer(t, j) or (j, None)
        if outer is None:
            fiscal = word_at(t, j) == "fiscal"
            return j + fiscal, self._latest(unit, which, count, fiscal)
        if outer.start is None or outer.unit not in ("year", "fiscal_year", "month", "quarter"):
            return None
        return k, replace(self._inside(outer, unit, which, count), year_named=outer.year_named)

    def _year_first(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """2025 Q1, 2025-H1."""
        year, head = self._year(t, i), self._head(t, i + 1)
        if not year or year[0] != i + 1 or not head or word_at(t, i + 1)[:1] not in "qh" or self._of_year(t, head[0]):
            return None
        return head[0], self._inside(year[1], *head[1])

    def _head(self, t: list[Token], i: int) -> tuple[int, tuple[str, int, int]] | None:
        word = word_at(t, i)
        if len(word) == 2 and word[0] in "qh" and word[1].isdigit():
            top = 4 if word[0] == "q" else 2
            n = int(word[1])
            return (i + 1, ("quarter" if word[0] == "q" else "half", n, 1)) if 1 <= n <= top else None
        if word in ("q", "quarter") and number_at(t, i + 1) and 1 <= (t[i + 1].value or 0) <= 4:
            return i + 2, ("quarter", int(t[i + 1].value or 0), 1)
        which = ORDINALS.get(word, -1 if word == "last" else None)
        if which is None:
            return None
        if word_at(t, i + 1) in ("half", "quarter", "week", "month", "day"):
            # "last month" is a relative unit, "last month of 2024" a part.
            if (which == -1 and not (self._of_year(t, i + 2, strict=True) or self._outer(t, i + 2))) or (
                word_at(t, i + 1) == "day" and not self._outer(t, i + 2)
            ):
                return None
            return i + 2, (word_at(t, i + 1), which, 1)
        count = count_at(t, i + 1)
        if (
            count
            and (unit := unit_at(t, i + 2))
            and (which == 1 or (which == -1 and self._outer(t, i + 2 + unit[0])))
            and unit[1] in ("month", "week", "day", "quarter")
        ):
            return i + 2 + unit[0], (unit[1], which, count)
        return None

    def _outer(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """The period of which another is a part: a year, or "of March", "of last quarter"."""
        if year := self._of_year(t, i):
            return year
        if word_at(t, i) not in ("of", "in"):
            return None
        j = i + 2 if word_at(t, i + 1) == "the" else i + 1
        found = [f for read in (Periods._month, Periods._relative, Periods._part_of) for f in [read(self, t, j)] if f]
        return max((f for f in found if f[1].unit in ("month", "quarter", "half")), key=lambda f: f[0], default=None)

    def _of_year(self, t: list[Token], i: int, strict: bool = False) -> tuple[int, When] | None:
        j = i
        if word_at(t, i - 1)[:1] in ("q", "h") and len(word_at(t, i - 1)) == 2 and (short := self._short_year(t, i)):
            return i + 1, short  # Q1-25
        while word_at(t, j) in ("of", "in", "the", "year", ","):
            j += 1
        if strict and j == i:
            return None
        for read in (Periods._year, Periods._relative):
            found = read(self, t, j)
            if found and found[1].unit in ("year", "fiscal_year") and found[1].start and found[1].full_end:
                # "March of the last 3 years" is three months, and no one of them
                return found if (found[1].full_end - found[1].start).days <= 366 else None
        if word_at(t, i) in ("of", "in") and word_at(t, i + 1) == "the" and (unit := unit_at(t, i + 2)) and "year" in unit[1]:
            return i + 2 + unit[0], replace(self._unit_moved(unit[1], 0), year_named=False)
        return None

    def _short_year(self, t: list[Token], i: int) -> When | None:
        """The 25 of "Q1-25", or of "Q1 25" where the question ends."""
        token = t[i] if i < len(t) else None
        if token is None or not token.text.isdigit() or len(token.text) != 2 or not 0 <= self.today.year + 1 - 2000 - int(token.text) <= 16:
            return None
        last = all(other.kind == "sign" for other in t[i + 1 :])
        return self._calendar_year(2000 + int(token.text)) if token.hyphen or last else None

    def _inside(self, outer: When, unit: str, which: int, count: int) -> When:
        """The `which`-th part of a period."""
        assert outer.start is not None
        begin, finish = outer.start, outer.full_end or outer.start
        if unit == "half":
            middle = as_date(shift(begin, months=6)) if outer.unit != "month" else begin.replace(day=16)
            if outer.unit == "quarter":
                middle = begin + (finish - begin) // 2
            start, end = (begin, middle) if which in (1, -2) else (middle, finish)
            return self._clipped(start, end, "half")
        if unit in ("week", "day") and which == -1:
            span = Span.grain(unit, count)
            return self._clipped(as_date(span.before(finish)), finish, unit)
        if unit == "day" and count == 1:
            start = begin + dt.timedelta(days=which - 1)
            return self._clipped(start, start + dt.timedelta(days=1), "day")
        if unit in ("week", "day"):
            start = begin + dt.timedelta(days=7 * (which - 1)) if unit == "week" else begin
            return self._clipped(start, as_date(Span.grain(unit, count).after(start)), unit)
        span = Span.grain(unit, count)
        start = as_date(shift(begin, months=span.months * (which - 1))) if which > 0 else as_date(span.before(finish))
        return self._clipped(start, as_date(span.after(start)), unit)

    def _latest(self, unit: str, which: int, count: int, fiscal: bool) -> When:
        """A quarter or half without a year: the latest that has begun."""
        year = "fiscal_year" if fiscal else "year"
        for back in (0, 1):
            outer = self._unit_moved(year, -back)
            found = self._inside(replace(outer, end=outer.whole or outer.end), unit, which, count)
            if found.start and found.start <= self.today:
                return replace(found, year_named=False)
        return replace(found, year_named=False)

    def _year(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """2024, '24, FY25, fiscal 2025."""
        token = t[i] if i < len(t) else None
        if token is None:
            return None
        if token.kind == "year":
            return i + 1, self._calendar_year(2000 + int(token.word[1:]))
        if token.kind == "number" and token.word.isdigit() and len(token.word) == 4 and 1990 <= int(token.word) <= 2100:
            return i + 1, self._calendar_year(int(token.word))
        fiscal, j = token.word.startswith("fy") and token.word[2:].isdigit(), i
        if fiscal:
            return i + 1, self._fiscal_year(int(token.word[2:]))
        if token.word == "fy" or token.word == "fiscal":
            j = i + 2 if word_at(t, i + 1) == "year" else i + 1
            if number_at(t, j) and t[j].word.isdigit():
                return j + 1, self._fiscal_year(int(t[j].word))
        return None

    def _month(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """August, August 2025, aug-24, 2025-06, August last year, 3 March 2025, March 3, 2025, the first of March."""
        token = t[i] if i < len(t) else None
        if token is None:
            return None
        if token.word == "first" and word_at(t, i + 1) == "of" and word_at(t, i + 2) in MONTH_NAMES:
            return self._day_of(t, i + 3, MONTH_NAMES[word_at(t, i + 2)], 1)
        if token.kind == "date" and token.word.count("/") == 1:
            said, _, in_year = token.word.partition("/")
            return i + 1, self._clipped_month(int(in_year), int(said))
        if token.kind == "date" and len(token.word) == 7 and token.word[4] == "-":
            return i + 1, self._clipped_month(int(token.word[:4]), int(token.word[5:]))
        if token.kind == "number" and not token.percent and token.value is not None and 1 <= token.value <= 31:
            j = i + 2 if word_at(t, i + 1) == "of" else i + 1
            if word_at(t, j) in MONTH_NAMES:
                found = self._day_of(t, j + 1, MONTH_NAMES[word_at(t, j)], int(token.value))
                if found and token.text == "4" and any(other.text.lower() in ("u", "n", "pls", "ur") for other in t):
                    return found[0], replace(found[1], open=f"“4 {t[j].text}” may be a day, or “for {t[j].text}”")
                return found
            return None
        month = MONTH_NAMES.get(token.word)
        if month is None or (token.word in ("may", "mar", "sun") and not self._may(t, i)):
            return None
        nxt = t[i + 1] if i + 1 < len(t) else None
        if nxt and nxt.kind == "number" and nxt.word.isdigit():
            if nxt.hyphen and len(nxt.word) == 2:
                return i + 2, self._clipped_month(2000 + int(nxt.word), month)
            if len(nxt.word) <= 2 and 1 <= int(nxt.word) <= 31:
                return self._day_of(t, i + 2, month, int(nxt.word))
        if nxt and nxt.kind == "number" and nxt.word[-2:] in ("st", "nd", "rd", "th"):
            return self._day_of(t, i + 2, month, int(nxt.value or 1))
        if year := self._of_year(t, i + 1):
            start = year[1].start
            assert start is not None
            if year[1].unit == "fiscal_year":
                first = shift(start, months=(month - start.month) % 12)
                return year[0], self._clipped_month(first.year, month)
            return year[0], self._clipped_month(start.year, month)
        year_now = self.today.year if month <= self.today.month else self.today.year - 1
        return i + 1, replace(self._clipped_month(year_now, month), year_named=False)

    def _may(self, t: list[Token], i: int) -> bool:
        """`may` is a month after a preposition, before a year, in a list of months, or at the end; elsewhere a verb."""
        before, after = word_at(t, i - 1) if i else "", word_at(t, i + 1)
        leads = {*LEADS, "since", "until", "between", "and", "to", "versus", "or", "last", "by", ",", "than"}
        follows = self._of_year(t, i + 1) is not None or after in ("to", "and", "versus", ",", "-", "until", "through")
        follows = follows or after.isdigit() or after.startswith("'")
        return before in leads or follows or i + 1 >= len(t)

    def _day_of(self, t: list[Token], i: int, month: int, day: int) -> tuple[int, When] | None:
        year = self._of_year(t, i)
        if year and year[1].start:
            later = year[1].unit == "fiscal_year" and month < year[1].start.month
            found = _day(year[1].start.year + later, month, day)
        else:  # the latest that has been, which for a leap day may be eight years ago
            known = (_day(self.today.year - back, month, day) for back in range(9))
            found = next((date for date in known if date and date <= self.today), None)
        return ((year[0] if year else i), replace(self._one(found, "day"), year_named=bool(year))) if found else None

    def _date_token(self, t: list[Token], i: int) -> tuple[int, When] | None:
        token = t[i] if i < len(t) else None
        if token is None or token.kind != "date" or len(token.word) == 7 or token.word.count("/") == 1:
            return None
        if token.word[4:5] == "-":
            try:
                return i + 1, self._one(dt.date.fromisoformat(token.word), "day")
            except ValueError:
                return None
        a, b, year = (int(part) for part in token.word.replace(".", "/").split("/"))
        year = year + 2000 if year < 100 else year
        order = "dmy" if "." in token.word or a > 12 else "mdy" if b > 12 else self.settings.date_order
        day, month = (b, a) if order == "mdy" else (a, b)
        try:
            found = self._one(dt.date(year, month, day), "day")
        except ValueError:
            return None
        return i + 1, found

    def _weekday_phrase(self, t: list[Token], i: int) -> tuple[int, When] | None:
        word = word_at(t, i)
        if word in WEEKDAYS:
            return i + 1, self._weekday(word, strictly=False)
        if word in LAST | THIS and word_at(t, i + 1) == "weekend":
            back = (self.today.weekday() + 1) % 7 or (7 if word in LAST else 0)
            sunday = self.today - dt.timedelta(days=back if word in LAST else back - 7 if self.today.weekday() < 5 else back)
            sunday = sunday if word in LAST else self.today + dt.timedelta(days=6 - self.today.weekday())
            return i + 2, self._clipped(sunday - dt.timedelta(days=1), sunday + dt.timedelta(days=1), "day")
        if word == "weekend" and word_at(t, i - 1) not in ("by", "per"):
            sunday = self.today - dt.timedelta(days=(self.today.weekday() + 1) % 7)
            start = sunday - dt.timedelta(days=1)
            return i + 1, When(start, start + dt.timedelta(days=2), "day", year_named=False)
        return None

    def _week(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """the week of 10 March, the week starting 10 March, week 12, calendar week 12."""
        i += 1 if words_at(t, i, "calendar", "week") else 0
        if word_at(t, i) != "week":
            return None
        held = word_at(t, i + 1) in ("of", "starting", "beginning", "commencing", "ending")
        if held and (found := self._period_lead(t, i + 2)) and found[1].unit == "day" and found[1].start:
            return found[0], self.holding(found[1].start, "week")
        if number_at(t, i + 1) and self.settings.week_start == "monday" and 1 <= (t[i + 1].value or 0) <= 53:
            year, week = self._of_year(t, i + 2), int(t[i + 1].value or 1)
            if year and year[1].start:
                monday = _monday(year[1].start.year, week)
            else:  # the latest that has begun; not every year has a week 53
                known = (_monday(self.today.year + 1 - back, week) for back in range(9))
                monday = next((day for day in known if day and day <= self.today), None)
            return ((year[0] if year else i + 2), self._clipped(monday, monday + dt.timedelta(days=7), "week")) if monday else None
        return None

    def _season(self, t: list[Token], i: int) -> tuple[int, When] | None:
        month = SEASONS.get(word_at(t, i))
        year = self._of_year(t, i + 1) if month else None
        named = year is not None and (word_at(t, i) not in ("fall", "spring") or (number_at(t, i + 1) and not was_done(t, i)))
        if month is None or not (named or word_at(t, i - 1 if i else len(t)) in LEADS | {"last", "this", "since"}):
            return None
        number = year[1].start.year if year and year[1].start else self.today.year
        start = dt.date(number, month, 1)
        if not year and start > self.today:
            start = dt.date(number - 1, month, 1)
        return (year[0] if year else i + 1), replace(
            self._clipped(start, as_date(shift(start, months=3)), "quarter"), year_named=bool(year)
        )

    def _same_last_year(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """the same quarter last year, same period a year earlier."""
        i += 1 if word_at(t, i) == "the" else 0
        if word_at(t, i) != "same":
            return None
        loose = word_at(t, i + 1) in ("period", "time", "timeframe", "window", "days", "dates", "span", "point")
        unit = (1, "month") if loose else unit_at(t, i + 1)
        if not unit or (unit[1] == "day" and not loose):
            return None
        j = i + 1 + unit[0]
        tail = next((tail for tail in YEAR_EARLIER if words_at(t, j, *tail)), None)
        if not tail:
            return None
        if loose:
            return j + len(tail), When(dt.date(self.today.year - 1, 1, 1), self.today, "period", again=True)
        now = self._unit_moved(unit[1], 0)
        last = now.whole or now.end
        assert now.start is not None and last is not None
        start, finish = year_before(now.start, unit[1]), year_before(last, unit[1])
        return j + len(tail), When(start, finish, unit[1], again=True)


Read = Callable[[Periods, list[Token], int], "tuple[int, When] | None"]
PERIODS: tuple[Read, ...] = (
    Periods._days, Periods._relative, Periods._part_of, Periods._year, Periods._month, Periods._date_token,
    Periods._weekday_phrase, Periods._week, Periods._season, Periods._same_last_year, Periods._year_first,
)  # fmt: skip


def _day(year: int, month: int, day: int) -> dt.date | None:
    """A day, where the calendar has it."""
    return dt.date(year, month, day) if 1 <= day <= calendar.monthrange(year, month)[1] else None


def _monday(year: int, week: int) -> dt.date | None:
    """The first day of an ISO week, where the year has it."""
    try:
        return dt.date.fromisocalendar(year, week, 1)
    except ValueError:
        return None


def _unchanged(before: list[Token], t: list[Token], known: Known) -> Known:
    """What was read of a question that still holds when some of its words have been put right."""
    changed = [n for n, (one, other) in enumerate(zip(before, t, strict=False)) if one is not other]
    if len(before) != len(t) or len(changed) == len(t):
        return {}
    return {at: found for at, found in known.items() if not any(-3 < n - at[1] < REACH for n in changed)}
