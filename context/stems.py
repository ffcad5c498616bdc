"""How names and prose become the stems by which they are searched. Knows no documents, and no grammar of questions.

`custAcctNum`, `customer_account_number` and "customers' account numbers" have the same stems.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+", re.UNICODE)
_SHORT = {
    "abbr": "abbreviation", "acct": "account", "addr": "address", "amt": "amount", "approx": "approximate", "appt": "appointment",
    "attr": "attribute", "auth": "authorization", "avg": "average", "bal": "balance", "bday": "birthday", "bldg": "building",
    "cert": "certificate", "cnt": "count", "config": "configuration", "curr": "current", "cust": "customer", "dept": "department",
    "desc": "description", "descr": "description", "dest": "destination", "diff": "difference", "dist": "distance", "dob": "birth date",
    "doc": "document", "docs": "document", "dt": "date", "dur": "duration", "emp": "employee", "env": "environment", "ext": "extension",
    "fname": "first name", "freq": "frequency", "fy": "fiscal year", "govt": "government", "hq": "headquarter", "hr": "hour",
    "hrs": "hour", "img": "image", "info": "information", "intl": "international", "inv": "invoice", "lang": "language",
    "lat": "latitude", "lname": "last name", "lng": "longitude", "loc": "location", "lon": "longitude", "max": "maximum",
    "mfr": "manufacturer", "mgmt": "management", "mgr": "manager", "min": "minimum", "msg": "message", "natl": "national",
    "nbr": "number", "num": "number", "nr": "number", "org": "organization", "orig": "origin", "pct": "percent",
    "percentage": "percent", "pic": "picture", "pkg": "package", "pref": "preference", "prev": "previous", "prod": "product",
    "pwd": "password", "qtr": "quarter", "qty": "quantity", "ref": "reference", "req": "request", "sched": "schedule",
    "seq": "sequence", "spec": "specification", "src": "source", "std": "standard", "stu": "student", "subj": "subject",
    "tel": "telephone", "tot": "total", "txn": "transaction", "univ": "university", "uom": "unit measure", "usr": "user",
    "val": "value", "vol": "volume", "wk": "week", "wt": "weight", "yr": "year", "yrs": "year", "zipcode": "zip",
}  # fmt: skip
"""Short forms, with what they stand for."""
_SHORT_NAMES = {
    "cat": "category", "del": "delete", "est": "estimate", "exp": "expire", "gov": "government", "inst": "institution", "long": "longitude",
    "no": "number", "pos": "position", "prof": "professor", "pub": "publication", "rec": "record", "reg": "registration",
    "rel": "relation", "res": "result", "rev": "revenue", "sal": "salary", "sem": "semester", "stat": "statistic", "temp": "temperature",
    "trans": "transaction", "tx": "transaction",
}  # fmt: skip
"""Those that are words by themselves too: short forms only in names."""
STOP = frozenset(
    """a about after again all also am an and any are as at be because been before being between both but by can could did do does doing
    down during each either else ever for from further get give had has have having he her here hers him his how i if in into is it its
    itself just let list many may me might more most much must my neither no nor not of off on once only or other our out over own per
    please same shall she should show so some such tell than that the their theirs them then there these they this those through to too
    under until up upon us very was we were what when where whether which while who whom whose why will with within without would you
    your s t return find different also along among respectively""".split()
)
"""Words that say how something is asked and not about what."""
_SHOWN = re.compile(
    r"""\b(?:(?:order|sort)(?:ed|ing)?\s(?:(?:the\s)?(?:results?|list|them|it)\s)?by
      |in\s(?:\w+\s)?(?:ascending|descending|alphabetical|chronological|reverse)\sorder)\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""Turns of speech about how a result is shown, whose words would be taken for names: who sorts by price asks for no orders."""
_HINTS = {
    r"how many|number of": "count number", r"how much": "amount", r"how long": "duration length", r"how often": "frequency count",
    r"how old": "age birth", r"when": "date time", r"where": "place location address", r"who|whose": "name person",
    r"what (?:share|part|proportion) of": "rate percent", r"on average": "average",
}  # fmt: skip
"""What a way of asking suggests that the answer is called."""
_IRREGULAR = {
    "ate": "eat", "became": "become", "began": "begin", "bought": "buy", "built": "build", "caught": "catch", "children": "child",
    "chose": "choose", "chosen": "choose", "came": "come", "drawn": "draw", "drove": "drive", "driven": "drive", "fell": "fall",
    "feet": "foot", "flew": "fly", "flown": "fly", "fought": "fight", "found": "find", "gave": "give", "given": "give", "grew": "grow",
    "held": "hold", "kept": "keep", "led": "lead", "left": "leave", "lent": "lend", "lost": "lose", "made": "make", "men": "man",
    "met": "meet", "mice": "mouse", "paid": "pay", "people": "person", "persons": "person", "ran": "run", "said": "say", "sang": "sing",
    "sent": "send", "sold": "sell", "spent": "spend", "spoke": "speak", "spoken": "speak", "sung": "sing", "taken": "take",
    "taught": "teach", "teeth": "tooth", "took": "take", "thought": "think", "told": "tell", "went": "go", "wives": "wife",
    "women": "woman", "won": "win", "wore": "wear", "worn": "wear", "written": "write", "wrote": "write",
}  # fmt: skip
"""Forms that no ending tells."""


def parts(text: str) -> list[str]:
    """The words of a text or an identifier in lower case, accents taken off: `custAcct_2` → cust, acct, 2."""
    plain = unicodedata.normalize("NFKD", text.replace("'s ", " ").replace("’s ", " "))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return [match[0].lower() for match in _WORD.finditer(plain)]


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The stem of one word in lower case (Snowball's English)."""
    return str(_stemmer().stemWord(_IRREGULAR.get(word, word)))


@lru_cache(maxsize=100_000)
def stems(text: str, name: bool = False) -> tuple[str, ...]:
    """The stems of a text, or of a name, in its order: short forms written out, without words that say nothing."""
    found: list[str] = []
    for word in parts(text):
        words = _SHORT.get(word, word).split()
        words += [_SHORT_NAMES[word]] if name and word in _SHORT_NAMES else []
        found += [stem(each) for each in words if each not in STOP]
    return tuple(found)


def content(text: str) -> str:
    """A question without turns of speech about how its result is shown."""
    return _SHOWN.sub(" ", text)


def hints(text: str) -> tuple[str, ...]:
    """Stems that a question does not say and its way of asking suggests."""
    found = [meant for pattern, meant in _HINTS.items() if re.search(rf"\b(?:{pattern})\b", text, re.IGNORECASE)]
    return stems(" ".join(found))


class Likeness:
    """Which stems of an index a stem of a question may stand for."""

    def __init__(self, known: Iterable[str]) -> None:
        self.known = frozenset(known)
        self.by_gram: dict[str, list[str]] = defaultdict(list)
        for stem in sorted(self.known):
            for gram in _grams(stem):
                self.by_gram[gram].append(stem)
        self.found: dict[str, tuple[tuple[str, float], ...]] = {}

    def of(self, stem: str) -> tuple[tuple[str, float], ...]:
        """The stem itself, then those that begin or end like it, with how nearly: at most eight."""
        if stem not in self.found:
            others = {other for gram in _grams(stem) for other in self.by_gram.get(gram, ())} - {stem}
            near = sorted(((other, like) for other in others if (like := _likeness(stem, other))), key=lambda each: (-each[1], each[0]))
            if len(self.found) >= 10_000:
                self.found.clear()
            self.found[stem] = tuple([(stem, 1.0)] if stem in self.known else []) + tuple(near[:8])
        return self.found[stem]


def _grams(stem: str) -> set[str]:
    return {stem[i : i + 3] for i in range(len(stem) - 2)} or {stem}


def _likeness(stem: str, other: str) -> float:
    """From 0 to 1: how much of the longer stem is the shorter one at its beginning or its end."""
    short, long = sorted((stem, other), key=len)
    if (len(short) >= 4 and long.startswith(short)) or (len(short) >= 5 and long.endswith(short)):
        return 0.1 + 0.7 * len(short) / len(long)
    return 0.0


@cache
def _stemmer() -> Any:
    """Made when something is first searched: nothing else needs it."""
    import snowballstemmer

    return snowballstemmer.stemmer("english")
