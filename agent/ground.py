"""Each word of a question meets something: a definition, a time, the closed grammar, or nothing, which is a gap."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from answerable.agent import grammar
from answerable.agent.apart import apart
from answerable.agent.framing import frames
from answerable.agent.lexicon import Lexicon, Sense
from answerable.agent.plan import Span
from answerable.agent.time_words import MONTH_NAMES, WEEKDAYS
from answerable.agent.when import Reader
from answerable.agent.windows import When
from answerable.agent.words import Token, form, lemma, tokens, was_done

KEPT = 12
"""Covers of a question that are kept at each place; more would be ever less likely readings."""
RANK, COST = 4, 16
"""The bits of a way on below its segment, and below its cost."""
_UNKNOWN = 1000
HELPERS = frozenset("was were is are been be being has have had that who which got get still now currently already".split())
"""Words between a noun and its participle: "orders that were placed" are orders placed."""
PARTICLES = frozenset("up in out off on over down".split())
LINKS = frozenset("of the a an for in our to from came come comes were was".split())
"""Words between the parts of a name that is said in another order."""


@dataclass(frozen=True)
class Segment:
    """A span of tokens with one role: `word` (names of the catalogue), `when`, a grammar role, `number`, `frame`, `filler` or `unknown`."""

    start: int
    end: int
    role: str
    text: str
    senses: tuple[Sense, ...] = ()
    when: When | None = None
    value: float | None = None
    percent: bool = False
    money: str = ""
    how: str = "exact"
    lead: str = field(default="", compare=False)
    """The small words before it that no rule uses: "of the"."""
    thing: bool = field(default=False, compare=False)
    """Whether it is also the name of a thing, where it's read as a value."""
    dates: tuple[Sense, ...] = field(default=(), compare=False)
    """The dates that it may pick as a verb, where it's read as a value."""
    measured: bool = field(default=False, compare=False)
    """Whether it is also the name of a metric, where it's read as a thing."""

    def kinds(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(sense.kind for sense in self.senses))

    def only(self, kind: str) -> Segment:
        """The segment read as one kind of thing."""
        kinds = {*self.kinds()} if kind == "value" else set()
        kept = tuple(s for s in self.senses if s.kind == kind)
        dates = tuple(s for s in self.senses if s.kind == "date") if kinds else ()
        measured = kind in ("entity", "join") and any(s.kind == "metric" for s in self.senses)
        return replace(self, senses=kept, thing=bool(kinds & {"entity", "join"}), dates=dates, measured=measured)


Cover = tuple[Segment, ...]
Best = dict[int, list[int]]
"""By token the ways on, the best first: the cost, the segment by its number and the way on after it by its rank, in one number."""


class Grounder:
    """Covers a question's tokens with segments, the likeliest covers first."""

    def __init__(self, text: str, tokens: list[Token], lexicon: Lexicon, reader: Reader, lenient: bool = False) -> None:
        self.text, self.tokens, self.lexicon, self.reader, self.lenient = text, tokens, lexicon, reader, lenient
        self.corrected: dict[int, str] = self._correct() if lenient else {}
        self.frames = dict(frames(text, tokens))
        self.words, self.bases = tuple(token.word for token in self.tokens), tuple(token.base for token in self.tokens)

    def covers(self) -> Iterator[Cover]:
        """The best covers, those with the fewest unknown words and segments first. Linear in the question's length."""
        ways: list[tuple[dict[int, Segment], Best]] = [({}, self._best({}, {}))]
        for said in apart(self.tokens, self.lexicon) if self.lenient else ():
            placed = {i: self._placed(i, *each) for i, each in said.items()}
            ways.append((placed, self._best(placed, ways[0][1])))
        found = [(option >> COST, way, option) for way, (_, best) in enumerate(ways) for option in best[0]]
        for _, way, option in sorted(found):
            placed, best = ways[way]
            cover, i = list[Segment](), 0
            while i < len(self.tokens):
                cover.append(self._from(i, placed)[(option >> RANK) % (1 << COST - RANK)][0])
                i = cover[-1].end
                option = best[i][option % (1 << RANK)]
            yield tuple(cover)

    def _placed(self, i: int, end: int, senses: tuple[Sense, ...]) -> Segment:
        role = "word" if senses else "filler"
        return Segment(i, end, role, self._span(i, end), senses, how="apart")

    def _best(self, placed: dict[int, Segment], plain: Best) -> Best:
        """The best ways on from each token, in which some segments are settled. After the last of those they are the plain ones."""
        last = max(placed) if placed else len(self.tokens) - 1
        best = {i: found for i, found in plain.items() if i > last}
        best.setdefault(len(self.tokens), [0])
        for i in range(last, -1, -1):
            options: list[int] = []
            for n, (segment, cost) in enumerate(self._from(i, placed)):
                rests = best.get(segment.end)
                if not rests or (placed and any(i < start < segment.end for start in placed)):
                    continue
                if len(options) < KEPT or cost + (rests[0] >> COST) < options[-1] >> COST:
                    options += [(cost + (rest >> COST)) << COST | n << RANK | rank for rank, rest in enumerate(rests)]
                    options.sort()
                    del options[KEPT:]
            best[i] = options
        return best

    def _from(self, i: int, placed: dict[int, Segment]) -> list[tuple[Segment, int]]:
        return [(placed[i], 12)] if i in placed else self._options[i]

    @cached_property
    def _options(self) -> list[list[tuple[Segment, int]]]:
        """The segments that begin at each token, with their costs."""
        return [list(self._segments(i)) for i in range(len(self.tokens))]

    @cached_property
    def _forms(self) -> list[str]:
        return [form(word, was_done(self.tokens, n)) for n, word in enumerate(self.words)]

    def _segments(self, i: int) -> Iterator[tuple[Segment, int]]:
        token, found = self.tokens[i], False
        if i in self.frames:
            yield Segment(i, self.frames[i], "frame", self._span(i, self.frames[i])), 5
        timed = False
        for segment, cost in (*self._names(i), *self._grammar(i), *self._time(i)):
            found = True
            timed = timed or segment.role == "when"
            yield (segment, cost) if not self._slipped(segment) else (replace(segment, how="spelling"), cost + 4)
        if token.kind == "number" or token.value is not None:
            found = True
            yield Segment(i, i + 1, "number", token.text, value=token.value, percent=token.percent, money=token.money), 11
        helping = token.word in grammar.GETTING and was_done(self.tokens, i)
        if (token.word in grammar.FILLER or helping) and not (timed or self._is_name(i)):
            found = True
            yield Segment(i, i + 1, "filler", token.text, how="spelling" if i in self.corrected else "exact"), 10
        if self.lenient and not found and token.kind == "word" and (counts := self.lexicon.deverbal.get(lemma(token.word))):
            found = True
            yield Segment(i, i + 1, "word", token.text, tuple(counts), how="verb"), 14
        if not found:
            yield Segment(i, i + 1, "unknown", token.text), _UNKNOWN

    def _is_name(self, i: int) -> bool:
        """Whether a small word is a name in its place: "in the us" is no pronoun."""
        before = self.tokens[i - 1].word if i else ""
        token = self.tokens[i]
        named = token.word in grammar.PRONOUNS and bool(self.lexicon.of([token]))
        return named and before in ("", "the", "in", "from", "at", "of", "our", "by", "and", "not")

    def _slipped(self, segment: Segment) -> bool:
        return any(i in self.corrected for i in range(segment.start, segment.end))

    def _span(self, i: int, j: int) -> str:
        return self.text[self.tokens[i].start : self.tokens[j - 1].end]

    def _names(self, i: int) -> Iterator[tuple[Segment, int]]:
        begins = self.bases[i] in self.lexicon.heads or self.lexicon.written.knows(self.words[i])
        joined = self.bases[i] in self.lexicon.beginnings
        for j in range(min(i + self.lexicon.longest, len(self.tokens)), i, -1):
            bases = self.bases[i:j]
            senses = self.lexicon.meant(bases, self.words[i:j]) if begins else []
            how = "exact"
            if joined and not senses and (key := self.lexicon.joined.get("".join(bases))) and len(key) != len(bases):
                senses, how = self.lexicon.senses[key], "spelling"
            if not senses and j - i > 2 and bases[1] in HELPERS and bases[-1] not in HELPERS:
                content = [t for t in self.tokens[i:j] if t.word not in HELPERS]
                # "orders were delivered" are delivered orders, where they are called so
                senses, how = self.lexicon.of(content) or self.lexicon.of([content[-1], *content[:-1]]), "exact"
            if not senses and self.lenient and bases[0].isalpha():
                senses, how = self._by_forms(i, j)
            if self.lenient and j == i + 1 and senses and all(s.kind != "metric" for s in senses):
                senses = [
                    *senses,
                    *self.lexicon.parts.get(bases[0], ()),
                ]  # "channel" may be the contact channel, where no other is in reach
            if self.lenient and j == i + 1 and senses and was_done(self.tokens, i):
                senses = [*senses, *self.lexicon.lemmas.get((form(self.tokens[i].word, done=True),), ())]  # "did we bill" is no bill
            if senses:
                yield Segment(i, j, "word", self._span(i, j), tuple(senses), how=how), 10 if how == "exact" else 12

    def _by_forms(self, i: int, j: int) -> tuple[list[Sense], str]:
        """Names whose words have other forms, or come in another order: "length of the average visit"."""
        words = self._forms[i:j]
        if words[0] == "not":
            words = ["no", *(word.rstrip("+") for word in words[1:])]
        if words[0] == "no" and words[-1] == "up":
            words.pop()  # who does not show up does not show
        if senses := self.lexicon.lemmas.get(tuple(words), []):
            return senses, "lemma"
        last = self.bases[j - 1]
        if self.words[j - 1] != last and (senses := self.lexicon.written.plural((*self.words[i : j - 1], last))):
            return senses, "lemma"
        if len(words) == 2 and words[1] in PARTICLES and (senses := self.lexicon.lemmas.get((words[0].rstrip("+"), words[1]), [])):
            return senses, "lemma"  # who signed up is a sign-up
        if len(words) == 1:
            return self.lexicon.parts.get(self.tokens[i].base, []), "part"
        return self._in_any_order(i, j, words)

    def _in_any_order(self, i: int, j: int, words: list[str]) -> tuple[list[Sense], str]:
        bags, known = self.lexicon.bags, self.lexicon.in_any_order
        if self.words[i] in LINKS or self.words[j - 1] in LINKS or not known.issuperset((words[0], words[-1])):
            return [], "lemma"
        said = [word for word, token in zip(words, self.tokens[i:j], strict=False) if token.word not in LINKS]
        plain = [lemma(token.word) if was_done(self.tokens, n) else "" for n, token in enumerate(self.tokens[i:j], i)]
        nouns = sorted(word.rstrip("+") if word.rstrip("+") in plain else word for word in said)
        found = (
            bags.get(tuple(sorted(said)))
            or bags.get(tuple(word for word in nouns if word != "on"))
            or bags.get(tuple(sorted(word for word in said if word != "on")), [])
        )
        return (found, "order") if len({s.target for s in found}) == 1 else ([], "lemma")

    def _grammar(self, i: int) -> Iterator[tuple[Segment, int]]:
        for j in range(min(i + _PHRASE_LENGTHS.get(self.words[i], 0), len(self.tokens)), i, -1):
            if role := grammar.PHRASES.get(self.words[i:j]):
                yield Segment(i, j, role, self._span(i, j)), 10
        for n in (2, 1):
            unit = " ".join(self.bases[i : i + n])
            if unit in grammar.UNITS and i + n <= len(self.tokens):
                yield Segment(i, i + n, f"grain:{grammar.UNITS[unit]}", self._span(i, i + n)), 10

    def _time(self, i: int) -> Iterator[tuple[Segment, int]]:
        found = self.reader.at(self.tokens, i)
        if found and found[0] > i:
            yield Segment(i, found[0], "when", self._span(i, found[0]), when=found[1]), 10
        token = self.tokens[i]
        if token.word in ("weekdays", "weekends", "workdays"):
            days = (6, 7) if token.word == "weekends" else (1, 2, 3, 4, 5)
            yield Segment(i, i + 1, "when", token.text, when=When(None, None, weekdays=days)), 9
        if token.base in WEEKDAYS and token.word != token.base:
            day = When(None, None, weekdays=(WEEKDAYS.index(token.base) + 1,))
            yield Segment(i, i + 1, "when", token.text, when=day), 9

    def _correct(self) -> dict[int, str]:
        """Put right words one slip away from one word of the catalogue, the grammar or the calendar, that are no words by themselves."""
        found: dict[int, str] = {}
        for i, token in enumerate(self.tokens):
            if token.kind != "word" or token.value is not None or any(map(self._known, (token.word, token.base))):
                continue
            from answerable.agent.spelling import correction  # its dictionary is loaded only for a word that nothing else knows

            if right := correction(token.word, self.lexicon.near(token.word)) or correction(token.word, _GRAMMAR_WORDS):
                found[i] = right
        if found:
            self.tokens = [replace(token, word=found[i]) if i in found else token for i, token in enumerate(self.tokens)]
        return found

    def _known(self, word: str) -> bool:
        return word in _GRAMMAR_WORDS or self.lexicon.knows(word)


_PHRASE_LENGTHS: dict[str, int] = {}
"""The words of the longest phrase that begins with each word."""
for _phrase in grammar.PHRASES:
    _PHRASE_LENGTHS[_phrase[0]] = max(len(_phrase), _PHRASE_LENGTHS.get(_phrase[0], 0))

_GRAMMAR_WORDS = frozenset(
    word
    for word in {
        *(w for words in grammar.PHRASES for w in words),
        *MONTH_NAMES,
        *grammar.UNITS,
        *WEEKDAYS,
        *grammar.FILLER,
        "yesterday",
        "today",
    }
    if re.fullmatch(r"[a-z]{4,}", word)
)


def unknown(cover: Cover) -> tuple[Segment, ...]:
    """The words of a cover that met nothing, neighbours together."""
    found: list[Segment] = []
    for segment in cover:
        if segment.role == "unknown":
            if found and found[-1].end == segment.start:
                found[-1] = replace(found[-1], end=segment.end, text=f"{found[-1].text} {segment.text}")
            else:
                found.append(segment)
    return tuple(found)


def spans_of(text: str, cover: Cover, said: list[Token] | None = None) -> tuple[Span, ...]:
    """A cover as spans of the question's characters: what took each, and how."""
    said = said or tokens(text)
    return tuple(_span(text, said, segment) for segment in cover)


def _span(text: str, said: list[Token], segment: Segment) -> Span:
    start, end = said[segment.start].start, said[segment.end - 1].end
    text = text[start:end]
    if segment.role == "word":
        sense: Sense = segment.senses[0]
        how = sense.how if segment.how == "exact" else segment.how
        return Span(text, start, end, sense.kind, " | ".join(dict.fromkeys(s.target for s in segment.senses)), how)
    if segment.role == "when" and segment.when is not None:
        when = segment.when
        return Span(text, start, end, "time", f"{when.start or '…'}/{when.end or '…'}", segment.how)
    if segment.role == "unknown":
        return Span(text, start, end, "gap", "", "none")
    kind = segment.role if segment.role in ("number", "frame") else "grammar"
    return Span(text, start, end, kind, segment.role, segment.how)
