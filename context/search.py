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
from answerable.context.stems import parts, stems

PRIOR = 0.3
"""What a model's score is worth to its dimensions, metrics and values."""
EXAMPLE = 0.5
"""What a verified question's score is worth to what its plan names."""
NEAR = 0.5
"""What the nearest vectors are worth beside the best words."""


class Index(Protocol):
    """Vectors of documents."""

    def near(self, text: str, most: int) -> Mapping[str, tuple[str, float]]:
        """The ids of the documents nearest to a text, each with the hash of the document as it was indexed and its likeness up to 1."""


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
        self.lexical = Lexical(documents, {model.name: domain(model.table) for model in catalog.models.values()})
        self.index = index

    def find(self, text: str, limit: int = 10, kinds: frozenset[str] | None = None) -> Found:
        """The documents, of some kinds or of all, that a text is most likely about."""
        scored = self.lexical.scored(text)
        made = self._parts(scored, kinds)
        self._add_near(text, made, kinds, limit)
        self._add_examples(scored, made)
        totals = {n: sum(said.values()) for n, said in made.items()}
        best = heapq.nsmallest(limit, totals, key=lambda n: (-totals[n], self.lexical.documents[n].id))
        said = {word: stems(word) for word in parts(text)}
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
        return made

    def _add_near(self, text: str, made: dict[int, dict[str, float]], kinds: frozenset[str] | None, limit: int) -> None:
        """Vectors, fetched in excess: what is not in this catalogue, or has other texts here, does not count."""
        if self.index is None:
            return
        most = max((said["words"] for said in made.values()), default=1.0)
        for id, (mark, likeness) in self.index.near(text, 20 * limit).items():
            document = self.documents.get(id)
            if document is not None and document.hash == mark and (kinds is None or document.kind in kinds):
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
