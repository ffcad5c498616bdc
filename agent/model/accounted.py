"""The check that a model's plan passes: each content word of the question is taken by an item of the plan, and each item by a word.

What the model says of itself counts for nothing here, but for words that nobody has defined: those it may claim, and a plan with claims is
only ever asked about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

from answerable.agent.conditions import own_values
from answerable.agent.draft import Draft, Unread
from answerable.agent.ground import Cover, Grounder, Segment
from answerable.agent.lexicon import Lexicon, Sense
from answerable.agent.model.roles import COMPARING, FREE, KEPT, LEAVING_OUT, NEGATIVE, numbers
from answerable.agent.model.sketched import Field, Shape
from answerable.agent.model.steps import Condition, Word
from answerable.agent.options import Options
from answerable.agent.plan import Lacking
from answerable.agent.timing import Times, Timing
from answerable.agent.when import Reader
from answerable.agent.words import tokens
from answerable.context.model import RatioMetric
from answerable.context.query import SemanticQuery
from answerable.context.words import key

ASIDE = "aside"


@dataclass(frozen=True)
class Account:
    """How a question and a plan fit. `claims` are words that only the model accounts for, each with what it takes them for."""

    cover: Cover
    passed_over: tuple[Segment, ...] = ()
    open: tuple[tuple[Segment, tuple[str, ...]], ...] = ()
    """Words with several meanings that the question doesn't tell apart."""
    unsaid: tuple[str, ...] = ()
    """Items of the plan that no word asks for."""
    wrong: str = ""
    """Why the plan does not go with its time words, or that a condition leaves nothing of a metric."""
    claims: tuple[tuple[Segment, str], ...] = ()
    timing: Timing = field(default_factory=Timing)
    """What the time words mean: it stands for the plan's own window."""

    @property
    def holds(self) -> bool:
        return not (self.passed_over or self.open or self.unsaid or self.wrong)

    @property
    def says(self) -> str:
        """What is wrong, for the model."""
        said = [f"No item of the plan takes “{s.text}”; use it, or declare it a gap." for s in self.passed_over]
        said += [f"“{s.text}” may mean {' or '.join(names)}: ask, with a plan for each." for s, names in self.open]
        said += [f"No word of the question asks for {item}; leave it out." for item in self.unsaid]
        return " ".join([*said, *([self.wrong] if self.wrong else [])])

    @property
    def faults(self) -> int:
        return len(self.passed_over) + len(self.open) + len(self.unsaid) + bool(self.wrong) + len(self.claims)


def account(text: str, shape: Shape, words: tuple[Word, ...], lexicon: Lexicon, reader: Reader, before: SemanticQuery | None) -> Account:
    """The account of the reading of the question under which the plan fits best."""
    said = tokens(text)
    covers = chain.from_iterable(Grounder(text, said, lexicon, reader, lenient).covers() for lenient in (False, True))
    best: Account | None = None
    whole: set[tuple[int, int]] = set()
    for cover in covers:
        if best is not None and len(cover) > len(best.cover):
            continue  # longer names mean more: "up to" is not "up"
        spans = {(s.start, s.end) for s in cover}
        whole = whole or {(s.start, s.end) for s in cover if s.role == "word" and s.end - s.start > 1}
        if best is not None and not whole <= spans:
            continue  # a name is known as a whole: its parts would be another question
        found = _Check(cover, shape, words, lexicon, reader, before).account()
        if best is None or found.faults < best.faults:
            best = found
        if best.holds and not best.claims:
            break
    assert best is not None  # a question has at least one cover
    return best


@dataclass
class _Check:
    """One reading of the question against one plan."""

    cover: Cover
    shape: Shape
    words: tuple[Word, ...]
    lexicon: Lexicon
    reader: Reader
    before: SemanticQuery | None
    asked: set[str] = field(default_factory=set)
    """What the words ask for: targets of metrics, fields and values, `number 3`, roles."""

    def __post_init__(self) -> None:
        self.catalog = self.lexicon.catalog
        self.options = Options(self.catalog, [*self.shape.bases], self.lexicon.values.unique)
        self.fields = (*self.shape.by, *(placed for placed, _ in self.shape.where))
        self.models = {base.name for base in self.shape.bases} | {placed.model for placed in self.fields}
        self.roles = {segment.role for segment in self.cover}
        self.named = {s.name for segment in self.cover for s in segment.senses if s.kind == "metric"}

    def account(self) -> Account:
        over, open_, claims = list[Segment](), list[tuple[Segment, tuple[str, ...]]](), list[tuple[Segment, str]]()
        for n, segment in enumerate(self.cover):
            if segment.role == "unknown":
                item = self._claimed(segment)
                claims += [(segment, item)] if item else []
                over += [] if item else [segment]
            elif segment.role == "word":
                taken = self._taken(segment, n)
                over += [] if taken else [segment]
                open_ += [(segment, several)] if taken and len(several := self._meanings(segment, taken)) > 1 else []
            elif not self._role_kept(segment):
                over.append(segment)
        claimed = {item for _, item in claims}
        wrong, timing = self._time()
        unsaid = tuple(self._unsaid(claimed))
        return Account(self.cover, tuple(over), tuple(open_), unsaid, wrong or self._contradiction(), tuple(claims), timing)

    # -- from words to items --------------------------------------------------------------------------------------------------

    def _claimed(self, segment: Segment) -> str:
        """What the model takes an undefined word for: an item of its plan, or an aside."""
        bases = {*key(segment.text)}
        for word in self.words:
            if bases and bases <= {*key(word.words)} and (word.item == ASIDE or word.item in self._items()):
                return word.item
        return ""

    def _items(self) -> set[str]:
        sketch = self.shape.sketch
        return {*sketch.metrics, *(f.name for f in self.fields), *(str(v) for c in sketch.where for v in c.values)}

    def _taken(self, segment: Segment, n: int) -> str:
        """The kind as which the plan takes a word; empty where it takes it as nothing."""
        if segment.when is None and any(s.kind == "period" for s in segment.senses):
            return "period"
        counted, negated, listed = self._is_counted(n), self._is_left_out(n), self._is_listed(n)
        measured = "metric" in segment.kinds() and self._is_beside_a_metric(n)
        for sense in segment.senses:
            if not (measured and sense.kind == "entity") and self._takes(sense, counted, negated, listed):
                self.asked.update([sense.target] if sense.kind != "date" else [])
                return sense.kind
        return ""

    def _is_counted(self, n: int) -> bool:
        """Whether a word is what "how many" counts."""
        before = [s for s in self.cover[:n] if s.role in ("word", "count")]
        return bool(before) and before[-1].role == "count"

    def _is_left_out(self, n: int) -> bool:
        """Whether the words turn a value around: "not gold or silver", "gold left aside"."""
        passed = ("filler", "and", "or", "comma")
        after = next((s.role for s in self.cover[n + 1 :] if s.role not in passed), "")
        before = (
            s.role for s in reversed(self.cover[:n]) if s.role not in passed and "value" not in s.kinds() and "entity" not in s.kinds()
        )
        return after == "aside" or next(before, "") in LEAVING_OUT

    def _is_listed(self, n: int) -> bool:
        """Whether a word is what is ranked or picked: "the two stores with", "which store"."""
        before = next((s.role for s in reversed(self.cover[:n]) if s.role != "filler"), "")
        return before in ("number", "top", "bottom", "best", "worst", "which") or before.startswith(("most", "least"))

    def _is_beside_a_metric(self, n: int) -> bool:
        """Whether "and" joins a word to one that is measured: "bookings and booking value"."""
        said = [s for s in self.cover if s.role != "filler"]
        at = said.index(self.cover[n])
        pairs = ((said[at + step : at + step + 1], said[at + 2 * step : at + 2 * step + 1]) for step in (1, -1) if at + 2 * step >= 0)
        return any(link and other and link[0].role in ("and", "comma", "versus") and "metric" in other[0].kinds() for link, other in pairs)

    def _takes(self, sense: Sense, counted: bool, negated: bool, listed: bool) -> bool:
        metrics = self.shape.metrics
        match sense.kind:
            case "metric":
                return any(sense.name == m.name or (m.name not in self.named and sense.name in self._parts(m.name)) for m in metrics)
            case "entity":
                measured = {m.name.removesuffix(".count") for m in metrics if m.name.endswith(".count")}
                if sense.name in measured or not (metrics and not listed):
                    return sense.name in measured or self._has_title(sense.name)
                return not counted and sense.name in self.models
            case "dimension":
                return any(f.target == sense.target for f in self.fields)
            case "value":
                return any(
                    (f.model, f.dimension) == (sense.model, sense.name) and _has(c, sense) and (c.operator in NEGATIVE) is negated
                    for f, c in self.shape.where
                )
            case "date":
                return any((base.name, base.time) == (sense.model, sense.name) for base in self.shape.bases)
            case "join":
                through = [f for f in self.fields if sense.name in f.name.split(".")[:-1]]
                return any(self._has_title(f.model) for f in through) if listed else bool(through)
            case "unit":
                return any(m.unit == sense.name for m in metrics)
        return False

    def _has_title(self, model: str) -> bool:
        """Whether a list shows what tells the things of a model apart."""
        title = self.catalog.models[model].title
        return any(f.model == model and (title is None or f.dimension == title.name) for f in self.shape.by)

    def _parts(self, metric: str) -> tuple[str, ...]:
        """The metrics that a ratio is of: their words name it together."""
        found = self.catalog.metric(metric)
        return (found.numerator, found.denominator) if isinstance(found, RatioMetric) else ()

    def _meanings(self, segment: Segment, kind: str) -> tuple[str, ...]:
        """What a word may mean here as what it was taken for: two are a question to the asker."""
        if kind == "metric":
            found = [s.name for s in segment.senses if s.kind == "metric"]
            return tuple(dict.fromkeys(found)) if not {*found} <= {m.name for m in self.shape.metrics} else ()
        if kind not in ("dimension", "value"):
            return ()
        senses = [s for s in segment.senses if s.kind == kind]
        named = [s for s in self.cover if s is not segment and s.role == "word" and {"join", "entity"} & {*s.kinds()}]
        refs = dict.fromkeys(ref.name for s in senses for ref in self.options.refs(s.model, s.name))
        for owner in named if len(refs) > 1 else ():
            through = owner.only("join") if "join" in owner.kinds() else None
            owned = {s.name for s in owner.senses if s.kind == "entity"}
            narrowed = dict.fromkeys(
                ref.name for s in senses for ref in self.options.refs(s.model, s.name, through) if through is not None or s.model in owned
            )
            refs = narrowed or refs
        used = {f.name for f in self.fields}
        return () if {*refs} <= used else tuple(refs)

    def _role_kept(self, segment: Segment) -> bool:
        """Whether the plan does what a word of the grammar says. A word that no rule here knows is passed over."""
        role = segment.role
        first = segment is next((s for s in self.cover if s.role not in ("filler", "frame")), None)
        if (role == "which" and segment.text.lower().startswith("which")) or (role == "asker" and first):
            return bool(self.shape.by)
        if role == "again":
            return self.before is not None
        if role in FREE or role == "when":
            return True
        if role == "number":
            return self._number_kept(segment)
        if role.startswith("grain:"):
            return any(f.grain == role.removeprefix("grain:") for f in self.shape.by)
        if role.startswith("part:"):
            return any(f.grain == role.removeprefix("part:") for f in self.shape.by)
        if role.startswith("unit:"):
            return all(m.unit == role.removeprefix("unit:") for m in self.shape.metrics)
        rule = KEPT.get(role)
        return rule is not None and rule(self.shape)

    def _number_kept(self, segment: Segment) -> bool:
        """Whether the plan has a number, compared as the word before it says."""
        value = segment.value or 0.0
        value = value / 100 if segment.percent and value not in numbers(self.shape) else value
        self.asked.add(f"number {value:.12g}")
        n = self.cover.index(segment)
        before = next((s.role for s in reversed(self.cover[:n]) if s.role not in ("filler", "than")), "")
        sketch = self.shape.sketch
        compared: set[tuple[str, float]] = {(said.operator, said.value) for said in sketch.having}
        compared |= {(said.operator, float(v)) for said in sketch.where for v in said.values if isinstance(v, float)}
        return value in numbers(self.shape) and (before not in COMPARING or (COMPARING[before], value) in compared)

    # -- from items to words --------------------------------------------------------------------------------------------------

    def _unsaid(self, claimed: set[str]) -> Iterator[str]:
        """The items of the plan that no word asks for, nor the thread before."""
        before = self.before or SemanticQuery()
        for metric in self.shape.metrics:
            ratio = isinstance(metric, RatioMetric) and {*self._parts(metric.name)} <= self.asked
            counted = metric.name.removesuffix(".count") in self.asked
            if not (metric.name in self.asked | claimed | {*before.metrics} or ratio or counted):
                yield metric.name
        for placed in self.shape.by:
            if not (self._is_asked(placed, claimed) or any(placed.name == name.partition(":")[0] for name in before.by)):
                yield placed.name
        for (placed, said), text in zip(self.shape.where, self.shape.query.where, strict=True):
            asked = all(self._is_value_asked(placed, v, claimed) for v in said.values) if said.values else self._is_asked(placed, claimed)
            if not (asked or text in before.where or placed.name in claimed):
                yield f"the condition on {placed.name}"
            elif said.operator in NEGATIVE and not {*LEAVING_OUT, "aside", "unknown"} & self.roles:
                yield f"leaving anything out by {placed.name}"
        exact = [placed.name for placed, said in self.shape.where if said.operator in ("=", "in", "<>", "not in")]
        yield from (f"two conditions on {name}" for name in dict.fromkeys(exact) if exact.count(name) > 1)
        if len(self.shape.sketch.having) > 1:
            yield "more than one threshold"  # which number belongs to which metric is not checked
        for threshold in self.shape.sketch.having:
            if f"number {threshold.value:.12g}" not in self.asked and not {"once", "twice", "never", "no"} & self.roles:
                yield f"the threshold on {threshold.metric}"
        yield from self._unsaid_rest(before)

    def _unsaid_rest(self, before: SemanticQuery) -> Iterator[str]:
        tops = {"top", "bottom", "best", "worst", "ranked by"} & self.roles
        one = tops or any(role.startswith(("most", "least")) for role in self.roles)
        unsaid = {1, 10} if tops else {1} if one else set()
        limit = self.shape.sketch.limit
        if limit and limit not in unsaid and not (f"number {float(limit):.12g}" in self.asked or before.limit):
            yield f"a limit of {limit}"
        if self.shape.sketch.share and not ({"share", "as share", "in percent"} & self.roles or before.share):
            yield "the share"

    def _is_asked(self, placed: Field, claimed: set[str]) -> bool:
        """Whether a word names a field, or the thing that it is the title of; for a time, a word of time."""
        if placed.target in self.asked or placed.name in claimed:
            return True
        model = self.catalog.models[placed.model]
        if model.title is not None and model.title.name == placed.dimension and ({placed.model} & self.asked or self._joined(placed)):
            return True
        timed = {"trend", "grow", "moment"} & self.roles or any(r.startswith(("grain:", "part:", "over:", "end of:")) for r in self.roles)
        return bool(placed.grain and timed)

    def _joined(self, placed: Field) -> bool:
        return any(f".{step}" in target for target in self.asked for step in placed.name.split(".")[:-1])

    def _is_value_asked(self, placed: Field, value: str | float | bool, claimed: set[str]) -> bool:
        if str(value) in claimed or f"{placed.target} = {value}" in self.asked:
            return True
        numeric = isinstance(value, float) and f"number {value:.12g}" in self.asked
        return numeric or (isinstance(value, bool) and placed.target in self.asked)

    # -- time -----------------------------------------------------------------------------------------------------------------

    def _time(self) -> tuple[str, Timing]:
        """What the time words mean with the plan's metrics, read by this program alone; or why they are not read."""
        whens = [(s, s.when or s.senses[0].when) for s in self.cover if s.role == "when" or "period" in s.kinds()]
        read = [(s, when) for s, when in whens if when is not None]
        if any(when.open or when.other for _, when in read):
            return "The date in the question may mean two days: declare it a gap.", Timing()
        if not self.shape.metrics:
            return "Time words in a list are not read." if read else "", Timing()
        asks = {s.role: s for s in self.cover if s.role not in ("word", "when", "filler", "frame", "number", "unknown")}
        leaves = [leaf for metric in self.shape.metrics for leaf in self.catalog.leaves(metric)]
        grains = [f.grain for f in self.shape.by if f.grain]
        draft = Draft(whens=read, asks=dict(asks))
        try:
            due = Times(draft, self.catalog, self.reader, [*self.shape.metrics], leaves, []).timing(grains)
        except (Unread, Lacking) as error:
            return f"The time in the question is not read with these metrics. {error}", Timing()
        return self._compared(due, bool(read))

    def _compared(self, due: Timing, said: bool) -> tuple[str, Timing]:
        """The time of the plan, with a comparison by the model where words ask for one and name no window of it."""
        query = self.shape.query
        if not said and self.before is not None and due.window is None:
            return "", replace(due, window=self.before.window, compare=query.compare and self.before.compare)
        if due.compare is not None or query.compare is None:
            return "", due
        several = len(self.shape.metrics) > 1 or any(said.operator == "in" for said in self.shape.sketch.where)
        if several or numbers(self.shape) or not {"versus", "compare", "than", "more", "less"} & self.roles:
            return "No word of the question asks for a comparison with another time; leave it out.", due
        return "", replace(due, compare=query.compare)

    def _contradiction(self) -> str:
        """That a condition leaves nothing of what a metric counts: a gap, and no zero."""
        leaves = [leaf for metric in self.shape.metrics for leaf in self.catalog.leaves(metric)]
        for placed, said in self.shape.where:
            named, negated = {str(v).lower() for v in said.values}, said.operator in NEGATIVE
            for leaf in leaves if "." not in placed.name else ():
                for kept, inside in own_values(leaf, placed.name) if leaf.model == placed.model else ():
                    words = {str(v).lower() for v in kept}
                    left = words - named if negated else {v for v in named if (v in words) == inside}
                    if not left and (inside or not negated):
                        return f"{leaf.words} counts only rows where {leaf.filter}: declare a contradiction."
        return ""


def _has(condition: Condition, sense: Sense) -> bool:
    return any(str(value) == str(sense.value) or value == sense.value for value in condition.values)
