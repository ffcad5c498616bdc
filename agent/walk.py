"""A cover becomes a draft: one rule uses up each segment, or it is no reading."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

from answerable.agent.draft import COMPARISONS, Draft, Drop, Length, Split, Threshold, Unread
from answerable.agent.grammar import UNITS
from answerable.agent.ground import Cover, Segment
from answerable.agent.things import Things
from answerable.context.catalog import Catalog
from answerable.context.words import singular

COMBINATIONS = 48
"""Ways to give words with several kinds of meaning one kind each that are tried."""


def drafts(cover: Cover, catalog: Catalog, follows: bool = False) -> Iterator[Draft]:
    """The drafts of a cover, one for each way to give its words one kind of meaning each. Raises Unread where none is whole.

    `follows` says that it stands in a thread, where "and" may begin it and "instead" means something.
    """
    segments = _said(cover)
    if follows and [s.text.lower() for s in segments[:2]] == ["no", ","]:
        segments = segments[2:]  # "no, by month" takes the question before back, and says it anew
    choices = [[s.only(kind) for kind in s.kinds()] if s.role == "word" else [s] for s in segments]
    failure: Unread | None = None
    found = False
    for chosen in itertools.islice(itertools.product(*choices), COMBINATIONS):
        try:
            draft = Walk(list(chosen), catalog, follows).draft()
        except Unread as unread:
            failure = failure or unread
            continue
        found = True
        yield draft
    if not found:
        raise failure or Unread(None)


def _said(cover: Cover) -> list[Segment]:
    """The segments that a rule has to use: without filler, the occasion, and what joins the occasion to the question."""
    found: list[Segment] = []
    after_frame, lead = True, ""
    for segment in cover:
        if segment.role == "filler":
            lead += f" {segment.text.lower()}"
        if segment.role == "frame":
            while found and found[-1].role in ("comma", "and") and found[-1].text != "&":
                found.pop()
            after_frame = True
        elif segment.role == "asker" and found and found[-1].role == "word" and segment.text.lower() in ("who", "that"):
            lead += f" {segment.text.lower()}"  # "customers who …"
        elif segment.role in ("not", "again") and after_frame and segment.text.lower() == "but":
            continue
        elif segment.role != "filler" and not (after_frame and len(cover) > 1 and segment.role == "comma"):
            found.append(replace(segment, lead=lead.strip()))
            after_frame, lead = False, ""
    return found


class Walk(Things):
    """One pass over the segments from left to right."""

    def draft(self) -> Draft:
        while self.i < len(self.s):
            self._step()
        self._subject_of_filter()
        self._either()
        if {"count", "in percent"} <= self.d.asks.keys() and not {"grow", "rose", "fell"} & self.d.asks.keys():
            self.d.asks["share"] = self.d.asks.pop("in percent")  # "how many orders were refunded, in percent"
        return self.d

    # -- one step ---------------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        segment = self.s[self.i]
        role = segment.role
        if role == "word":
            self._word(segment)
        elif role == "when":
            assert segment.when is not None
            self.d.whens.append((segment, segment.when))
            self.i += 1
        elif role == "number":
            self._number(segment)
        elif role.startswith(("grain:", "part:")):
            self._grain(segment)
        elif role in COMPARISONS:
            self._threshold(segment)
        else:
            self._grammar(segment)

    def _word(self, segment: Segment) -> None:
        match self._kind():
            case "metric":
                self._metric(segment)
            case "value":
                self._filter(negated=False)
            case "date":
                if self.d.date is not None or not ("moment" in self.d.asks or any(s.role == "when" for s in self.s)):
                    raise self._fail()
                self.d.date = segment
                self.i += 1
            case "unit":
                self.d.units.append(segment)
                self.i += 1
            case "period":
                when = segment.senses[0].when
                assert when is not None
                self.d.whens.append((segment, when))
                self.i += 1
            case _:
                self._thing(segment)

    def _metric(self, segment: Segment) -> None:
        joined = (
            self._role(-1) in ("and", "comma", "versus", "compare")
            or "share" in self.d.asks
            or "as share" in self.d.asks
            or {"than", "conversion"} & self.d.asks.keys()
            or ("count" in self.d.asks and any(s.role == "in percent" for s in self.s[self.i :]))
        )
        if (self.d.metrics and not joined) or (self._role(-1) == "which" and self.s[self.i - 1].text.lower().startswith("which")):
            raise self._fail()  # "which orders" asks for a list
        self.d.metrics.append(segment)
        self.i += 1

    # -- grammar ------------------------------------------------------------------------------------------------------------

    def _grammar(self, segment: Segment) -> None:
        """A word of the closed grammar: by its own rule, or kept for when the whole is known."""
        d, role = self.d, segment.role
        if rule := _RULES.get(role):
            rule(self)
        elif role.startswith(("most of:", "least of:")):
            self._most()
        elif role == "than" and self._than_value():
            pass
        elif role == "instead of":
            self._instead()
        elif role == "among" and "share" in d.asks and self._kind(1) == "metric":
            self.i += 1  # "share of no-shows among all appointments" is theirs of those
        elif role.startswith("end of:"):
            d.splits.append(Split(segment, grain=role.partition(":")[2]))
            d.asks["each end"] = segment
            self.i += 1
        elif role == "again" and segment.text.lower() == "but" and self._kind(1) == "value" and self._is_all():
            self._not()  # "all orders but those of the web"
        elif role == "never" and role in d.asks:
            raise self._fail()
        elif role == "list" and {"on", "in", "from"} & set(segment.lead.split()):
            raise self._fail()  # "on the list" is a place
        elif role in _ASKS or role.startswith(("unit:", "over:")):
            d.asks.setdefault(role, segment)
            self.i += 1
        elif not self._edit(segment):
            raise self._fail()

    def _is_all(self) -> bool:
        return any({"all", "every"} & set(s.lead.split()) for s in self.s[: self.i])

    def _edit(self, segment: Segment) -> bool:
        """Words that edit what a thread is about: `drop the region`, `the same for orders`."""
        match segment.role:
            case "also":
                if self.follows:
                    self.d.asks["also"] = segment
                elif segment.text.lower().startswith(("add", "and")):
                    return False
            case "drop" if self.follows and self._kind(1) in ("dimension", "entity", "join"):
                self.d.drops.append(Drop("", self.s[self.i + 1]))
                self.i += 3 if self._role(2) == "drop:filters" else 2
                return True
            case role if role.startswith("drop:") and self.follows:
                self.d.drops.append(Drop(role.partition(":")[2]))
            case "drop:time":
                pass  # no time is all time
            case "again" if segment.text.lower() in ("i mean", "i meant"):
                pass
            case "again" if self.follows:
                self.d.asks["again"] = segment
            case _:
                return False
        self.i += 1
        return True

    def _ordered(self) -> None:
        self.d.order = self._role()
        self.i += 1

    def _so_often(self) -> None:
        segment = self.s[self.i]
        self.d.thresholds.append(Threshold("=", 1 if segment.role == "once" else 2, segment))
        self.i += 1

    def _joiner(self) -> None:
        """`and` and `,` join like things; a comma also only parts."""
        segment = self.s[self.i]
        if self.i == 0:
            if segment.text.lower() not in ("and", "and also", ",") and not self.follows:
                raise self._fail()
            self.i += 1
            return
        self.d.joints.append(segment.start)
        last = -2 if self._role(-1) == "comma" else -1
        before, after = self._kind(last) or self._role(last), self._kind(1) or self._role(1)
        alike = before == after or (before, after) in _ALIKE
        if segment.role == "and" and not alike:
            raise self._fail()
        self.i += 1

    def _by(self) -> None:
        opener = self.i
        self.i += 1
        if self._over_all(self.s[opener]):
            self.i += 1
            return
        while True:
            if self._role() == "which" or self._role() == "by":
                self.i += 1
            if self._role().startswith(("grain:", "part:")):
                self.d.splits.append(Split(self.s[self.i], grain=self._role().partition(":")[2]))
                self.i += 1
            elif self._kind() in ("dimension", "entity", "join"):
                split, used = self._split_at(self.i)
                self.d.splits.append(split)
                self.i += used
            elif self._kind() == "metric" and self._kind(-2) == "metric" and self._per(opener):
                self.d.asks["per metric"] = self._at()
                self.d.metrics.append(self.s[self.i])
                self.i += 1
                return
            elif self._kind() == "value" and not self.d.splits and "how" not in self.s[self.i].lead.split():
                self._by_value()
                return
            elif self._kind() == "metric" and self.follows and not (self.d.rank or self.d.top or self.d.order or self.d.metrics):
                self.d.metrics.append(self.s[self.i])  # "by orders instead": what a ranking before goes by
                self.d.asks["ranked anew"] = self.s[self.i]
                self.i += 1
                return
            elif self._kind() == "metric" and (self.d.rank or self.d.top or self.d.order) and self.d.measure is None:
                self._measure()
                return
            else:
                raise Unread(self._at() or self.s[opener])
            if self._role() in ("and", "comma", "by") and self._splittable(1 + (self._role(1) in ("and", "by"))):
                self.i += 1 + (self._role() == "comma" and self._role(1) == "and")
                continue
            return

    def _per(self, opener: int) -> bool:
        """Whether one metric is divided by another: "revenue per order"."""
        return not self.d.rank and self.s[opener].text.lower() in ("per", "for every", "for each", "divided by", "over", "by every")

    def _by_value(self) -> None:
        """`visits by video`: the way in which, a filter; of several, one line each."""
        at, before = self._at(), len(self.d.filters)
        self._filter(negated=False)
        if len(self.d.filters) > before and len(self.d.filters[-1].values) > 1:
            self.d.asks["versus values"] = at

    def _ranked_by(self) -> None:
        """`ranked by revenue`, `sorted by region`: a measure, or one more split."""
        if self._kind(1) != "metric":
            self._by()
            return
        self.i += 1
        self._measure()

    def _measure(self) -> None:
        """The metric that a ranking or an order goes by."""
        if self.d.measure is not None:
            raise self._fail()
        self.d.measure = self.s[self.i]
        if not self.d.rank and not self.d.order:
            self.d.order = "descending"
        self.i += 1

    def _splittable(self, n: int) -> bool:
        return self._role(n).startswith(("grain:", "part:")) or self._kind(n) in ("dimension", "entity", "join")

    def _top(self) -> None:
        segment = self.s[self.i]
        self.d.rank = "most" if segment.role == "top" else "least"
        self.i += 1
        self.d.top = 0  # not said: one where the subject is one, else ten
        number = self._at()
        if number is not None and number.role == "number":
            if number.percent or number.money or not number.value or number.value != int(number.value):
                raise Unread(number)
            self.d.top = int(number.value)
            self.i += 1

    def _most(self) -> None:
        segment = self.s[self.i]
        rank, _, unit = segment.role.partition(" of:")
        if self.d.rank and not (self.d.rank == "most" and self.d.top and rank == "most"):
            raise self._fail()
        self.d.rank = rank
        self.d.asks["superlative"] = segment
        if unit:
            self.d.asks[f"of:{unit}"] = segment
        self.i += 1
        number = self._at()
        if number is not None and number.role == "number" and number.value and number.value == int(number.value) and not number.percent:
            self.d.top = int(number.value)
            self.i += 1

    def _number(self, segment: Segment) -> None:
        """`5 busiest providers`, `8 or more`, `28-day`; numbers after a word of comparison are that word's."""
        following = self._role(1)
        if following in ("or more", "or less") and segment.value is not None:
            self.d.thresholds.append(Threshold(">=" if following == "or more" else "<=", segment.value, segment))
            self.i += 2
            return
        whole = segment.value is not None and segment.value >= 1 and segment.value == int(segment.value)
        if following.startswith("grain:") and whole and not segment.percent and not segment.money:
            self.d.lengths.append(Length(int(segment.value or 1), following.partition(":")[2], segment))
            self.i += 2
            return
        subject = self._kind(1) in ("entity", "dimension", "join")
        ranks = following in ("most", "least", "best", "worst") or following.startswith(("most of:", "least of:"))
        if whole and (ranks or (subject and self.d.top is None)):
            self.d.top = int(segment.value or 1)
            self.i += 1
            return
        if whole and self.follows and self._role(-1) == "again" and not following and not segment.percent and not segment.money:
            self.d.top = int(segment.value or 1)  # "make it 5"
            self.i += 1
            return
        given = {"give", "show", "get", "want", "need"} & set(segment.lead.split())
        if whole and given and self.d.rank and self.d.top is None and not following and not segment.percent and not segment.money:
            self.d.top = int(segment.value or 1)  # "which stores sold the most? give me 5"
            self.i += 1
            return
        raise self._fail()

    def _grain(self, segment: Segment) -> None:
        """`monthly`, and `what month had the most …`."""
        kind, _, name = segment.role.partition(":")
        adverb = singular(segment.text.lower()) not in UNITS  # "monthly", "from month to month"
        if adverb and kind == "grain":
            self.d.splits.append(Split(segment, grain=name))
        elif self.d.subject is None and (
            {"which", "asker", "list", "superlative"} & self.d.asks.keys() or self.d.rank or (self._at(1) is not None and self.i == 0)
        ):
            self.d.subject = Split(segment, grain=name)
        else:
            raise self._fail()
        self.i += 1

    def _versus(self) -> bool:
        self.d.asks["versus"] = self._at()
        return True

    def _with(self) -> None:
        """`with their city`, `clinics with more than 70 …`, `with the most …`."""
        if self.follows and self.i == 0 and self._kind(1) == "metric":
            raise self._fail()  # beside what was asked, or of those that have it?
        if (
            self._kind(1) in ("dimension", "value", "entity", "join")
            or ("compare" in self.d.asks and self._role(1) == "when" and self._versus())
            or self._role(1) in (">", ">=", "<", "<=", "most", "least", "count", "number")
            or self._kind(1) == "metric"
            or (self.i == 0 and self._role(1) in ("more", "less"))
        ):
            self.i += 1
            return
        raise self._fail()


_RULES: dict[str, Callable[[Walk], None]] = {
    "by": Walk._by, "ranked by": Walk._ranked_by, "not": Walk._not, "no": Walk._no, "unknown": Walk._unknown, "leave": Walk._leave,
    "aside": Walk._aside, "only": Walk._only, "with": Walk._with, "between": Walk._between, "top": Walk._top, "bottom": Walk._top,
    "most": Walk._most, "least": Walk._most, "best": Walk._most, "worst": Walk._most, "and": Walk._joiner, "comma": Walk._joiner,
    "descending": Walk._ordered, "ascending": Walk._ordered, "once": Walk._so_often, "twice": Walk._so_often,
}  # fmt: skip
"""Words of the grammar that have a rule of their own."""

_ASKS = frozenset("""
    versus|both|asker|long|came|count|much|size|counted|distinct|people|list|average|amount|more|less|than|which|moment|share|as share|
    rate|conversion|cumulative|happened|
    trend|grow|rose|fell|times|never|total|compare|in percent|is it true
    """.replace("\n", "").replace(" " * 4, "").split("|"))  # fmt: skip
"""Roles that say how to ask, and are looked at when the whole is known."""

_ALIKE = {
    ("metric", "when"), ("when", "metric"), ("value", "when"), ("when", "value"), ("metric", "count"), ("when", "when"), ("metric", "much"),
    ("entity", "dimension"), ("dimension", "entity"), ("join", "dimension"), ("dimension", "join"), ("when", "by"), ("entity", "by"),
    ("dimension", "by"),
    ("when", "count"), ("when", "much"), ("when", "only"), ("value", "not"), ("metric", "total"), ("metric", "share"),
}  # fmt: skip
