"""Finding what a question may be about, in the part of the catalogue that one asker sees.

Words first: every document is scored by them, with its model and its domain as priors; where there is an index of vectors, what stands
near the question there counts too. Questions that the team has verified lift what their plans name. Only documents made of the asker's
own catalogue can be returned, and rarity of words is counted over these alone: no score betrays what is hidden.
"""

from __future__ import annotations

import heapq
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
NEAR = 0.3
"""What the nearest vectors are worth beside the best words."""


class Index(Protocol):
    """Vectors of documents (`context/vectors.py` reads them)."""

    def near(self, text: str, most: int, among: Mapping[str, str]) -> Mapping[str, float]:
        """The documents nearest to a text with their likeness up to 1, of those whose ids and hashes are given."""


@dataclass(frozen=True)
class Hit:
    """One document found. `parts` is what its score is made of; `matched` the words of the question that it, or what it holds, covers."""

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
        self.dimensions: dict[str, list[int]] = defaultdict(list)
        for n, document in enumerate(documents):
            if document.kind == "dimension":
                self.dimensions[document.model].append(n)

    def find(self, text: str, limit: int = 10, kinds: frozenset[str] | None = None) -> Found:
        """The documents, of some kinds or of all, that a text is most likely about."""
        scored = self.lexical.scored(content(text))
        made = self._parts(scored, kinds)
        self._add_near(text, made, kinds, limit)
        self._add_examples(scored, made)
        totals = {n: sum(said.values()) for n, said in made.items()}
        best = heapq.nsmallest(limit, totals, key=lambda n: (-totals[n], self.lexical.documents[n].id))
        said = {word: stems(word) for word in parts(content(text))}
        hits = tuple(self._hit(n, totals[n], made[n], scored, said) for n in best)
        covered = {word for hit in hits for word in hit.matched}
        return Found(hits, tuple(word for word, found in said.items() if found and word not in covered))

    def _parts(self, scored: Scored, kinds: frozenset[str] | None) -> dict[int, dict[str, float]]:
        """What the words say of each document: its own words and, of what belongs to a model, the model's score as a prior."""
        documents, made = self.lexical.documents, dict[int, dict[str, float]]()
        for model, score in scored.models.items():
            n = self.place.get(f"model:{self.lexical.models[model]}")
            if n is not None and (kinds is None or "model" in kinds):
                made[n] = {"words": score}
        for n, score in scored.own.items():
            kind, model = documents[n].kind, self.lexical.model_of[n]
            if kind == "model" or (kinds is not None and kind not in kinds):
                continue
            made[n] = {"words": score}
            if model >= 0 and kind != "verified":
                made[n]["model"] = PRIOR * scored.models.get(model, 0.0)
        if kinds is None or "dimension" in kinds:
            for model in heapq.nlargest(OPENED, scored.models, key=lambda m: scored.models[m]):
                for n in self.dimensions[self.lexical.models[model]]:
                    made.setdefault(n, {"model": PRIOR * scored.models[model]})
        return made

    def _add_near(self, text: str, made: dict[int, dict[str, float]], kinds: frozenset[str] | None, limit: int) -> None:
        """Vectors, of documents that have the same texts in the index and in this catalogue: the nearest, and what they lead to."""
        if self.index is None:
            return
        most = max((said.get("words", 0.0) for said in made.values()), default=1.0)
        among = self.hashes if kinds is None else {id: mark for id, mark in self.hashes.items() if self.documents[id].kind in kinds}
        for id, likeness in self.index.near(text, max(50, 5 * limit), among).items():
            if id in among:
                made.setdefault(self.place[id], {})["near"] = NEAR * most * max(0.0, likeness)

    def _add_examples(self, scored: Scored, made: dict[int, dict[str, float]]) -> None:
        """The best verified question that covers a word lifts each thing that its plan names."""
        lifts: dict[int, float] = defaultdict(float)
        for n, score in scored.own.items():
            for id in self.lexical.documents[n].uses:
                if id in self.place:
                    lifts[self.place[id]] = max(lifts[self.place[id]], EXAMPLE * score)
        for n, lift in lifts.items():
            if n in made:
                made[n]["example"] = lift

    def _hit(self, n: int, score: float, made: Mapping[str, float], scored: Scored, said: Mapping[str, tuple[str, ...]]) -> Hit:
        document = self.lexical.documents[n]
        model = self.lexical.model_of[n]

        def covers(stem: str) -> bool:
            found = scored.evidence.get(stem, {})
            return n in found or (document.kind == "model" and any(self.lexical.model_of[each] == model for each in found))

        return Hit(document, score, made, tuple(word for word, found in said.items() if any(map(covers, found))))


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
