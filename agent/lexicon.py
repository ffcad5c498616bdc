"""The words of a catalogue, as one asker may say them: what each may mean. Knows no grammar."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from answerable.agent.senses import Key, Sense, as_percentage, extreme, names_of, verb_of, verbs_of, words_of
from answerable.agent.windows import When
from answerable.agent.words import Token, form, lemma, slips, tokens
from answerable.context.catalog import Catalog
from answerable.context.model import Dimension, Join, RatioMetric, SimpleMetric
from answerable.context.values import Values
from answerable.context.words import plurals

MAX_WORDS = 8
REMEMBERED = 20_000
"""Words and spans of questions that are remembered with what they were found to be."""
AMOUNTS = frozenset("amount value money sum total balance".split())
"""Nouns for which "how much" stands."""
UNIT_NOUNS = {"EUR": "euro", "USD": "dollar", "GBP": "pound", "CHF": "franc", "JPY": "yen", "%": ""}


SMALL = frozenset("the a an it they we us our you he she was were is are be been do does did has have had".split())
"""Small words in a description that says how something is done."""
_SUFFIXES = frozenset({"latest", "current"})
"""Words that end a column's name and that nobody says."""
_RELATIVE = frozenset({"who", "that", "which", "were", "was", "are", "is", "have", "has"})
"""Words that a name may have between a noun and its verb."""
_PREFIXES = frozenset({"is", "was", "has", "had", "did", "are"})
"""Words that begin the name of a yes/no column."""


_OF_EACH = frozenset(tuple(said.split()) for said in (
    "lead time", "delivery time", "response time", "reaction time", "resolution time", "handling time", "cycle time", "wait time",
    "waiting time", "turnaround time", "processing time", "session length",
))  # fmt: skip
"""Quantities that each case has one of, and of which people name the average without saying so."""


class Lexicon:
    """Every name, label, synonym and value of a visible catalogue, by its folded words."""

    def __init__(self, catalog: Catalog, values: Values) -> None:
        self.catalog, self.values = catalog, values
        self.senses: dict[Key, list[Sense]] = defaultdict(list)
        self.written = Written(values)
        for key, sense in self._all():
            _add(self.senses, key, sense)
        self._settle()
        for key, sense in self._of_each():
            _add(self.senses, key, sense)
        for metric in catalog.metrics.values():
            unit = metric.unit if isinstance(metric.unit, str) and not metric.hidden else ""
            if (key := words_of(UNIT_NOUNS.get(unit, unit))) and all(s.kind == "unit" for s in self.senses.get(key, ())):
                _add(self.senses, key, Sense("unit", unit))
        self.longest = max(self.written.longest, max(map(len, self.senses), default=1))

    def _all(self) -> Iterator[tuple[Key, Sense]]:
        for metric in self.catalog.metrics.values():
            if not metric.hidden:
                yield from names_of(metric, Sense("metric", metric.name))
                if isinstance(metric, RatioMetric):
                    yield from as_percentage(metric)
                yield from extreme(metric)
        for model in self.catalog.models.values():
            yield from names_of(model, Sense("entity", model.name))
            if model.entity:
                yield words_of(model.entity), Sense("entity", model.name, how="label")
            for dimension in model.dimensions.values():
                if not dimension.hidden:
                    yield from self._dimension(model.name, dimension)
            for join in model.joins.values():
                yield from names_of(join, Sense("join", join.name, model.name))
                yield from self._roles(join, Sense("join", join.name, model.name, how="role"))
        for metric in self.catalog.metrics.values():
            for synonym in () if metric.hidden else metric.synonyms:
                said = words_of(synonym)
                short = tuple(word for word in said if word not in _RELATIVE)
                if short and short != said:  # "customers who bought" are those of "gold customers bought"
                    yield short, Sense("metric", metric.name, how="synonym")
        for member in self.values.declared:
            how = "value" if str(member.value) == member.word else "synonym"
            yield words_of(member.word), Sense("value", member.dimension, member.model, member.value, how, said=written(member.word))
        for model in self.catalog.models.values():
            for dimension in model.dimensions.values():
                if dimension.type == "time" and not dimension.hidden and (verb := verb_of(dimension.name)):
                    yield (verb,), Sense("date", dimension.name, model.name)
        for rule in self.catalog.rules:
            for name, (start, end) in rule.periods.items():
                yield words_of(name), Sense("period", name, when=When(start, end))

    def _of_each(self) -> list[tuple[Key, Sense]]:
        """ "Lead time" is the average lead time, where nothing else is called so: nobody adds up what is said of each case."""
        named = [(key[1:], s) for key, senses in self.senses.items() if key[0] == "average" for s in senses if s.kind == "metric"]
        return [(key, replace(s, how="lemma")) for key, s in named if key[-2:] in _OF_EACH and key not in self.senses]

    def _roles(self, join: Join, sense: Sense) -> Iterator[tuple[Key, Sense]]:
        """What points at a join beside its name: "shipped to", and the "shipping" of a shipping address before one of its dimensions."""
        for role in join.roles:
            yield words_of(role), sense
        target = self.catalog.models.get(join.model)
        named = words_of(join.label or join.name)
        if target is not None and len(named) > 1 and named[-1:] == words_of(target.entity or target.name):
            yield named[:-1], sense

    def _dimension(self, model: str, dimension: Dimension) -> Iterator[tuple[Key, Sense]]:
        # A dimension called `name` is known by its label: the bare word says nothing.
        said = names_of(dimension, Sense("dimension", dimension.name, model))
        for key, sense in said:
            if dimension.name != "name" or sense.how != "name" or not dimension.label:
                yield key, sense
                if len(key) == 2:  # a payment method is a method of payment
                    yield (key[1], "of", key[0]), sense
                if len(key) > 1 and key[-1] in _SUFFIXES:
                    yield key[:-1], replace(sense, how="lemma")
                if key[0] in _PREFIXES and len(key) > 1 and (true := self._true(model, dimension)) is not None:
                    short = key[1:-1] if key[-1] in _SUFFIXES and len(key) > 2 else key[1:]
                    yield short, Sense("value", dimension.name, model, true, "label", said=short)

    def _true(self, model: str, dimension: Dimension) -> Any:
        """What "yes" is in a yes/no column without declared values; None where it is none."""
        if dimension.values or dimension.type == "boolean":
            return None if dimension.values else True
        found = {str(value).lower(): value for value in self.written.few(model, dimension.name)}
        return found.get("true") if found and found.keys() <= {"true", "false"} else None

    def _settle(self) -> None:
        """A rule's `words` says what a word means here."""
        for rule in self.catalog.rules:
            for word, name in rule.words.items():
                if name in self.catalog.metrics:
                    self.senses[words_of(word)] = [Sense("metric", name, how="rule")]

    @cached_property
    def joined(self) -> dict[str, Key]:
        """`noshow` → (`no`, `show`): names of several words written as one."""
        return {"".join(key): key for key in self.senses if len(key) > 1}

    @cached_property
    def beginnings(self) -> frozenset[str]:
        """What such a word may begin with."""
        return frozenset(word[:n] for word in self.joined for n in range(1, len(word) + 1))

    @cached_property
    def heads(self) -> frozenset[str]:
        """The words with which names begin."""
        return frozenset(key[0] for key in self.senses)

    @cached_property
    def lemmas(self) -> dict[Key, list[Sense]]:
        """The senses by the dictionary forms of their words."""
        found: dict[Key, list[Sense]] = defaultdict(list)
        for key, senses in self.senses.items():
            if any(word.endswith("est") for word in key):
                continue  # "large" is not "largest"
            found[tuple(map(form, key))] += [s for s in senses if s.kind not in ("value", "period")]
        return found

    @cached_property
    def bags(self) -> dict[tuple[str, ...], list[Sense]]:
        """Names of several words by the sorted dictionary forms of their words, for "length of the average visit"."""
        found: dict[tuple[str, ...], list[Sense]] = defaultdict(list)
        for key, senses in self.lemmas.items():
            if len(key) > 1:
                found[tuple(sorted(key))] += [s for s in senses if s.kind in ("metric", "dimension")]
        return found

    @cached_property
    def in_any_order(self) -> frozenset[str]:
        """The words of those names, also as past forms, and "on", which may stand beside them."""
        known = {"on", *(word for key in self.bags for word in key)}
        return frozenset(known | {f"{word}+" for word in known})

    @cached_property
    def parts(self) -> dict[str, list[Sense]]:
        """Dimensions by the last word of their names, for "by type" where only one type is in reach."""
        found: dict[str, list[Sense]] = defaultdict(list)
        for key, senses in self.senses.items():
            if len(key) > 1 and "of" not in key:
                known = {s.target for s in (*found[key[-1]], *self.senses.get((key[-1],), ()))}
                found[key[-1]] += [replace(s, how="part") for s in senses if s.kind == "dimension" and s.target not in known]
        return found

    @cached_property
    def told(self) -> dict[frozenset[str], list[tuple[Sense, str]]]:
        """Dimensions by the verbs of a description that says how something is done, with the noun of whose it is."""
        found: dict[frozenset[str], list[tuple[Sense, str]]] = defaultdict(list)
        for model in self.catalog.models.values():
            entity = words_of(model.entity or model.name)[-1]
            for dimension in model.dimensions.values():
                said = tokens(dimension.description or "")
                if dimension.hidden or not said or said[0].word != "how":
                    continue
                verbs = frozenset(lemma(t.word) for t in said[1:] if t.kind == "word" and t.word not in SMALL and t.base != entity)
                if len(verbs) == 1:
                    found[verbs].append((Sense("dimension", dimension.name, model.name, how="lemma"), entity))
        return found

    @cached_property
    def deverbal(self) -> dict[str, list[Sense]]:
        """Counts by the verb that their noun comes from: `book` for bookings, `cancel` for cancellations."""
        found: dict[str, list[Sense]] = defaultdict(list)
        for key, senses in self.senses.items():
            counts = [s for s in senses if s.kind == "metric" and self._counts(s.name)]
            for verb in verbs_of(key[0]) if counts and len(key) == 1 else ():
                found[verb] += [s for s in counts if s not in found[verb]]
        return found

    @cached_property
    def amounts(self) -> dict[str, list[Sense]]:
        """Metrics called "overdue amount" by what it's an amount of, for "how much is overdue"."""
        found: dict[str, list[Sense]] = defaultdict(list)
        for key, senses in self.senses.items():
            if len(key) == 2 and key[1] in AMOUNTS:
                found[key[0]] += [s for s in senses if s.kind == "metric"]
        return found

    def _counts(self, name: str) -> bool:
        metric = self.catalog.metrics[name]
        unit = metric.unit if isinstance(metric.unit, str) else ""
        return isinstance(metric, SimpleMetric) and unit not in UNIT_NOUNS and "count" in metric.expr.lower() + str(metric.over_time or "")

    @cached_property
    def verbal(self) -> dict[str, list[tuple[Key, list[Sense]]]]:
        """Metrics whose name has a participle, by its verb: `see` → (`patient`,) for "patients seen"."""
        found: dict[str, list[tuple[Key, list[Sense]]]] = defaultdict(list)
        for key, senses in self.senses.items():
            metrics = [s for s in senses if s.kind == "metric"]
            short = key[1:] if key[:1] == ("average",) else key
            if metrics and len(short) > 1 and short[-1] in ("time", "duration", "length"):
                found["take+"].append((short[:-1], metrics))
                found["long"] += [(rest, metrics) for rest in {key[:-1], short[:-1]}]
            for n, word in enumerate(key if metrics and len(key) > 1 else ()):
                if (verb := form(word)).endswith("+"):
                    found[verb].append((key[:n] + key[n + 1 :], metrics))
        return found

    @cached_property
    def _words(self) -> frozenset[str]:
        """Every single word of every name."""
        return frozenset(word for key in self.senses for word in key)

    @cached_property
    def _by_letter(self) -> dict[str, list[str]]:
        """The same by their first letters."""
        found: dict[str, list[str]] = defaultdict(list)
        for word in self._words:
            found[word[0]].append(word)
        return found

    def knows(self, word: str) -> bool:
        """Whether a name or a value has this word."""
        return word in self._words or self.written.knows(word)

    def near(self, word: str) -> Iterator[str]:
        """The words of names and values among which those are that this one may be a slip for."""
        yield from self._by_letter.get(word[0], ())
        yield from self.written.near(word)

    def of(self, said: Sequence[Token]) -> list[Sense]:
        """What a span of tokens may mean."""
        return self.meant(tuple(token.base for token in said), tuple(token.word for token in said))

    def meant(self, folded: Key, exact: Key) -> list[Sense]:
        """What words may mean, in the singular and as they are written."""
        found = [*self.senses.get(folded, ()), *self.written.of(exact)]
        if folded == exact:
            return found
        # "doctors" is no plural of the value "doctor" where it's a thing by itself.
        things = [s for s in found if s.kind != "value" or exact in (written(str(s.value)), s.said)]
        return things or found


def _add(senses: dict[Key, list[Sense]], key: Key, sense: Sense) -> None:
    if key and len(key) <= MAX_WORDS and all((s.kind, s.target) != (sense.kind, sense.target) for s in senses[key]):
        senses[key].append(sense)


def written(text: str) -> Key:
    """The words of a value as they are written, but for case."""
    return tuple(token.word for token in tokens(text.replace("_", " ")) if token.kind != "sign" or token.word in "&%+")


def sayable(text: str) -> Key:
    """The words by which a value is found; none for one that is too long to be said in a question."""
    key = written(text)
    return key if len(key) <= MAX_WORDS else ()


class Written:
    """The values of each column, looked up where they are kept."""

    def __init__(self, values: Values) -> None:
        self.columns = values.columns
        self.longest = max((column.values.longest for column in self.columns), default=1)
        self.declared: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
        for member in values.declared:
            self.declared[member.model, member.dimension][str(member.value)] = member.value
        self._having: dict[str, frozenset[int]] = {}
        self._found: dict[Key, tuple[Sense, ...]] = {}

    def of(self, key: Key) -> tuple[Sense, ...]:
        """The values of these words."""
        if not key or not self._in(key[0]):
            return ()
        found = self._found.get(key)
        if found is None:
            found = tuple(self._looked_up(key))
            _remember(self._found, key, found)
        return found

    def plural(self, key: Key) -> list[Sense]:
        """The values whose last word has the singular that `key` ends with, for "how many rugs"."""
        return [sense for last in plurals(key[-1]) if last.isalpha() for sense in self.of((*key[:-1], last))]

    def few(self, model: str, dimension: str) -> list[Any]:
        """The values of a dimension, or the first of many."""
        found = list(self.declared.get((model, dimension), {}).values())
        for column in self.columns:
            if (column.model, column.dimension) == (model, dimension):
                found += [value for value, _ in zip(column.values, range(3), strict=False)]
        return found

    def knows(self, word: str) -> bool:
        """Whether a value has this word."""
        return bool(self._in(word))

    def near(self, word: str) -> set[str]:
        """Words of values, among them all that are a slip away."""
        return {other for column in self.columns for other in column.values.near(word, slips(word))}

    def _in(self, word: str) -> frozenset[int]:
        """The columns that have a word."""
        found = self._having.get(word)
        if found is None:
            found = frozenset(n for n, column in enumerate(self.columns) if column.values.has(word))
            _remember(self._having, word, found)
        return found

    def _looked_up(self, key: Key) -> Iterator[Sense]:
        for n in sorted(frozenset.intersection(*map(self._in, key))):
            column = self.columns[n]
            declared = self.declared.get((column.model, column.dimension), {})
            for value in column.values.find(key):
                if value not in declared:
                    yield Sense("value", column.dimension, column.model, value, "value")


def _remember(kept: dict[Any, Any], key: str | Key, found: object) -> None:
    if len(kept) >= REMEMBERED:
        kept.clear()
    kept[key] = found
