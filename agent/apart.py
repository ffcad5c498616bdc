"""Names whose words stand apart in a question: in "how many patients did we see" stands "patients seen"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from answerable.agent.grammar import PERSONS
from answerable.agent.lexicon import AMOUNTS, Lexicon
from answerable.agent.senses import Key, Sense
from answerable.agent.words import Token, form, was_done

Placed = dict[int, tuple[int, tuple[Sense, ...]]]
"""Segments by the token at which they begin: the token after them, and what they mean; nothing for a word that belongs to another."""
FARTHEST = 10
"""Tokens between a noun and its verb."""


def apart(said: Sequence[Token], lexicon: Lexicon) -> Iterator[Placed]:
    """Each way to see a metric in a verb and a noun of one clause that are not beside each other."""
    for v, token in enumerate(said):
        if token.kind != "word":
            continue
        if (much := lexicon.amounts.get(token.base)) and any(said[n].word == "much" for n in _near(said, v) if n < v):
            yield {v: (v + 1, tuple(much))}
        for rest, senses in lexicon.verbal.get(form(token.word, was_done(said, v)), ()):
            for n in _places(said, v, rest):
                yield {n: (n + len(rest), tuple(senses)), v: (v + 1, ())}
            if len(rest) == 1 and rest[0] in AMOUNTS and any(said[n].word in ("much", "what") for n in _near(said, v) if n < v):
                yield {v: (v + 1, tuple(senses))}
            if len(rest) == 1 and rest[0] in _PIECES and any(_is_value(said, n, lexicon) for n in _near(said, v)):
                yield {v: (v + 1, tuple(senses))}
            if len(rest) == 1 and any(_is_one(said, n, rest[0], lexicon) for n in _near(said, v)):
                yield {v: (v + 1, tuple(senses))}


_PIECES = frozenset("unit piece item copy product article".split())
"""Nouns for whatever is counted: "how many chairs did we sell" are units sold."""


def _is_value(said: Sequence[Token], n: int, lexicon: Lexicon) -> bool:
    for tokens in (said[n : n + 1], said[n : n + 2]):
        several = (*(token.word for token in tokens[:-1]), tokens[-1].base)
        if any(s.kind == "value" for s in (*lexicon.of(tokens), *lexicon.written.plural(several))):
            return True
    return False


def _near(said: Sequence[Token], v: int) -> list[int]:
    """The tokens of the same clause that are near."""
    first = max((n + 1 for n in range(v) if said[n].kind == "sign" and said[n].word in ".;:?!"), default=0)
    last = next((n for n in range(v, len(said)) if said[n].kind == "sign" and said[n].word in ".;:?!"), len(said))
    return [n for n in range(max(first, v - FARTHEST), min(last, v + FARTHEST)) if n != v]


def _places(said: Sequence[Token], v: int, rest: Key) -> Iterator[int]:
    near = _near(said, v)
    for n in near:
        words = tuple(token.base for token in said[n : n + len(rest)])
        person = len(rest) == 1 and words == ("person",) and rest[0] in PERSONS
        if (words == rest or person) and set(range(n, n + len(rest))) <= set(near):
            yield n


def _is_one(said: Sequence[Token], n: int, thing: str, lexicon: Lexicon) -> bool:
    """Whether a word names one of the things by a value that it has: women are patients."""
    models = {s.name for s in lexicon.senses.get((thing,), ()) if s.kind == "entity"}
    return any(s.kind == "value" and s.model in models for s in lexicon.of(said[n : n + 1]))
