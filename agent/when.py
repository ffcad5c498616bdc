"""Time phrases become half-open windows, by the table of SEMANTICS.md. Knows no catalogue and no clock: `today` is given."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

from answerable.agent.periods import Periods
from answerable.agent.time_words import STARTERS, as_date, count_at, number_at, unit_at, word_at, words_at
from answerable.agent.windows import When
from answerable.agent.words import Token
from answerable.context.compiler.time import floor, shift


class Reader(Periods):
    """Reads whole phrases of time: a period with what stands before and after it, and ranges of two."""

    def at(self, tokens: list[Token], i: int) -> tuple[int, When] | None:
        """The longest time phrase that begins at token `i`: the index after it, and its window.

        A phrase with a date in digits whose order nobody has settled has another window beside it.
        """
        return self._remembered(tokens, i, self._either, whole=True) if _may_begin(tokens[i]) else None

    def _either(self, tokens: list[Token], i: int) -> tuple[int, When] | None:
        found = self._longest(tokens, i)
        if not found or self.settings.date_order or not any(_either_way(token) for token in tokens[i : found[0]]):
            return found
        other = Reader(self.today, self.settings.model_copy(update={"date_order": "mdy"}))._longest(tokens, i)
        return found[0], replace(found[1], other=other[1] if other else None)

    def _longest(self, tokens: list[Token], i: int) -> tuple[int, When] | None:
        found = [f for read in _PHRASES for f in [read(self, tokens, i)] if f]
        return max(found, key=lambda f: f[0], default=None)

    # -- whole phrases ----------------------------------------------------------------------------------------------------

    def _range(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """from A to B, between A and B, A – B, A to B."""
        opener = word_at(t, i)
        j = i + 1 if opener in ("from", "between") else i
        for lead in (("the", "start", "of"), ("the", "beginning", "of"), ("start", "of"), ("beginning", "of")):
            j += len(lead) if opener == "from" and words_at(t, j, *lead) else 0
        if not (first := self._period_lead(t, j)):
            return None
        k, start = first
        joiners = ("and",) if opener == "between" else ("to", "until", "till", "through", "-", "–", "up")
        hyphen = k < len(t) and t[k].hyphen and opener != "between"
        if not hyphen and word_at(t, k) not in joiners:
            return None
        k = k if hyphen else k + 1
        if word_at(t, k) == "to" and word_at(t, k - 1) == "up":
            k += 1
        for lead in (("the", "end", "of"), ("end", "of")):
            k += len(lead) if words_at(t, k, *lead) else 0
        end = self._period_lead(t, k) or self._now(t, k)
        if not end:
            return None
        k, last = end
        start = self._same_year(start, last)
        if last.now:
            last = replace(last, end=self.today + dt.timedelta(days=1))
        if start.start is None or last.end is None or start.start >= last.end:
            return None
        parts = (start, last) if start.unit == last.unit and opener in ("from", "between") else ()
        named = start.year_named or last.year_named
        return k, When(start.start, last.end, start.unit, year_named=named, open=start.open or last.open, parts=parts)

    def _bare_days(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """between 1 and 15 May 2025, 1-15 May: two days of one month."""
        j = i + 1 if word_at(t, i) in ("from", "between") else i
        k = j + 1 if j + 1 < len(t) and t[j + 1].hyphen else j + 2
        if not (number_at(t, j) and (k == j + 1 or word_at(t, j + 1) in ("and", "to", "-", "–", "until")) and number_at(t, k)):
            return None
        last = self._period(t, k)
        if not last or last[1].unit != "day" or last[1].start is None:
            return None
        first = float(t[j].value or 0)
        start = last[1].start.replace(day=int(first)) if first.is_integer() and 1 <= first <= last[1].start.day else None
        return (last[0], replace(last[1], start=start)) if start else None

    def _since(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """since X, from X on, starting X: to the end of today."""
        if word_at(t, i) in ("since", "starting") or (word_at(t, i) == "from"):
            j = i + 1
            start = 2 if word_at(t, j) == "the" else 1
            if word_at(t, j + start - 1) in ("start", "beginning") and word_at(t, j + start) == "of":
                j += start + 1
            found = self._period_lead(t, j) or (self._running_unit(t, j) if word_at(t, j - 1) == "of" else None)
            if found and word_at(t, i) == "from":
                if word_at(t, found[0]) not in ("on", "onward", "onwards"):
                    return None
                found = found[0] + 1, found[1]
            if found and found[1].start:
                return found[0], self._from(found[1].start, found[1])
        return None

    def _running_unit(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """the year, the month: where something begins it, the running one."""
        unit = unit_at(t, i + 1) if word_at(t, i) == "the" else None
        return (i + 1 + unit[0], self._unit_moved(unit[1], 0)) if unit else None

    def _from(self, start: dt.date, when: When) -> When:
        """From a day to the end of today; from a day that lies ahead, without an end."""
        if start > self.today:
            return replace(when, start=start, end=None, to_date=False, whole=None)
        return replace(when, start=start, end=self._tomorrow, to_date=True, whole=None)

    def _until(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """until X, through X, up to X: to the end of X."""
        by = word_at(t, i) == "by"
        j = (
            i + 1
            if by or word_at(t, i) in ("until", "till", "through")
            else i + 2
            if words_at(t, i, "up", "to") or words_at(t, i, "up", "until")
            else 0
        )
        if not j:
            return None
        if by and not (words_at(t, j, "the", "end", "of") or words_at(t, j, "end", "of")):
            return None
        if words_at(t, j, "the", "end", "of"):
            j += 3
        elif words_at(t, j, "end", "of"):
            j += 2
        found = self._period_lead(t, j)
        return (found[0], When(None, found[1].full_end, found[1].unit)) if found else None

    def _around(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """around 15 March: the day or its week; that is asked."""
        found = self._period_lead(t, i + 1) if word_at(t, i) == "around" else None
        if not found or found[1].unit != "day" or found[1].start is None:
            return None
        start = floor(found[1].start, "week", self.settings)
        return found[0], replace(found[1], other=self._clipped(start, start + dt.timedelta(days=7), "week"))

    def _before_after(self, t: list[Token], i: int) -> tuple[int, When] | None:
        if word_at(t, i) not in ("before", "after"):
            return None
        found = self._period_lead(t, i + 1)
        if not found or found[1].now:
            return None
        if word_at(t, i) == "before":
            return found[0], When(None, found[1].start, found[1].unit)
        end = found[1].full_end
        return (found[0], self._from(end, When(end, None, found[1].unit))) if end else None

    def _as_of(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """as of D, at the end of X: a moment."""
        if words_at(t, i, "as", "of") or words_at(t, i, "as", "at"):
            j = i + 2
            j += 1 if word_at(t, j) == "the" else 0
            if words_at(t, j, "end", "of"):
                j += 2
            found = self._period_lead(t, j) or self._now(t, j)
            return (found[0], replace(found[1], as_of=True)) if found else None
        j = i + 1 if word_at(t, i) in ("at", "by", "on") else i
        j += 1 if word_at(t, j) == "the" else 0
        if not words_at(t, j, "end", "of") or word_at(t, i) == "by":
            return None
        found = self._period_lead(t, j + 2)
        return (found[0], replace(found[1], as_of=True)) if found else None

    def _to_date(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """YTD, year to date, so far this year, this year so far, this year until today."""
        if word_at(t, i) == "fytd" or words_at(t, i, "fiscal", "ytd"):
            return i + (1 if word_at(t, i) == "fytd" else 2), self._running("fiscal_year")
        short = {"ytd": "year", "qtd": "quarter", "mtd": "month", "wtd": "week"}.get(word_at(t, i))
        if short:
            return i + 1, self._running(short)
        unit = unit_at(t, i)
        if unit and words_at(t, i + unit[0], "to", "date"):
            return i + unit[0] + 2, self._running(unit[1])
        if words_at(t, i, "so", "far"):
            found = self._period_lead(t, i + 2)
            if found is None:
                return i + 2, When(None, self._tomorrow, to_date=True)
            running = found[1].start is not None and found[1].end is not None and found[1].start <= self.today < found[1].end
            return (found[0], self._cut(found[1])) if running or found[1].to_date else None
        found = self._period(t, i)
        if not found and (tail := self._tail(t, i)):
            return tail, When(None, self._tomorrow, to_date=True)
        if not found or found[1].start is None or not (found[1].start <= self.today):
            return None
        tail = self._tail(t, found[0])
        return (tail, self._cut(found[1])) if tail else None

    def _tail(self, t: list[Token], i: int) -> int:
        """The index after words for "up to this day"; 0 where there are none."""
        return next((i + len(tail) for tail in _TAILS if words_at(t, i, *tail)), 0)

    def _cut(self, when: When) -> When:
        """A period to date: the running one to the end of today, an earlier one to the same point of it."""
        assert when.start is not None and when.end is not None
        end = min(when.end, self._tomorrow)
        if when.end <= self.today and when.unit in ("year", "fiscal_year", "quarter", "month"):
            elapsed = self._tomorrow - floor(self.today, when.unit, self.settings)
            end = min(when.end, when.start + elapsed)
        return replace(when, end=end, to_date=True, whole=None)

    def _plain(self, t: list[Token], i: int) -> tuple[int, When] | None:
        return self._period_lead(t, i) or self._now(t, i)

    def _ending(self, t: list[Token], i: int) -> tuple[int, When] | None:
        """the twelve months to August 2025, the year ending June: whole months up to the end of one."""
        j = i + 1 if word_at(t, i) in ("in", "for", "over", "during") else i
        j += 1 if word_at(t, j) == "the" else 0
        count = count_at(t, j)
        if count and (unit := unit_at(t, j + 1)) and unit[1] == "month":
            months, j = count, j + 2
        elif word_at(t, j) == "year":
            months, j = 12, j + 1
        else:
            return None
        if word_at(t, j) not in ("to", "ending", "ended", "until", "through"):
            return None
        found = self._period(t, j + 1)
        if not found or found[1].unit != "month" or found[1].end is None or found[1].to_date or found[1].whole:
            return None
        return found[0], When(as_date(shift(found[1].end, months=-months)), found[1].end, "months")

    def _now(self, t: list[Token], i: int) -> tuple[int, When] | None:
        j = i + 1 if word_at(t, i) == "right" else i
        if word_at(t, j) in ("now", "currently", "presently"):
            return j + 1, When(None, None, now=True, as_of=True)
        for words in (("at", "the", "moment"), ("at", "this", "moment"), ("as", "of", "now"), ("at", "present"), ("at", "this", "time")):
            if words_at(t, i, *words):
                return i + len(words), When(None, None, now=True, as_of=True)
        if word_at(t, i) == "current" and not unit_at(t, i + 1):
            return i + 1, When(None, None, now=True, as_of=True)
        return None


def _may_begin(token: Token) -> bool:
    """Whether a time phrase can begin with this token: most words are none, and reading is not free."""
    word = token.word
    return token.kind != "word" or token.value is not None or token.base in STARTERS or (len(word) < 7 and any(c.isdigit() for c in word))


def _either_way(token: Token) -> bool:
    """Whether a date in digits may be day first or month first."""
    if token.kind != "date" or token.word.count("/") != 2:
        return False
    day, month, _ = token.word.split("/")
    return int(day) <= 12 and int(month) <= 12 and day != month


_TAILS = tuple(tuple(text.split()) for text in (
    "so far", "to date", "until today", "until now", "up until now", "up until today", "up to now", "up to today", "till now", "till today",
    "thus far", "up till now", "up till today",
    "to now", "up to and including today", "until the end of today", "as of today", "through today", "up to this point", "to this day",
))  # fmt: skip

Read = Callable[[Reader, list[Token], int], "tuple[int, When] | None"]
_PHRASES: tuple[Read, ...] = (
    Reader._range, Reader._bare_days, Reader._since, Reader._until, Reader._around, Reader._before_after, Reader._as_of, Reader._to_date,
    Reader._ending, Reader._plain,
)  # fmt: skip
