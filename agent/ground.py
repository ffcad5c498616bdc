"""Each word of a question meets something: a definition, a time, the closed grammar, or nothing, which is a gap."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from answerable.agent import grammar
from answerable.agent.lexicon import Lexicon, Sense
from answerable.agent.periods import MONTH_NAMES, WEEKDAYS, When
from answerable.agent.when import Reader
from answerable.agent.words import Token, lemma

KEPT = 12
"""Covers of a question that are kept at each place; more would be ever less likely readings."""
_UNKNOWN = 1000


@dataclass(frozen=True)
class Segment:
    """A span of tokens with one role: `word` (names of the catalogue), `when`, a grammar role, `number`, `filler` or `unknown`."""

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

    def kinds(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(sense.kind for sense in self.senses))

    def only(self, kind: str) -> Segment:
        """The segment read as one kind of thing."""
        return replace(self, senses=tuple(s for s in self.senses if s.kind == kind))


Cover = tuple[Segment, ...]


class Grounder:
    """Covers a question's tokens with segments, the likeliest covers first."""

    def __init__(self, text: str, tokens: list[Token], lexicon: Lexicon, reader: Reader, lenient: bool = False) -> None:
        self.text, self.tokens, self.lexicon, self.reader, self.lenient = text, tokens, lexicon, reader, lenient

    def covers(self) -> list[Cover]:
        """The best covers, those with the fewest unknown words and segments first. Linear in the question's length."""
        best: dict[int, list[tuple[int, Cover]]] = {len(self.tokens): [(0, ())]}
        for i in range(len(self.tokens) - 1, -1, -1):
            options = [
                (cost + tail_cost, (segment, *tail)) for segment, cost in self._segments(i) for tail_cost, tail in best.get(segment.end, ())
            ]
            best[i] = sorted(options, key=lambda option: option[0])[:KEPT]
        return [cover for _, cover in best[0]]

    def _segments(self, i: int) -> Iterator[tuple[Segment, int]]:
        token, found = self.tokens[i], False
        for segment, cost in (*self._names(i), *self._grammar(i), *self._time(i)):
            found = True
            yield segment, cost
        if token.kind == "number" or token.value is not None:
            found = True
            yield Segment(i, i + 1, "number", token.text, value=token.value, percent=token.percent, money=token.money), 11
        if token.word in grammar.FILLER or token.base in grammar.FILLER:
            found = True
            yield Segment(i, i + 1, "filler", token.text), 10
        if not found and self.lenient:
            for segment in self._spelling(i):
                found = True
                yield segment, 14
        if not found:
            yield Segment(i, i + 1, "unknown", token.text), _UNKNOWN

    def _span(self, i: int, j: int) -> str:
        return self.text[self.tokens[i].start : self.tokens[j - 1].end]

    def _names(self, i: int) -> Iterator[tuple[Segment, int]]:
        for j in range(min(i + self.lexicon.longest, len(self.tokens)), i, -1):
            bases = [token.base for token in self.tokens[i:j]]
            senses = self.lexicon.of(self.tokens[i:j])
            how = "exact"
            if not senses and (key := self.lexicon.joined.get("".join(bases))) and len(key) != len(bases):
                senses, how = self.lexicon.senses[key], "spelling"
            if not senses and self.lenient and j - i <= 4 and bases[0].isalpha():
                senses, how = self.lexicon.lemmas.get(tuple(lemma(token.word) for token in self.tokens[i:j]), []), "lemma"
            if senses:
                yield Segment(i, j, "word", self._span(i, j), tuple(senses), how=how), 10 if how == "exact" else 12

    def _grammar(self, i: int) -> Iterator[tuple[Segment, int]]:
        for j in range(min(i + grammar.LONGEST, len(self.tokens)), i, -1):
            words = tuple(token.word for token in self.tokens[i:j])
            if role := grammar.PHRASES.get(words):
                yield Segment(i, j, role, self._span(i, j)), 10
        for n in (2, 1):
            unit = " ".join(token.base for token in self.tokens[i : i + n])
            if unit in grammar.UNITS and i + n <= len(self.tokens):
                yield Segment(i, i + n, f"grain:{grammar.UNITS[unit]}", self._span(i, i + n)), 10

    def _time(self, i: int) -> Iterator[tuple[Segment, int]]:
        found = self.reader.at(self.tokens, i)
        if found and found[0] > i:
            yield Segment(i, found[0], "when", self._span(i, found[0]), when=found[1]), 10
        token = self.tokens[i]
        if token.base in WEEKDAYS and token.word != token.base:
            day = When(None, None, weekdays=(WEEKDAYS.index(token.base) + 1,))
            yield Segment(i, i + 1, "when", token.text, when=day), 9

    def _spelling(self, i: int) -> Iterator[Segment]:
        """A word one slip away from one word of the catalogue, the grammar or the calendar, and no word by itself."""
        from answerable.agent.spelling import correction  # its dictionary is loaded only for a word that nothing else knows

        token = self.tokens[i]
        right = correction(token.word, self.lexicon.vocabulary | _GRAMMAR_WORDS)
        if right is None:
            return
        fixed = [*self.tokens]
        fixed[i] = replace(token, word=right)
        other = Grounder(self.text, fixed, self.lexicon, self.reader)
        for segment, _ in (*other._names(i), *other._grammar(i), *other._time(i)):
            yield replace(segment, how="spelling")
        if right in grammar.FILLER:
            yield Segment(i, i + 1, "filler", token.text, how="spelling")


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
