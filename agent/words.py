"""A question as tokens with their places: words, numbers, dates and signs. Knows no catalogue."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from answerable.context.words import singular

_TOKEN = re.compile(
    r"""(?P<date>\d{4}-\d{2}-\d{2}|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}|\d{4}-\d{2}(?![\d-])|(?:0?[1-9]|1[0-2])/\d{4}(?![\d/]))
      | (?P<number>[$€£]?\s?\d+(?:,\d{3})+(?:\.\d+)?|[$€£]?\d+(?:\.\d+)?)(?P<unit>[kmb](?![\w])|%|(?:st|nd|rd|th)\b)?
      | (?P<word>[^\W\d_]+(?:[’'][^\W\d_]+)?(?:\d+)?)
      | (?P<year>['’]\d{2}\b)
      | (?P<sign>>=|<=|->|[><=+&%,:;?!.]|(?<=\s)[-–—](?=\s))
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_SCALE = {"k": 1e3, "m": 1e6, "b": 1e9}
_NEGATED = {
    "didn": "did", "doesn": "does", "don": "do", "isn": "is", "aren": "are", "wasn": "was", "weren": "were", "hasn": "has",
    "haven": "have", "hadn": "had", "couldn": "could", "wouldn": "would", "shouldn": "should", "won": "will",
}  # fmt: skip
"""Helping verbs before "n't"."""
_AGREED = frozenset("is are was were did do does has have had".split())
_SHORT = {
    "avg": "average", "mean": "average", "pct": "percent", "percentage": "percent", "qtr": "quarter", "qtrs": "quarter", "yr": "year",
    "yrs": "year",
    "mth": "month", "wk": "week", "vs": "versus", "n": "and", "pls": "please", "plz": "please", "u": "you", "ppl": "person",
    "whats": "what",
}  # fmt: skip
NUMBERS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
    "twenty": 20,
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100, "thousand": 1000,
    "dozen": 12,
}  # fmt: skip
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "dozen": 12, "mio": 1e6, "mn": 1e6, "bn": 1e9}
_DOTTED = frozenset({"avg", "approx", "incl", "excl", "vs", "pct", "qtr", "yr", "wk", "mth"})
"""Short forms that are written with a full stop."""
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}


@dataclass(frozen=True)
class Token:
    """One word, number, date or sign of the question. `word` is folded, `value` the number that it stands for."""

    text: str
    start: int
    end: int
    kind: str
    word: str
    value: float | None = None
    percent: bool = False
    money: str = ""
    """The sign of a currency."""
    hyphen: bool = False
    """Whether it hangs on the token before it by a hyphen."""
    base: str = field(init=False)
    """The word in the singular, as names are compared."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "base", singular(self.word))


def tokens(text: str) -> list[Token]:
    """The tokens of a question; spaces and marks without meaning are left out."""
    found: list[Token] = []
    text = _ESCAPE.sub(lambda sequence: " " * len(sequence[0]), unicodedata.normalize("NFC", text))
    for match in _TOKEN.finditer(text):
        hyphen = bool(found) and match.start() > 0 and text[match.start() - 1] in "-‐‑–" and found[-1].end == match.start() - 1
        if match[0] == "." and found and found[-1].end == match.start() and found[-1].text.lower() in _DOTTED:
            continue  # "avg. order value" is one sentence
        found += _token(match, hyphen)
    return _numbers(_asked_to_agree(found))


def _asked_to_agree(said: list[Token]) -> list[Token]:
    """ "Wasn't revenue higher in May?" asks whether it was: the "n't" of its first word denies nothing."""
    if len(said) < 3 or said[1].word != "not" or said[1].text.lower() == "not" or said[0].word not in _AGREED:
        return said
    if said[0].word == "do" and said[2].word not in ("we", "you", "they", "our", "the"):
        return said  # "don't show gold customers"
    return [said[0], *said[2:]]


def _numbers(said: list[Token]) -> list[Token]:
    """`two thousand`, `1.5 million`, `a hundred`: a number in several words is one token."""
    if not any(token.word in _SCALES for token in said):
        return said
    found: list[Token] = []
    for token in said:
        scale, before = _SCALES.get(token.word), found[-1] if found else None
        if scale is None or before is None or before.percent or not (before.word in ("a", "an") or before.value is not None):
            found.append(token)
            continue
        value = (before.value if before.value is not None else 1) * scale
        text = f"{before.text} {token.text}"
        found[-1] = replace(before, text=text, end=token.end, kind="number", word=f"{value:.12g}", value=value)
    return found


def _token(match: re.Match[str], hyphen: bool) -> list[Token]:
    text, start, end = match[0], match.start(), match.end()
    if match["number"]:
        plain = match["number"].replace(",", "").strip("$€£ ")
        unit = (match["unit"] or "").lower()
        if re.fullmatch(r"\d{1,3}\.\d{3}", plain):
            return [Token(text, start, end, "number", plain, hyphen=hyphen)]  # a thousand to some, and one to others
        suffix = "" if unit in ("%", "") or unit in _SCALE else unit
        money = match["number"][0] if match["number"][0] in "$€£" else ""
        return [Token(text, start, end, "number", plain + suffix, float(plain) * _SCALE.get(unit, 1), unit == "%", money, hyphen)]
    if match["word"]:
        folded = text.lower().replace("’", "'")
        word, tail = folded, ""
        if folded.endswith(("'s", "'t", "'re", "'ve", "'d", "'ll", "'m")):
            word, tail = folded.rsplit("'", 1)
        word = _SHORT.get(word, word)
        if tail == "t":
            word = _NEGATED.get(word, word)
        value = NUMBERS.get(word)
        cut = len(tail) + 1 if tail else 0
        first = Token(text[: len(text) - cut], start, end - cut, "word", word, value, hyphen=hyphen)
        return [first, Token(text[-2:], end - 1, end, "word", "not")] if tail == "t" else [first]
    kind = "date" if match["date"] else "year" if match["year"] else "sign"
    return [Token(text, start, end, kind, text.lower().replace("’", "'"), hyphen=hyphen)]


@lru_cache(maxsize=50_000)
def lemma(word: str) -> str:
    """The dictionary form of an English word (simplemma): `billed` → `bill`. Loads its dictionary at the first call.

    Degrees keep their form: the newest is not the new.
    """
    import simplemma

    if word == "saw":
        return "see"  # who saw patients has seen them; the dictionary has only the tool
    found = str(simplemma.lemmatize(word, lang="en")).lower()
    return word if found != word and word.endswith(("est", "er")) else found


def form(word: str, done: bool = False) -> str:
    """The dictionary form of a word, with a mark on a past form or a participle: tickets that are open are not opened.

    `done` says that a helping verb before it makes a plain form a past one ("did we see").
    """
    found = lemma(word)
    past = found not in (word, singular(word)) and not word.endswith(("s", "ing"))
    return f"{found}+" if past or (done and found == word) else found


def slips(word: str) -> int:
    """The slips of the fingers that are put right in a word: two only in a long one."""
    return 1 if len(word) < 8 else 2


def was_done(said: Sequence[Token], i: int) -> bool:
    """Whether "did" or its like stands shortly before a token."""
    return any(token.word in ("did", "do", "does", "didn't") for token in said[max(0, i - 6) : i])
