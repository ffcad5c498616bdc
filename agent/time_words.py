"""Words of time, and how tokens are looked at for them. From the language, not from a catalogue."""

from __future__ import annotations

import datetime as dt

from answerable.agent.words import ORDINALS, Token
from answerable.context.compiler.time import shift
from answerable.context.settings import MONTHS

UNITS = ("day", "week", "month", "quarter", "year")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTH_NAMES = {name: i for i, name in enumerate(MONTHS, 1)} | {name[:3]: i for i, name in enumerate(MONTHS, 1)} | {"sept": 9}
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
YEAR_EARLIER = tuple(tuple(text.split()) for text in (
    "last year", "of last year", "a year ago", "one year ago", "in the last year", "in the previous year", "of the previous year",
    "the year before", "a year earlier", "one year earlier", "the previous year", "a year before", "in the year before",
    "in the prior year",     "of the year before", "in last year", "previous year", "prior year", "of the prior year", "the prior year",
))  # fmt: skip
LAST, THIS, NEXT = (
    {"last", "previous", "past", "prior", "trailing", "preceding"},
    {"this", "current", "running"},
    {"next", "coming", "upcoming", "following"},
)
LEADS = {
    "in",
    "during",
    "for",
    "over",
    "on",
    "of",
    "within",
    "at",
    "throughout",
    "across",
    "from",
    "the",
    "whole",
    "entire",
    "all",
    "full",
    "complete",
    "year",
    "month",
}
STARTERS = frozenset({
    *LEADS, *LAST, *THIS, *NEXT, *UNITS, *WEEKDAYS, *MONTH_NAMES, *SEASONS, *ORDINALS, "fiscal", "financial", "fy", "q", "a", "an", "same",
    "today", "tonight", "yesterday", "tomorrow", "weekend", "since", "starting", "between", "until", "till", "through", "up", "before",
    "after",
    "as", "by", "to", "end", "so", "thus", "calendar", "ytd", "qtd", "mtd", "wtd", "fytd", "right", "now", "currently", "presently",
    "around",
})  # fmt: skip
"""Words with which a time phrase can begin, beside numbers and dates."""


def word_at(t: list[Token], i: int) -> str:
    return t[i].word if 0 <= i < len(t) else ""


def words_at(t: list[Token], i: int, *wanted: str) -> bool:
    for word in wanted:
        if not 0 <= i < len(t) or t[i].word != word:
            return False
        i += 1
    return True


def number_at(t: list[Token], i: int) -> bool:
    return i < len(t) and t[i].kind == "number"


def count_at(t: list[Token], i: int) -> int | None:
    """A whole number in digits or words; `a` and `couple of` are not numbers here."""
    if (
        0 <= i < len(t)
        and t[i].value is not None
        and not t[i].percent
        and float(t[i].value or 0).is_integer()
        and 0 < (t[i].value or 0) < 1000
    ):
        return int(t[i].value or 0)
    return None


def unit_at(t: list[Token], i: int) -> tuple[int, str] | None:
    """A unit of time and how many tokens it takes: `fiscal year` is two."""
    word = t[i].base if 0 <= i < len(t) else ""
    if word in ("fiscal", "financial") and 0 <= i + 1 < len(t) and t[i + 1].base in ("year", "quarter"):
        return 2, f"fiscal_{t[i + 1].base}"
    return (1, word) if word in UNITS else None


def as_date(moment: dt.date) -> dt.date:
    return moment.date() if isinstance(moment, dt.datetime) else moment


def spoken(day: dt.date | None) -> str:
    return f"{day.day} {day:%b %Y}" if day else ""


def year_before(day: dt.date, unit: str) -> dt.date:
    """The same day a year before; of a week, 52 weeks, so that it begins on the same weekday."""
    return day - dt.timedelta(days=364) if unit == "week" else as_date(shift(day, months=-12))
