"""A cover becomes a draft: what is measured, split by, filtered, ranked and when. One rule uses up each segment, or it is no reading."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from answerable.agent.ground import Cover, Segment
from answerable.agent.periods import When
from answerable.context.catalog import Catalog

COMPARISONS = (">", ">=", "<", "<=")
COMBINATIONS = 48
"""Ways to give words with several kinds of meaning one kind each that are tried."""


class Unread(Exception):
    """This cover is no reading: `segment` is used by no rule."""

    def __init__(self, segment: Segment | None, says: str = "") -> None:
        self.segment, self.says = segment, says
        super().__init__(says or (segment.text if segment else ""))


@dataclass(frozen=True)
class Split:
    """Something to group by: names of dimensions (or an entity's title), a grain, or a part of the time."""

    segment: Segment
    grain: str = ""
    within: Segment | None = None
    """A join or an entity that says whose dimension is meant."""


@dataclass(frozen=True)
class Filter:
    """Members of one dimension to keep, or to leave out."""

    values: tuple[Segment, ...]
    negated: bool = False
    without: bool = False
    """Whether "without" leaves them out: of things that are counted, those that have none of it."""
    owner: Segment | None = None
    """The dimension, entity or join that stands beside the values."""


@dataclass(frozen=True)
class Threshold:
    operator: str
    value: float
    segment: Segment


@dataclass(frozen=True)
class Bound:
    """What a number of each row is compared with: `amount over 500`."""

    dimension: Segment
    threshold: Threshold


@dataclass
class Draft:
    """What has been understood so far."""

    metrics: list[Segment] = field(default_factory=list)
    splits: list[Split] = field(default_factory=list)
    subject: Split | None = None
    also: list[Split] = field(default_factory=list)
    """What a list shows beside its subject."""
    filters: list[Filter] = field(default_factory=list)
    whens: list[tuple[Segment, When]] = field(default_factory=list)
    thresholds: list[Threshold] = field(default_factory=list)
    bounds: list[Bound] = field(default_factory=list)
    measure: Segment | None = None
    """The metric that a ranking goes by, where it is said after "by"."""
    date: Segment | None = None
    """A verb that picks another time than the metric's own: `registered`, `invoiced`."""
    rank: str = ""
    top: int | None = None
    order: str = ""
    joints: list[int] = field(default_factory=list)
    """Where "and" or a comma stands."""
    asks: set[str] = field(default_factory=set)
    """Words of asking: count, much, list, which, share, rate, trend, grow, total, compare, versus, more, only."""
    cost: int = 0


def drafts(cover: Cover, catalog: Catalog, follows: bool = False) -> Iterator[Draft]:
    """The drafts of a cover, one for each way to give its words one kind of meaning each. Raises Unread where none is whole.

    `follows` says that it stands in a thread, where "and" may begin it and "instead" means something.
    """
    segments = [s for s in cover if s.role != "filler"]
    choices = [[s.only(kind) for kind in s.kinds()] if s.role == "word" else [s] for s in segments]
    failure: Unread | None = None
    found = False
    for chosen in itertools.islice(itertools.product(*choices), COMBINATIONS):
        try:
            draft = _Walk(list(chosen), catalog, follows).draft()
        except Unread as unread:
            failure = failure or unread
            continue
        found = True
        yield draft
    if not found:
        raise failure or Unread(None)


class _Walk:
    """One pass over the segments from left to right."""

    def __init__(self, segments: list[Segment], catalog: Catalog, follows: bool) -> None:
        self.s, self.catalog, self.follows, self.i = segments, catalog, follows, 0
        self.d = Draft()

    def draft(self) -> Draft:
        while self.i < len(self.s):
            self._step()
        self._subject_of_filter()
        return self.d

    def _subject_of_filter(self) -> None:
        """In "how many gold customers" and "list the stores in Germany" the thing that owns the value is what is asked for."""
        if self.d.metrics or self.d.subject or not {"count", "list", "which"} & self.d.asks or len(self.d.filters) != 1:
            return
        owner = self.d.filters[0].owner
        if owner is not None and owner.senses[0].kind == "entity":
            self.d.subject = Split(owner)

    # -- looking around ---------------------------------------------------------------------------------------------------

    def _at(self, n: int = 0) -> Segment | None:
        return self.s[self.i + n] if 0 <= self.i + n < len(self.s) else None

    def _role(self, n: int = 0) -> str:
        segment = self._at(n)
        return segment.role if segment else ""

    def _kind(self, n: int = 0) -> str:
        segment = self._at(n)
        return segment.senses[0].kind if segment and segment.role == "word" and segment.senses else ""

    def _fail(self, says: str = "") -> Unread:
        return Unread(self._at(), says)

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
                if self.d.date is not None or not any(s.role == "when" for s in self.s):
                    raise self._fail()
                self.d.date = segment
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
            or self._role(-1) == "than"
        )
        if self.d.metrics and not joined:
            raise self._fail()
        self.d.metrics.append(segment)
        self.i += 1

    def _thing(self, segment: Segment) -> None:
        """A dimension, an entity or a join that no "by" introduces."""
        if self._role(1) in COMPARISONS and self._role(2) == "number" and self._is_number(segment):
            self._bound(segment)
            return
        if self._kind(1) == "value" and self._owns(segment, self.s[self.i + 1]):
            self.i += 1
            self._filter(negated=False, owner=segment)
            return
        if self._role(1) == "not" and self._kind(2) == "value" and self._owns(segment, self.s[self.i + 2]):
            self.i += 2
            self._filter(negated=True, owner=segment)
            return
        if (
            self.d.subject
            and self._kind() == "entity"
            and self.d.subject.segment.senses
            and self.d.subject.segment.senses[0].kind == "dimension"
        ):
            narrowed = self._narrowed(self.d.subject.segment, segment)
            if narrowed.senses and not self.d.metrics:
                self.d.subject = replace(self.d.subject, segment=narrowed)
                self.i += 1
                return
        split, used = self._split_at(self.i)
        asked = (
            {"list", "which", "count", "top", "most", "least"} & self.d.asks
            or self.d.rank
            or self._role(-1) in ("list", "which", "count", "top", "most", "least")
        )
        if self.d.subject is None and (asked or self.i == 0 or not self.d.metrics):
            self.d.subject = split
        elif self._role(-1) in ("with", "and", "comma") and not self.d.metrics and self.d.subject:
            self.d.also.append(split)
        else:
            raise self._fail()
        self.i += used

    def _is_number(self, segment: Segment) -> bool:
        named = [self.catalog.models[s.model].dimensions[s.name] for s in segment.senses if s.kind == "dimension"]
        return bool(named) and all(dimension.type == "number" for dimension in named)

    def _bound(self, segment: Segment) -> None:
        comparison, number = self.s[self.i + 1], self.s[self.i + 2]
        if number.value is None or number.percent or number.money:
            raise Unread(number)
        self.d.bounds.append(Bound(segment, Threshold(comparison.role, number.value, number)))
        self.i += 3

    def _split_at(self, i: int) -> tuple[Split, int]:
        """`region`, `clinic region`, `referring provider`, `referring provider specialty`, `region of the clinic`."""
        segment = self.s[i]
        kind = segment.senses[0].kind
        nxt = self.s[i + 1] if i + 1 < len(self.s) else None
        if kind in ("entity", "join") and nxt and nxt.role == "word" and nxt.senses and nxt.senses[0].kind == "dimension":
            narrowed = self._narrowed(nxt, segment)
            if narrowed.senses:
                return Split(narrowed, within=segment if kind == "join" else None), 2
        return Split(segment), 1

    def _narrowed(self, dimension: Segment, owner: Segment) -> Segment:
        models = self._models(owner)
        return replace(dimension, senses=tuple(s for s in dimension.senses if s.model in models))

    def _models(self, owner: Segment) -> set[str]:
        """The models that an entity or a join stands for."""
        found = set[str]()
        for sense in owner.senses:
            if sense.kind == "entity":
                found.add(sense.name)
            elif sense.kind == "join":
                found.add(self.catalog.models[sense.model].joins[sense.name].model)
        return found

    def _owns(self, owner: Segment, value: Segment) -> bool:
        """Whether a dimension or entity is that of a value beside it."""
        if owner.senses[0].kind == "dimension":
            own = {(s.model, s.name) for s in owner.senses}
            return any((s.model, s.name) in own for s in value.senses)
        return any(s.model in self._models(owner) for s in value.senses)

    # -- filters ----------------------------------------------------------------------------------------------------------

    def _filter(self, negated: bool, owner: Segment | None = None, without: bool = False) -> None:
        """One or more values of one dimension: `Pearl`, `Pearl and Harbor`, `Pearl vs Harbor`, with the thing that they are values of."""
        values = [self.s[self.i]]
        self.i += 1
        while self._role() in ("and", "or", "comma", "nor", "versus") and self._more(values[0]):
            if self._role() == "versus":
                self.d.asks.add("versus values")
            self.i += 1 if self._role(1) == "word" else 2
            values.append(self.s[self.i])
            self.i += 1
        if owner is None and self._kind() in ("dimension", "entity", "join") and self._owns(self.s[self.i], values[0]):
            owner = self.s[self.i]
            self.i += 1
        if negated and self._role() in ("and", "or", "comma", "nor") and self._kind(1) == "value":
            raise Unread(self.s[self.i + 1])  # whether it is left out too can't be told
        self.d.filters.append(Filter(tuple(values), negated, without, owner))

    def _more(self, first: Segment) -> bool:
        """Whether another value of the same dimension follows the joining word."""
        step = 2 if self._role() == "comma" and self._role(1) in ("and", "or") else 1
        if self._kind(step) != "value":
            return False
        shared = {(s.model, s.name) for s in first.senses} & {(s.model, s.name) for s in self.s[self.i + step].senses}
        return bool(shared)

    # -- grammar ------------------------------------------------------------------------------------------------------------

    def _grammar(self, segment: Segment) -> None:
        d = self.d
        match segment.role:
            case "by":
                self._by()
            case "not":
                self._not()
            case "top" | "bottom":
                self._top(segment)
            case "most" | "least":
                self._most(segment)
            case "and" | "comma":
                self._joiner(segment)
            case "versus":
                d.asks.add("versus")
                self.i += 1
            case "descending" | "ascending":
                d.order = segment.role
                self.i += 1
            case (
                "count"
                | "much"
                | "list"
                | "average"
                | "amount"
                | "more"
                | "than"
                | "which"
                | "share"
                | "as share"
                | "rate"
                | "trend"
                | "grow"
                | "total"
                | "compare"
                | "in percent"
            ):
                d.asks.add(segment.role)
                self.i += 1
            case role if role.startswith("unit:"):
                d.asks.add(role)
                self.i += 1
            case "only":
                self._only()
            case "with":
                self._with()
            case "again" if self.follows:
                d.asks.add("again")
                self.i += 1
            case _:
                raise self._fail()

    def _joiner(self, segment: Segment) -> None:
        """`and` and `,` join like things; a comma also only parts."""
        if self.i == 0:
            if not self.follows:
                raise self._fail()
            self.i += 1
            return
        self.d.joints.append(segment.start)
        before, after = self._kind(-1) or self._role(-1), self._kind(1) or self._role(1)
        alike = before == after or (before, after) in _ALIKE
        if segment.role == "and" and not alike:
            raise self._fail()
        self.i += 1

    def _by(self) -> None:
        opener = self.i
        self.i += 1
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
            elif self._kind() == "metric" and (self.d.rank or self.d.top) and self.d.measure is None:
                self.d.measure = self.s[self.i]
                self.i += 1
                return
            else:
                raise Unread(self._at() or self.s[opener])
            if self._role() in ("and", "comma", "by") and self._splittable(1 + (self._role(1) in ("and", "by"))):
                self.i += 1 + (self._role() == "comma" and self._role(1) == "and")
                continue
            return

    def _splittable(self, n: int) -> bool:
        return self._role(n).startswith(("grain:", "part:")) or self._kind(n) in ("dimension", "entity", "join")

    def _not(self) -> None:
        """Negation reaches the values after it, or nothing is answered."""
        opener = self.s[self.i]
        self.i += 1
        owner: Segment | None = None
        if self._kind() in ("dimension", "entity") and self._kind(1) == "value" and self._owns(self.s[self.i], self.s[self.i + 1]):
            owner = self.s[self.i]
            self.i += 1
        if self._kind() != "value":
            raise Unread(opener)
        self._filter(negated=True, owner=owner, without=opener.text.lower().startswith("without"))

    def _top(self, segment: Segment) -> None:
        self.d.rank = "most" if segment.role == "top" else "least"
        self.i += 1
        self.d.top = 0  # not said: one where the subject is one, else ten
        number = self._at()
        if number is not None and number.role == "number":
            if number.percent or number.money or not number.value or number.value != int(number.value):
                raise Unread(number)
            self.d.top = int(number.value)
            self.i += 1

    def _most(self, segment: Segment) -> None:
        if self.d.rank and not (self.d.rank == "most" and self.d.top and segment.role == "most"):
            raise self._fail()
        self.d.rank = segment.role
        self.d.asks.add("superlative")
        self.i += 1

    def _number(self, segment: Segment) -> None:
        """`5 busiest providers`, `the five clinics with the most …`; and numbers after a word of comparison, which `_threshold` takes."""
        following = self._role(1)
        subject = self._kind(1) in ("entity", "dimension", "join")
        if following in ("most", "least") or (subject and {"which", "list"} & self.d.asks | ({"first"} if self.i == 0 else set())):
            if segment.value is None or segment.value < 1 or segment.value != int(segment.value):
                raise self._fail()
            self.d.top = int(segment.value)
            self.i += 1
            return
        raise self._fail()

    def _threshold(self, segment: Segment) -> None:
        following = self._at(1)
        if following is None or following.role != "number":
            if segment.text.lower() == "over" and following is not None and following.text.lower().startswith(("the ", "last ", "past ")):
                self.i += 1  # "over the last year" is no comparison
                return
            raise self._fail()
        if following.value is None:
            raise Unread(following)
        self.i += 2
        self.d.thresholds.append(Threshold(segment.role, following.value, following))

    def _grain(self, segment: Segment) -> None:
        """`monthly`, and `what month had the most …`."""
        kind, _, name = segment.role.partition(":")
        adverb = segment.text.lower().split()[0].endswith("ly") or " by " in segment.text.lower() or segment.text.lower() == "annual"
        if adverb and kind == "grain":
            self.d.splits.append(Split(segment, grain=name))
        elif self.d.subject is None and (
            {"which", "list", "superlative"} & self.d.asks or self.d.rank or (self._at(1) is not None and self.i == 0)
        ):
            self.d.subject = Split(segment, grain=name)
        else:
            raise self._fail()
        self.i += 1

    def _only(self) -> None:
        """`only telehealth`, `telehealth only`, `only the top 3`: it stands beside a filter, a time or a rank."""
        if (
            self._kind(1) == "value"
            or self._kind(-1) == "value"
            or self._role(1) in ("when", "top", "bottom", "not")
            or self._role(-1) == "when"
        ):
            self.i += 1
            return
        raise self._fail()

    def _with(self) -> None:
        """`with their city`, `clinics with more than 70 …`, `with the most …`."""
        if (
            self._kind(1) in ("dimension", "value", "entity", "join")
            or self._role(1) in (">", ">=", "<", "<=", "most", "least", "count", "number")
            or self._kind(1) == "metric"
        ):
            self.i += 1
            return
        raise self._fail()


_ALIKE = {
    ("metric", "when"), ("when", "metric"), ("value", "when"), ("when", "value"), ("metric", "count"), ("when", "when"), ("metric", "much"),
    ("entity", "dimension"), ("dimension", "entity"), ("join", "dimension"), ("dimension", "join"), ("when", "by"), ("entity", "by"),
    ("dimension", "by"),
    ("when", "only"), ("value", "not"), ("metric", "total"), ("metric", "share"),
}  # fmt: skip
