"""How a name becomes the words that people say: case, hyphens and plurals folded away. Knows no grammar of questions."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_PARTS = re.compile(r"[^\W_]+(?:[.,]\d+)*", re.UNICODE)
_IRREGULAR = {"people": "person", "children": "child", "men": "man", "women": "woman", "data": "data", "series": "series", "news": "news"}
_KEEP = ("ss", "us", "is", "ous")


def fold(text: str) -> str:
    """`No-Shows` → `no show`: the form in which names are compared."""
    return " ".join(key(text))


def key(text: str) -> tuple[str, ...]:
    """The folded words of a name or a phrase."""
    return tuple(singular(word) for word in pieces(text))


def pieces(text: str) -> list[str]:
    """The words of a text in lower case, without accents' variants of width and form."""
    return [match[0].lower() for match in _PARTS.finditer(unicodedata.normalize("NFKC", text))]


@lru_cache(maxsize=100_000)
def singular(word: str) -> str:
    """The singular of an English noun by its regular endings; other words come back as they are."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or not word.endswith("s") or word.endswith(_KEEP):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def plurals(word: str) -> list[str]:
    """The words that have this singular, the word itself among them where it is its own."""
    endings = [word, f"{word}s", f"{word}es", f"{word[:-1]}ies", *(many for many, one in _IRREGULAR.items() if one == word)]
    return [many for many in dict.fromkeys(endings) if singular(many) == word]
