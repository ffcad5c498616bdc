"""Search by words: how well each document, each model with all that belongs to it, and each domain of models covers a question.

Evidence for a word is BM25's, over the fields of a document at once (BM25F). A model has the best evidence of its own texts and of its
dimensions and metrics, a domain (the schema of a table) that of its models, so that what covers more of the question's words comes
before what says one of them often. Rarity is counted over the documents given, and no others.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from answerable.context.documents import Document
from answerable.context.stems import Likeness, content, hints, stems

WEIGHTS = {"name": 3.0, "label": 3.0, "synonyms": 3.0, "entity": 3.0, "table": 3.0, "question": 2.0, "values": 1.5, "unit": 0.5}
"""How much a word in a field counts; 1 in others."""
NAMES = frozenset({"name", "table"})
"""The fields that hold identifiers."""
K1 = 1.2
LENGTH = 0.5
"""How far a long document is held against its words, of 1."""
CHILD = 0.6
"""What evidence in a dimension is worth to its model."""
SECOND = 0.2
"""What the second best evidence adds to the best."""
BEST = 0.2
"""What the best of its dimensions adds to a model: words that stand together there."""
HINT = 0.15
"""What a word is worth that the question only suggests: a date, where it asks when."""
LINKED = 0.03
"""What the two best models that a model is joined with add to it: a table of links is seldom named."""
DOMAIN = 1.2
"""What the domain's coverage is worth to each of its models, also to those that cover no word themselves."""
FOCUS = 0.3
"""What the best model of a domain counts beside all of them together: words that stand in one table."""
WIDTH = 0.2
"""How far a domain of many models is held against its coverage, of 1."""


@dataclass(frozen=True)
class Scored:
    """What a question found: by the place of a document, of a model, and by the name of a domain."""

    own: Mapping[int, float]
    models: Mapping[int, float]
    """With what its joins and its domain add."""
    domains: Mapping[str, float]
    evidence: Mapping[str, Mapping[int, float]]
    """For each stem of the question, the documents that cover it, from 0 to 1."""


class Lexical:
    """An index in memory over some documents."""

    def __init__(self, documents: Sequence[Document], domains: Mapping[str, str], links: Mapping[str, Collection[str]]) -> None:
        """`domains` names the domain of each model, `links` the models that it is joined with."""
        self.documents = documents
        weights = [_weights(document) for document in documents]
        self.postings = _postings(documents, weights)
        self.worth = [0.0 if d.kind == "verified" or not d.model else 1.0 if d.kind == "model" else CHILD for d in documents]
        self.models = sorted({document.model for document in documents if document.model})
        place = {model: n for n, model in enumerate(self.models)}
        self.model_of = [place.get(document.model, -1) for document in documents]
        self.domains = [domains.get(model, "") for model in self.models]
        self.links = [[place[other] for other in sorted(links.get(model, ())) if other in place] for model in self.models]
        self.sizes = Counter(self.domains)
        self.likeness = Likeness(self.postings)
        self.rarities: dict[str, tuple[float, float, float]] = {}

    def scored(self, text: str) -> Scored:
        """Every document that covers a word of a text, and every model and domain that such documents belong to."""
        own, models, domains = defaultdict[int, float](float), defaultdict[int, float](float), defaultdict[str, float](float)
        said = dict.fromkeys(stems(content(text)))
        evidence = {stem: found for stem in said if (found := self._evidence(stem))}
        for stem, found in evidence.items():
            rare, of_models, spread = self._rarity(stem)
            covered: dict[str, float] = {}
            for model, share in self._rolled(found).items():
                models[model] += of_models * share
                domain = self.domains[model]
                covered[domain] = max(share, covered.get(domain, 0.0))
            for n, share in found.items():
                own[n] += rare * share
            for domain, share in covered.items():
                domains[domain] += spread * share
        for stem in dict.fromkeys(hints(text)):
            if stem not in said and (found := self._evidence(stem)):
                rare = HINT * self._rarity(stem)[0]
                for n, share in found.items():
                    own[n] += rare * share
        self._focus(domains, models)
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
        worth, model_of = self.worth, self.model_of
        for n, share in found.items():
            if not (share := share * worth[n]):
                continue
            model = model_of[n]
            first = best.get(model, 0.0)
            if share > first:
                best[model], second[model] = share, first
            elif share > second[model]:
                second[model] = share
        return {model: min(1.0, share + SECOND * second[model]) for model, share in best.items()}

    def _rarity(self, stem: str) -> tuple[float, float, float]:
        """How much a word tells, among documents, models and domains: of the nearest form that documents have."""
        if stem not in self.rarities:
            have = [n for n, _ in self.postings[self.likeness.of(stem)[0][0]]]
            models = {self.model_of[n] for n in have} - {-1}
            spread = len({self.domains[model] for model in models})
            of_domains = _rarity(spread, len(self.sizes)) if len(self.sizes) > 1 else 0.0
            self.rarities[stem] = _rarity(len(have), len(self.documents)), _rarity(len(models), len(self.models)), of_domains
        return self.rarities[stem]

    def _focus(self, domains: dict[str, float], models: Mapping[int, float]) -> None:
        """Domains by how well their best model covers the question too, and against their size."""
        best: dict[str, float] = {}
        for model, score in models.items():
            best[self.domains[model]] = max(score, best.get(self.domains[model], 0.0))
        usual = math.log1p(len(self.models) / max(len(self.sizes), 1))
        for domain, score in domains.items():
            width = 1 - WIDTH + WIDTH * math.log1p(self.sizes[domain]) / usual
            domains[domain] = (score + FOCUS * best[domain]) / (1 + FOCUS) / width if score else 0.0

    def _lifted(self, own: Mapping[int, float], models: Mapping[int, float], domains: Mapping[str, float]) -> dict[int, float]:
        """Models with what the best of their documents, their joins and their domains add."""
        best: dict[int, float] = {}
        worth, model_of = self.worth, self.model_of
        for n, score in own.items():
            if worth[n] == CHILD and score > best.get(model_of[n], 0.0):
                best[model_of[n]] = score
        alone = {model: score + BEST * best.get(model, 0.0) for model, score in models.items()}
        lifted = dict(alone)
        for model, others in enumerate(self.links):
            if scores := sorted((alone[other] for other in others if other in alone), reverse=True)[:2]:
                lifted[model] = lifted.get(model, 0.0) + LINKED * sum(scores) / (2 - len(scores) // 2)
        for model, domain in enumerate(self.domains):
            if (score := domains.get(domain, 0.0)) > 0:
                lifted[model] = lifted.get(model, 0.0) + DOMAIN * score
        return lifted


def _weights(document: Document) -> dict[str, float]:
    """How much each stem counts in a document, over its fields."""
    found: dict[str, float] = defaultdict(float)
    for name, text in document.fields.items():
        for stem in stems(text, name in NAMES):
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
