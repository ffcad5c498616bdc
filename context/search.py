"""Finding what a question may be about, in the part of the catalogue that one asker sees.

Words first: every document is scored by them, with its model and its domain as priors; where there is an index of vectors, what stands
near the question there counts too. Questions that the team has verified lift what their plans name. Only documents made of the asker's
own catalogue can be returned, and rarity of words is counted over these alone: no score betrays what is hidden.
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from answerable.context.catalog import Catalog
from answerable.context.documents import Document, documents_of
from answerable.context.lexical import Lexical, Scored
from answerable.context.stems import content, parts, stems

PRIOR = 0.5
"""What a model's score is worth to its dimensions, metrics and values."""
EXAMPLE = 0.5
"""What a verified question's score is worth to what its plan names."""
OPENED = 5
"""Models of which every dimension is found, also one that covers no word: a key, say."""
KEY = 0.1
"""What the weaker of two such models is worth to the dimensions that join them."""
FETCHED = 200
"""Vectors that are looked at, the nearest first."""
NEAR = 0.3
"""What a document's vector is worth beside the best words."""
AROUND = 0.6
"""What the vectors of a domain are worth to its models."""


class Index(Protocol):
    """Vectors of documents (`context/vectors.py` reads them)."""

    def near(self, text: str, most: int, among: Mapping[str, str]) -> Mapping[str, float]:
        """The documents nearest to a text with their likeness up to 1, of those whose ids and hashes are given."""


@dataclass(frozen=True)
class Hit:
    """One document found; `matched` are the words of the question that it, or of a model what it holds, covers.

    `parts` is what its score is made of: its words, its model's, those of a verified question (example), that it joins two good models
    (key), and its vector (near).
    """

    document: Document
    score: float
    parts: Mapping[str, float] = field(default_factory=dict)
    matched: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.document.id


@dataclass(frozen=True)
class Found:
    """The documents found, best first, and the words of the question that none of them covers."""

    hits: tuple[Hit, ...] = ()
    uncovered: tuple[str, ...] = ()


class Search:
    """Search over one asker's catalogue (`visible`)."""

    def __init__(self, catalog: Catalog, index: Index | None = None) -> None:
        documents = [d for d in documents_of(catalog) if d.endorsed]
        self.documents = {document.id: document for document in documents}
        self.place = {document.id: n for n, document in enumerate(documents)}
        self.lexical = Lexical(documents, {model.name: domain(model.table) for model in catalog.models.values()}, links(catalog))
        self.index = index
        self.hashes = {document.id: document.hash for document in documents}
        self.kind = [document.kind for document in documents]
        self.kinds = frozenset(self.kind)
        self.verified = [n for n, kind in enumerate(self.kind) if kind == "verified"]
        self.models = [self.place.get(f"model:{model}", -1) for model in self.lexical.models]
        self.held_by = [-1 if kind == "verified" else model for kind, model in zip(self.kind, self.lexical.model_of, strict=True)]
        self.held: dict[int, list[int]] = defaultdict(list)
        for n, model in enumerate(self.lexical.model_of):
            self.held[model].append(n)
        self.dimensions = {model: [n for n in held if self.kind[n] == "dimension"] for model, held in self.held.items()}
        self.keys = self._keys(catalog)

    def _keys(self, catalog: Catalog) -> dict[tuple[int, int], list[int]]:
        """For two models that are joined, the dimensions that join them."""
        found: dict[tuple[int, int], list[int]] = defaultdict(list)
        place = {name: n for n, name in enumerate(self.lexical.models)}
        for model in catalog.models.values():
            for join in model.joins.values():
                if model.name not in place or join.model not in place:
                    continue
                ends = [(model.name, own) for own in join.on] + [(join.model, its) for its in join.on.values()]
                ids = [f"dimension:{name}.{column}" for name, column in ends]
                found[place[model.name], place[join.model]] += [self.place[id] for id in ids if id in self.place]
        return found

    def find(self, text: str, limit: int = 10, kinds: frozenset[str] | None = None) -> Found:
        """The documents, of some kinds or of all, that a text is most likely about."""
        scored = self.lexical.scored(text)
        totals = self._by_words(scored, kinds)
        near = self._near(text, totals, kinds)
        for n, score in near.items():
            totals[n] = totals.get(n, 0.0) + score
        examples = {n: lift for n, lift in self._examples(scored).items() if n in totals}
        for n, lift in examples.items():
            totals[n] += lift
        said = {word: stems(word) for word in parts(content(text))}
        hits = []
        for n in heapq.nlargest(limit, totals, key=totals.__getitem__):
            made = {**self._parts(n, scored), "near": near.get(n, 0.0), "example": examples.get(n, 0.0)}
            made["key"] = totals[n] - sum(made.values())
            shown = {name: part for name, part in made.items() if abs(part) > 1e-9}
            hits.append(Hit(self.lexical.documents[n], totals[n], shown, self._matched(n, scored, said)))
        covered = {word for hit in hits for word in hit.matched}
        return Found(tuple(hits), tuple(word for word, found in said.items() if found and word not in covered))

    def _by_words(self, scored: Scored, kinds: frozenset[str] | None) -> dict[int, float]:
        """Documents by their own words and, of what belongs to a model, the model's score as a prior; models by what they hold."""
        models, totals = scored.models, dict[int, float]()
        if kinds is None or "model" in kinds:
            totals |= {self.models[model]: score for model, score in models.items() if self.models[model] >= 0}
        wanted = self.kinds - {"model"} if kinds is None else kinds - {"model"}
        for n, score in scored.own.items():
            if self.kind[n] in wanted:
                totals[n] = score + PRIOR * models.get(self.held_by[n], 0.0)
        if "dimension" in wanted:
            opened = heapq.nlargest(OPENED, models, key=models.__getitem__)
            for model in opened:
                for n in self.dimensions[model]:
                    totals.setdefault(n, PRIOR * models[model])
            for one, other in itertools.permutations(opened, 2):
                for n in self.keys.get((one, other), ()):
                    totals[n] += KEY * min(models[one], models[other])
        return totals

    def _parts(self, n: int, scored: Scored) -> dict[str, float]:
        if self.kind[n] == "model":
            return {"words": scored.models.get(self.lexical.model_of[n], 0.0)}
        return {"words": scored.own.get(n, 0.0), "model": PRIOR * scored.models.get(self.held_by[n], 0.0)}

    def _near(self, text: str, totals: Mapping[int, float], kinds: frozenset[str] | None) -> dict[int, float]:
        """What vectors add: to each document by its own, to a model by the nearest that it holds and by its domain's three best models.

        Only documents that have the same texts in the index and in this catalogue count, from the least near that was fetched upwards.
        """
        if self.index is None:
            return {}
        fetched = {self.place[id]: likeness for id, likeness in self.index.near(text, FETCHED, self.hashes).items() if id in self.hashes}
        least, most = min(fetched.values(), default=0.0), max(totals.values(), default=1.0)
        held: dict[int, float] = {}
        for n, likeness in fetched.items():
            if (model := self.held_by[n]) >= 0:
                held[model] = max(held.get(model, 0.0), likeness - least)
        domains: dict[str, list[float]] = defaultdict(list)
        for model, likeness in held.items():
            domains[self.lexical.domains[model]].append(likeness)
        said = {n: NEAR * most * (likeness - least) for n, likeness in fetched.items() if self.kind[n] != "model"}
        for model, domain in enumerate(self.lexical.domains):
            near = NEAR * held.get(model, 0.0) + AROUND * sum(heapq.nlargest(3, domains.get(domain, ()))) / 3
            if near and self.models[model] >= 0:
                said[self.models[model]] = most * near
        return {n: near for n, near in said.items() if kinds is None or self.kind[n] in kinds}

    def _examples(self, scored: Scored) -> dict[int, float]:
        """The best verified question that covers a word lifts each thing that its plan names."""
        lifts: dict[int, float] = defaultdict(float)
        for n in self.verified:
            if score := scored.own.get(n):
                for id in self.lexical.documents[n].uses:
                    if id in self.place:
                        lifts[self.place[id]] = max(lifts[self.place[id]], EXAMPLE * score)
        return lifts

    def _matched(self, n: int, scored: Scored, said: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
        """The words of the question that a document, or of a model anything that it holds, covers."""
        model = self.lexical.model_of[n] if self.kind[n] == "model" else None

        def covers(stem: str) -> bool:
            found = scored.evidence.get(stem, {})
            return n in found or (model is not None and any(held in found for held in self.held[model]))

        return tuple(word for word, found in said.items() if any(map(covers, found)))


def domain(table: str | None) -> str:
    """What a table lies in: its database and schema."""
    return (table or "").rpartition(".")[0]


def links(catalog: Catalog) -> dict[str, set[str]]:
    """The models that each is joined with, either way."""
    found: dict[str, set[str]] = defaultdict(set)
    for model in catalog.models.values():
        for join in model.joins.values():
            found[model.name].add(join.model)
            found[join.model].add(model.name)
    return found
