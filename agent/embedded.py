"""The embedded planner: deterministic, needs no key and no network. It reads what it has rules for, and never guesses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from answerable.agent import grammar
from answerable.agent.assemble import candidates, measured_by
from answerable.agent.catalogue import about
from answerable.agent.draft import Draft, Unread
from answerable.agent.framing import frames, whether
from answerable.agent.ground import Cover, Grounder, Segment, spans_of, unknown
from answerable.agent.lexicon import Lexicon, Sense
from answerable.agent.options import Options, join_gap
from answerable.agent.plan import NOT_JOINABLE, NOT_SUPPORTED, UNKNOWN_TERM, UNKNOWN_VALUE, Gap, Lacking, Plan, Reading, Span
from answerable.agent.planned import Candidate
from answerable.agent.thread import Turn, kept_words, merged, says_something, settled, whole
from answerable.agent.walk import drafts
from answerable.agent.when import Reader
from answerable.agent.why import asked_why
from answerable.agent.words import Token, tokens
from answerable.context.paths import paths
from answerable.context.query import SemanticQuery

LONGEST = 400
"""Words of a question that are still read."""


def plan(text: str, lexicon: Lexicon, reader: Reader, earlier: tuple[Turn, ...] = ()) -> Plan:
    """One reading, several to ask about, or gaps. `earlier` are the turns of the thread, oldest first.

    The lenient pass (word forms, spelling) comes only where the strict one finds no reading.
    """
    said = tokens(text)
    if fixed := _before_reading(text, said, lexicon, follows=bool(earlier)):
        return fixed
    if why := asked_why(text, lambda rest: plan(rest, lexicon, reader, earlier), lambda: _last(earlier, lexicon, reader)):
        return why
    before = _recalled(earlier, lexicon, reader)
    framed = {n for start, end in frames(text, said) for n in range(start, end)}
    rest = _bare([token for n, token in enumerate(said) if n not in framed and token.kind != "sign"])
    if told := about(rest, lexicon) or _definition(rest, lexicon, text, earlier):
        return told
    strict = _Search(text, said, lexicon, reader, False, before).plan()
    if strict.readings:
        return strict
    lenient = _Search(text, said, lexicon, reader, True, before).plan()
    return lenient if lenient.readings or len(lenient.gaps[0].text) < len(strict.gaps[0].text) else strict


def _recalled(earlier: tuple[Turn, ...], lexicon: Lexicon, reader: Reader) -> Draft | None:
    """What the thread is about: its turns folded into one draft, each replacing what it says anew, as its plan settled it."""
    about: Draft | None = None
    for turn in earlier:
        for lenient in (False, True):
            draft = _Search(turn.question, tokens(turn.question), lexicon, reader, lenient, about).first_draft()
            if draft is not None:
                about = draft
                break
        about = settled(about, turn.plan) if about else None
    return about


def _named(said: list[Token], verb: str, lexicon: Lexicon) -> bool:
    """Whether a word that could be an order begins a name: "refund rate", or "orders" without an object."""
    i = next(n for n, token in enumerate(said) if token.word == verb)
    if any(lexicon.of(said[i:j]) for j in range(i + 2, min(i + 5, len(said) + 1))):
        return True
    object_follows = i + 1 < len(said) and said[i + 1].word in grammar.DETERMINERS
    return bool(lexicon.of(said[i : i + 1])) and not object_follows


def _last(earlier: tuple[Turn, ...], lexicon: Lexicon, reader: Reader) -> Plan:
    """The plan of the last turn that was a question by itself."""
    return plan(earlier[-1].question, lexicon, reader, earlier[:-1]) if earlier else Plan()


def _before_reading(text: str, said: list[Token], lexicon: Lexicon, follows: bool = False) -> Plan | None:
    """What is no question, told before it's read."""
    if not any(token.kind in ("word", "number") for token in said):
        return Plan(kind="none", says="Ask about a number, for example “revenue by region last month”.")
    if len(said) > LONGEST:
        return Plan(kind="none", says=f"The question has more than {LONGEST} words. Ask it in a sentence or two.")
    words = tuple(token.word for token in _bare([token for token in said if token.kind != "sign"]))
    if " ".join(words) in grammar.CATALOGUE or " ".join(words).removesuffix(" about") in grammar.CATALOGUE:
        return Plan(kind="catalogue")
    first = next((token.word for token in said if token.word not in grammar.POLITE), "")
    if first in ("select", "with") and " from " in f" {text.lower()} ":
        return Plan(kind="none", says="That is SQL. `answerable sql` runs it through the same gate; here, ask in words.")
    verb = next((n for n, token in enumerate(said) if token.word == first), 0)
    if first in ("change", "drop", "update", "order") and [token.word for token in said[verb + 1 : verb + 2]] in (["in"], ["of"]):
        return None
    if first in grammar.ACTIONS and not _named(said, first, lexicon) and not (follows and first in grammar.LEAVES_OUT):
        return Plan(
            kind="order" if first in grammar.LEAVES_OUT else "none",
            says=f"answerable reads data and changes nothing, so it does not {first} anything. Ask for a number instead.",
        )
    if all(token.word in grammar.SMALL_TALK for token in said if token.kind != "sign"):
        return Plan(kind="none", says="Ask about a number, for example “revenue by region last month”.")
    return None


def _definition(inner: list[Token], lexicon: Lexicon, text: str, earlier: tuple[Turn, ...]) -> Plan | None:
    """ "What is churn", "how is revenue calculated": the whole question is a pattern around one item."""
    words = [token.word for token in inner]
    if found := _difference(inner, lexicon, text):
        return found
    for before, after in grammar.DEFINITIONS:
        head, tail = list(grammar.phrase(before)), list(grammar.phrase(after))
        if words[: len(head)] != head or (tail and words[-len(tail) :] != tail) or len(words) <= len(head) + len(tail):
            continue
        middle = inner[len(head) : len(inner) - len(tail)]
        while middle and middle[0].word in ("the", "a", "an", "our", "we", "by"):
            middle = middle[1:]
        senses = lexicon.of(middle)
        if [token.word for token in middle] in (["that"], ["it"], ["this"]) and earlier and earlier[-1].plan:
            senses = [Sense("metric", name) for name in earlier[-1].plan.get("metrics", ()) if name in lexicon.catalog.metrics]
        if senses and (after or before not in grammar.WEAK_DEFINITIONS or all(s.kind == "metric" for s in senses)):
            span = text[middle[0].start : middle[-1].end]
            spans = (Span(span, middle[0].start, middle[-1].end, senses[0].kind, senses[0].target, senses[0].how),)
            items = dict.fromkeys(s.target for s in senses if s.kind != "value") or dict.fromkeys(s.target for s in senses)
            readings = tuple(Reading(query=SemanticQuery(), spans=spans, definition=item) for item in items)
            return Plan(readings=readings, spans=spans, kind="definition")
    return None


def _difference(inner: list[Token], lexicon: Lexicon, text: str) -> Plan | None:
    """ "What is the difference between revenue and net revenue": both definitions."""
    words = [token.word for token in inner]
    start = next((n + 2 for n in range(len(words) - 1) if words[n] == "difference" and words[n + 1] == "between"), 0)
    cut = words.index("and", start) if start and "and" in words[start:] else 0
    if not cut or set(words[: start - 2]) - {"what", "what's", "is", "the", "are", "a"}:
        return None
    sides = [inner[start:cut], inner[cut + 1 :]]
    sides = [side[1:] if side and side[0].word in ("the", "a", "our") else side for side in sides]
    named = [[s for s in lexicon.of(side) if s.kind == "metric"] if side else [] for side in sides]
    if not all(named):
        return None
    spans = tuple(
        Span(text[side[0].start : side[-1].end], side[0].start, side[-1].end, "metric", senses[0].target, senses[0].how)
        for side, senses in zip(sides, named, strict=True)
    )
    items = dict.fromkeys(s.target for senses in named for s in senses)
    return Plan(readings=tuple(Reading(SemanticQuery(), spans, definition=item) for item in items), spans=spans, kind="definition")


def _bare(said: list[Token]) -> list[Token]:
    """The tokens without the politeness around them."""
    start, end = 0, len(said)
    while start < end and said[start].word in (
        "any",
        "idea",
        "please",
        "hi",
        "hello",
        "hey",
        "can",
        "could",
        "you",
        "so",
        "and",
        "ok",
        "sorry",
        "would",
        "but",
    ):
        start += 1
    while end > start and said[end - 1].word in _AFTER:
        end -= 1
    return said[start:end]


_AFTER = frozenset("please exactly here to me us for again actually in our company at anyway thanks thank you really again and".split())


@dataclass
class _Search:
    """Tries covers, likeliest first, and keeps every reading of the first that hold."""

    text: str
    said: list[Token]
    lexicon: Lexicon
    reader: Reader
    lenient: bool
    before: Draft | None = None

    def first_draft(self) -> Draft | None:
        """The likeliest draft that gives a plan, made whole by the thread."""
        for cover in Grounder(self.text, self.said, self.lexicon, self.reader, self.lenient).covers():
            if unknown(cover):
                return None
            try:
                for draft in self._drafts(cover):
                    if candidates(draft, self.lexicon, self.reader):
                        return draft
            except (Lacking, Unread):
                continue
        return None

    def _drafts(self, cover: Cover) -> Iterator[Draft]:
        """The drafts of a cover; a follow-up's inherit from the thread."""
        failure: Unread | None = None
        found = False
        for draft in drafts(cover, self.lexicon.catalog, follows=self.before is not None):
            try:
                made = self._made_whole(draft)
            except Unread as unread:
                failure = failure or unread
                continue
            found = True
            if self._is_asked_to_be_true(cover):
                made = replace(made, asks=made.asks | {"yes or no": None})
            yield from _dated(measured_by(made))
        if failure and not found:
            raise failure

    def _is_asked_to_be_true(self, cover: Cover) -> bool:
        """Whether it is a yes/no question: it begins with a helping verb, or after "whether"."""
        rest = [segment for segment in cover if segment.role != "frame"]
        first = self.said[rest[0].start].word if rest else ""
        framed = any(s.role == "frame" and whether(self.said, (s.start, s.end)) for s in cover)
        return framed or first in grammar.AUXILIARIES or any(s.role == "is it true" for s in cover)

    def _made_whole(self, draft: Draft) -> Draft:
        if self.before is None or whole(draft):
            return draft
        if not says_something(draft):
            raise Unread(None)
        return replace(merged(self.before, draft), kept=kept_words(self.before, draft))

    def plan(self) -> Plan:
        covers = Grounder(self.text, self.said, self.lexicon, self.reader, self.lenient).covers()
        first = next(covers)
        missing = unknown(first)
        if missing:
            return Plan(gaps=tuple(self._gap(segment) for segment in missing), spans=self._spans(first))
        found: dict[str, tuple[int, Reading]] = {}
        lacks: Gap | None = None
        unread: Gap | None = None
        size = 0
        whole = set[tuple[int, int]]()
        for cover in chain([first], covers):
            if unknown(cover) or (found and len(cover) > size):
                break
            if whole - {(s.start, s.end) for s in cover}:
                continue  # a name is known as a whole: its parts would be another question
            try:
                for cost, reading in self._readings(cover):
                    known = found.get(reading.query.hash + reading.check)
                    if known is None or cost < known[0]:
                        found[reading.query.hash + reading.check] = (cost, reading)
                size = size or len(cover) if found else 0
            except Lacking as lacking:
                lacks = lacks or self._placed(lacking.gap)
                whole |= {(s.start, s.end) for s in cover if s.end - s.start > 1 and "metric" in s.kinds()}
                if lacking.gap.type != NOT_JOINABLE and not found:
                    break  # what the longest names mean is known: a shorter reading would be another question
            except Unread as failed:
                unread = unread or self._unread(failed, cover)
        if found:
            least = min(cost for cost, _ in found.values())
            kept = [reading for cost, reading in found.values() if cost == least]
            readings = tuple(
                sorted(kept, key=lambda reading: len(reading.query.where))
            )  # those that a definition says by itself come first
            return Plan(readings=readings, spans=_together(readings))
        gap = lacks or unread or Gap(NOT_SUPPORTED, self.text, says=_NOT_READ)
        more = tuple(far for far in self._out_of_reach(first) if far.start != gap.start)
        return Plan(gaps=(gap, *more), spans=self._spans(first))

    def _readings(self, cover: Cover) -> list[tuple[int, Reading]]:
        found: list[tuple[int, Reading]] = []
        failure: Exception | None = None
        spans = self._spans(cover)
        for draft in self._drafts(cover):
            try:
                found += [(_cost(cover, c), _reading(c, spans, cover)) for c in candidates(draft, self.lexicon, self.reader)]
            except (Lacking, Unread) as error:
                failure = failure if isinstance(failure, Lacking) else error
        if not found and failure is not None:
            raise failure
        return found

    # -- gaps -----------------------------------------------------------------------------------------------------------------

    def _gap(self, segment: Segment) -> Gap:
        start, end = self.said[segment.start].start, self.said[segment.end - 1].end
        if self._may_be_value(segment):
            return Gap(UNKNOWN_VALUE, segment.text, start, end, closes="a value, or a synonym of one, of this name")
        return Gap(UNKNOWN_TERM, segment.text, start, end, closes="a metric, a dimension or a synonym of this name")

    def _may_be_value(self, segment: Segment) -> bool:
        """Whether an unknown word stands where a value would: after "in" or "at", or with a capital within the question."""
        token = self.said[segment.start]
        before = self.said[segment.start - 1].word if segment.start else ""
        return before in ("in", "at", "from", "not") or (segment.start > 0 and before not in ".?!" and token.text[:1].isupper())

    def _out_of_reach(self, cover: Cover) -> Iterator[Gap]:
        """A gap for each name that no metric of the question reaches, whatever else is in the way."""
        catalog = self.lexicon.catalog
        named = [metric for s in cover for sense in s.senses if sense.kind == "metric" and (metric := catalog.metric(sense.name))]
        bases = [base for metric in named for leaf in catalog.leaves(metric) if (base := catalog.models.get(leaf.model or ""))]
        for segment in cover if bases else ():
            if segment.role != "word" or {"metric", "period", "date", "unit", "join"} & {*segment.kinds()}:
                continue
            models = {s.name if s.kind == "entity" else s.model for s in segment.senses}
            if not any(base.name in models or any(paths(catalog, base, model) for model in models) for base in bases):
                options = Options(catalog, bases[:1], frozenset())
                gap = join_gap(segment, options, named[:1])
                yield replace(gap, start=self.said[segment.start].start, end=self.said[segment.end - 1].end)

    def _placed(self, gap: Gap) -> Gap:
        at = self.text.find(gap.text) if gap.text else -1
        return replace(gap, start=at, end=at + len(gap.text)) if at >= 0 else gap

    def _unread(self, unread: Unread, cover: Cover) -> Gap:
        telling = [s for s in cover if s.role == "word" or s.role in _TELLING]
        segment = unread.segment or next(iter(sorted(telling, key=lambda s: s.role == "word")), None)
        if segment is None or segment not in cover:
            return Gap(NOT_SUPPORTED, self.text, says=_NOT_READ)
        start, end = self.said[segment.start].start, self.said[segment.end - 1].end
        says = unread.says or f"“{segment.text}” is known, and the way the question uses it is not read yet."
        return Gap(NOT_SUPPORTED, segment.text, start, end, says=says)

    def _spans(self, cover: Cover) -> tuple[Span, ...]:
        return spans_of(self.text, cover, self.said)


_NOT_READ = "Every word is known, and the question has a shape that is not read yet."


_TELLING = (
    "rate",
    "share",
    "size",
    "conversion",
    "cumulative",
    "average",
    "best",
    "worst",
    "most",
    "least",
    "grow",
    "rose",
    "fell",
    "trend",
)
"""Roles that are named first where a question has no shape that is read."""


def _dated(draft: Draft) -> Iterator[Draft]:
    """A draft for each day that an ambiguous date may mean."""
    yield draft
    for n, (segment, when) in enumerate(draft.whens):
        if when.other is not None:
            yield replace(draft, whens=[*draft.whens[:n], (segment, when.other), *draft.whens[n + 1 :]])


def _reading(candidate: Candidate, spans: tuple[Span, ...], cover: Cover) -> Reading:
    spans = tuple(_chosen(span, candidate.targets) for span in spans)
    taken = [
        f"“{s.text}” is read as {_meant(s, candidate)}."
        for s in cover
        if s.how in ("spelling", "lemma", "order", "apart", "part", "verb") and s.role != "filler"
    ]
    words, said = ", ".join(candidate.chosen), (*taken, *candidate.assumptions)
    return Reading(candidate.query, spans, candidate.compiled, words, candidate.scope, said, check=candidate.check)


def _meant(segment: Segment, candidate: Candidate) -> str:
    """What a word was taken for, of all that it may mean."""
    targets = [sense.target for sense in segment.senses]
    return next((target for target in targets if target in candidate.targets), targets[0] if targets else segment.role)


def _chosen(span: Span, targets: frozenset[str]) -> Span:
    """A span with the one of its meanings that the plan took."""
    meant = [target for target in span.target.split(" | ") if target in targets]
    return replace(span, target=meant[-1]) if meant else span


def _together(readings: tuple[Reading, ...]) -> tuple[Span, ...]:
    """The spans of one reading; of several, each with all that it is taken for."""
    first, *others = (reading.spans for reading in readings)
    targets = [dict.fromkeys([span.target, *(o[n].target for o in others if len(o) == len(first))]) for n, span in enumerate(first)]
    return tuple(replace(span, target=" | ".join(said)) for span, said in zip(first, targets, strict=True))


def _cost(cover: Cover, candidate: Candidate) -> int:
    """What is measured is a metric before it is a count of rows; a word that is a thing is that before it is a value."""
    counted = any(name.endswith(".count") for name in candidate.query.metrics)
    listed = not candidate.query.metrics and any("metric" in s.kinds() for s in cover)
    values = {part for text in candidate.query.where for part in re.findall(r"'([^']*)'", text)}
    things = sum(any(str(s.value) in values for s in seg.senses if s.kind == "value") and "entity" in seg.kinds() for seg in cover)
    return 2 * int(counted or listed or candidate.thing) + things
