"""One thing that words may mean, and the words by which a definition goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from answerable.agent.windows import When
from answerable.agent.words import tokens
from answerable.context.model import Item, Metric, RatioMetric

Key = tuple[str, ...]


@dataclass(frozen=True)
class Sense:
    """One thing that a span of a question may mean.

    `kind` is metric, dimension, value, entity, join, date, period or unit; `how` the kind of word: name, label, synonym, value, lemma,
    spelling.
    """

    kind: str
    name: str
    model: str = ""
    value: Any = None
    how: str = "name"
    when: When | None = None
    said: Key = ()
    """The words of a value as its file writes them."""

    @property
    def target(self) -> str:
        """The thing itself, as plans and pages write it."""
        if self.kind in ("metric", "entity", "period", "unit"):
            return self.name
        return f"{self.model}.{self.name}" + (f" = {self.value}" if self.kind == "value" else "")


def words_of(text: str) -> Key:
    """The folded words of a name, as a question's tokens have them."""
    return tuple(token.base for token in tokens(text.replace("_", " ")) if token.kind != "sign" or token.word in "&%+")


def as_percentage(metric: RatioMetric) -> Iterator[tuple[Key, Sense]]:
    """A "no-show rate" is also a percentage, a percent and a ratio."""
    for text in (metric.name, metric.label or "", *metric.synonyms):
        said = words_of(text)
        if len(said) > 1 and said[-1] == "rate":
            yield from (((*said[:-1], word), Sense("metric", metric.name, how="lemma")) for word in ("percent", "percentage", "ratio"))


_EXTREMES = (
    frozenset("max maximum largest biggest highest greatest".split()),
    frozenset("min minimum smallest lowest".split()),
)


def extreme(metric: Metric) -> Iterator[tuple[Key, Sense]]:
    """The "max booking value" is also the highest and the largest."""
    for text in (metric.name, metric.label or "", *metric.synonyms):
        said = words_of(text)
        for words in _EXTREMES if len(said) > 1 else ():
            if said[0] in words:
                yield from (((word, *said[1:]), Sense("metric", metric.name, how="lemma")) for word in sorted(words - {said[0]}))


def verbs_of(noun: str) -> Iterator[str]:
    """The verbs that a noun may come from, by its ending."""
    yield noun
    for ending, more in (
        ("ing", ("", "e")),
        ("ment", ("",)),
        ("ation", ("", "e")),
        ("ion", ("", "e")),
        ("al", ("", "e")),
        ("ery", ("er",)),
        ("y", ("",)),
    ):
        if noun.endswith(ending) and len(noun) > len(ending) + 2:
            stem = noun[: -len(ending)]
            yield from (stem + tail for tail in more)
            if stem[-1] == stem[-2]:
                yield stem[:-1]


def verb_of(name: str) -> str:
    """`booked` for `booked_on`, `starts` for none: the verb that picks this date."""
    verb, _, tail = name.rpartition("_")
    return verb if tail in ("on", "at", "date", "day") and "_" not in verb and verb.endswith(("ed", "en", "id", "nt", "wn")) else ""


def names_of(item: Item, sense: Sense) -> Iterator[tuple[Key, Sense]]:
    yield words_of(item.name), sense
    if item.label:
        yield words_of(item.label), Sense(sense.kind, sense.name, sense.model, how="label")
    for synonym in item.synonyms:
        yield words_of(synonym), Sense(sense.kind, sense.name, sense.model, how="synonym")
