"""Search by words: how well each document, each model with all that belongs to it, and each domain of models covers a question.

Evidence for a word is BM25's, over the fields of a document at once (BM25F). A model has the best evidence of its own texts and of its
dimensions and metrics, a domain (the schema of a table) that of its models, so that what covers more of the question's words comes
before what says one of them often. Rarity is counted over the documents given, and no others.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from answerable.context.documents import Document
from answerable.context.stems import Likeness, stems

WEIGHTS = {"name": 3.0, "label": 3.0, "synonyms": 3.0, "entity": 3.0, "table": 3.0, "question": 2.0, "values": 1.5, "unit": 0.5}
"""How much a word in a field counts; 1 in others."""
K1 = 1.2
LENGTH = 0.3
"""How far a long document is held against its words, of 1."""
CHILD = 0.7
"""What evidence in a dimension is worth to its model."""
SECOND = 0.2
"""What the second best evidence adds to the best."""
BEST = 0.4
"""What the best of its dimensions adds to a model: words that stand together there."""
DOMAIN = 1.0
"""What the domain's coverage is worth to each of its models."""


@dataclass(frozen=True)
class Scored:
    """What a question found: by the place of a document, of a model, and by the name of a domain."""

    own: Mapping[int, float]
    models: Mapping[int, float]
    """With what the best of its dimensions and its domain add."""
    domains: Mapping[str, float]
    evidence: Mapping[str, Mapping[int, float]]
    """For each stem of the question, the documents that cover it, from 0 to 1."""


class Lexical:
    """An index in memory over some documents."""

    def __init__(self, documents: Sequence[Document], domains: Mapping[str, str]) -> None:
        """`domains` names the domain of each model."""
        self.documents = documents
        weights = [_weights(document) for document in documents]
        self.postings = _postings(documents, weights)
        self.models = sorted({document.model for document in documents if document.model})
        place = {model: n for n, model in enumerate(self.models)}
        self.model_of = [place.get(document.model, -1) for document in documents]
        self.domains = [domains.get(model, "") for model in self.models]
        self.spread = len(set(self.domains))
        self.likeness = Likeness(self.postings)
        self.rarities: dict[str, tuple[float, float]] = {}

    def scored(self, text: str) -> Scored:
        """Every document that covers a word of a text, and every model and domain that such documents belong to."""
        own, models, domains = defaultdict[int, float](float), defaultdict[int, float](float), defaultdict[str, float](float)
        evidence = {stem: found for stem in dict.fromkeys(stems(text)) if (found := self._evidence(stem))}
        for stem, found in evidence.items():
            rolled = self._rolled(found)
            covered: dict[str, float] = {}
            for model, share in rolled.items():
                domain = self.domains[model]
                covered[domain] = max(share, covered.get(domain, 0.0))
            rare, spread = self._rarity(stem)
            for n, share in found.items():
                own[n] += rare * share
            for model, share in rolled.items():
                models[model] += rare * share
            for domain, share in covered.items():
                domains[domain] += spread * share
        return Scored(own, self._lifted(own, models, domains), domains, evidence)

    def _evidence(self, stem: str) -> dict[int, float]:
        found: dict[int, float] = {}
        for form, likeness in self.likeness.of(stem):
            for n, weight in self.postings[form]:
                if (covered := likeness * weight) > found.get(n, 0.0):
                    found[n] = covered
        return found

    def _rolled(self, found: Mapping[int, float]) -> dict[int, float]:
        """The evidence for one word by model: the best that it has, and a little of the next."""
        best, second = dict[int, float](), dict[int, float]()
        for n, share in found.items():
            model, document = self.model_of[n], self.documents[n]
            if model < 0 or document.kind == "verified":
                continue
            share = share if document.kind == "model" else CHILD * share
            first = best.get(model, 0.0)
            best[model], second[model] = max(first, share), max(second.get(model, 0.0), min(first, share))
        return {model: min(1.0, share + SECOND * second[model]) for model, share in best.items()}

    def _rarity(self, stem: str) -> tuple[float, float]:
        """How much a word tells, among models and among domains: of the nearest form that documents have."""
        if stem not in self.rarities:
            nearest = self.likeness.of(stem)[0][0]
            models = {self.model_of[n] for n, _ in self.postings[nearest]} - {-1}
            domains = {self.domains[model] for model in models}
            self.rarities[stem] = _rarity(len(models), len(self.models)), _rarity(len(domains), self.spread) if self.spread > 1 else 0.0
        return self.rarities[stem]

    def _lifted(self, own: Mapping[int, float], models: Mapping[int, float], domains: Mapping[str, float]) -> dict[int, float]:
        """Models with what the best of their documents and their domains add."""
        best: dict[int, float] = {}
        for n, score in own.items():
            model = self.model_of[n]
            if model >= 0 and self.documents[n].kind not in ("model", "verified"):
                best[model] = max(score, best.get(model, 0.0))
        return {m: score + BEST * best.get(m, 0.0) + DOMAIN * domains[self.domains[m]] for m, score in models.items()}


def _weights(document: Document) -> dict[str, float]:
    """How much each stem counts in a document, over its fields."""
    found: dict[str, float] = defaultdict(float)
    for name, text in document.fields.items():
        for stem in stems(text):
            found[stem] += WEIGHTS.get(name, 1.0)
    return dict(found)


def _postings(documents: Sequence[Document], weights: Sequence[Mapping[str, float]]) -> dict[str, list[tuple[int, float]]]:
    """The documents of each stem, with BM25's evidence: long documents are held against others of their kind."""
    lengths = [sum(said.values()) for said in weights]
    of_kind: dict[str, list[float]] = defaultdict(list)
    for document, length in zip(documents, lengths, strict=True):
        of_kind[document.kind].append(length)
    usual = {kind: sum(all_) / len(all_) or 1.0 for kind, all_ in of_kind.items()}
    found: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for n, (document, said) in enumerate(zip(documents, weights, strict=True)):
        norm = K1 * (1 - LENGTH + LENGTH * lengths[n] / usual[document.kind])
        for stem, weight in said.items():
            found[stem].append((n, weight / (weight + norm)))
    return dict(found)


def _rarity(have: int, of: int) -> float:
    return math.log(1 + (of - have + 0.5) / (have + 0.5))
