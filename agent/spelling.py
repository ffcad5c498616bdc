"""Slips of the fingers: which known word an unknown one was meant to be. Knows the catalogue's words, and English."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import simplemma
from answerable.agent.words import slips
from answerable.context.words import singular
from rapidfuzz.distance import OSA


def correction(word: str, known: Iterable[str]) -> str | None:
    """The one word of `known` that `word` is a slip for, or None: never where two are as near, or where it is a word itself."""
    if len(word) < 4 or not word.isalpha() or is_english(word):
        return None
    most = slips(word)
    near: dict[int, set[str]] = {}
    for other in known:
        if abs(len(other) - len(word)) <= most + 1 and other[0] == word[0]:
            distance = min(OSA.distance(word, form, score_cutoff=most) for form in _forms(other, word))
            if distance <= most:
                near.setdefault(distance, set()).add(other)
    for distance in sorted(near):
        return near[distance].pop() if len(near[distance]) == 1 else None
    return None


def _forms(known: str, word: str) -> tuple[str, ...]:
    """The forms of a known word that a misspelt one may be of: its plural too, where that one ends like a plural."""
    return (known, f"{known}s") if singular(word) != word else (known,)


@lru_cache(maxsize=10_000)
def is_english(word: str) -> bool:
    """Whether an English dictionary has the word."""
    return bool(simplemma.is_known(word, lang="en"))
