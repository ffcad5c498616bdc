"""What of a catalogue can be searched: a document for each model, dimension, metric, set of values, rule and verified question.

No document holds a value of a column that a policy closes to anybody, and none is made of a question whose plan names what is not in
the catalogue: made of what one asker sees, the documents are what that asker may find.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from answerable.context.catalog import Catalog, VerifiedQuestion
from answerable.context.errors import AnswerableError
from answerable.context.expr import PER, names, parse_condition
from answerable.context.model import Dimension, Item, Metric, Model, Rule
from answerable.context.paths import resolve

KINDS = ("model", "dimension", "metric", "values", "rule", "verified")
MOST_VALUES = 200
"""Declared values of one dimension that its document names."""


@dataclass(frozen=True)
class Document:
    """One thing that can be found. `id` is `kind:name`, and stays while the name does."""

    id: str
    kind: str
    name: str
    fields: Mapping[str, str]
    """Its texts by what they are: name, label, synonyms, description, values, question."""
    model: str = ""
    """The model that it belongs to."""
    endorsed: bool = True
    access: frozenset[str] | None = None
    """The groups that the policy of its model lets in, for whoever keeps documents elsewhere; None where there is no policy."""
    uses: tuple[str, ...] = ()
    """Of a verified question, the ids of what its plan names."""

    @property
    def text(self) -> str:
        """All of it in one line, as an embedder reads it."""
        return ". ".join(" ".join(text.replace("_", " ").split()) for text in self.fields.values() if text)

    @cached_property
    def hash(self) -> str:
        """Sixteen hex digits that change with its texts."""
        return hashlib.sha256(json.dumps([self.id, self.text]).encode()).hexdigest()[:16]


def documents_of(catalog: Catalog) -> tuple[Document, ...]:
    """Every document of a catalogue, in its order; the ids are unique."""
    made = [*_models(catalog), *_metrics(catalog), *map(_rule, catalog.rules), *_verified(catalog)]
    return tuple({document.id: document for document in made}.values())


def _models(catalog: Catalog) -> Iterator[Document]:
    for model in catalog.models.values():
        access, endorsed = _access(catalog, model.name), bool(model.endorsed)
        fields = {**_texts(model), "entity": model.entity or "", "table": (model.table or "").rpartition(".")[2]}
        yield Document(f"model:{model.name}", "model", model.name, fields, model.name, endorsed, access)
        for dimension in model.dimensions.values():
            name = f"{model.name}.{dimension.name}"
            told = endorsed and dimension.endorsed is not False
            yield Document(f"dimension:{name}", "dimension", name, _texts(dimension), model.name, told, access)
            if (said := _values(dimension)) and not restricted(catalog, model, dimension):
                fields = {"name": dimension.name, "label": dimension.label or "", "values": said}
                yield Document(f"values:{name}", "values", name, fields, model.name, told, access)


def _values(dimension: Dimension) -> str:
    """The declared values with their synonyms and meanings."""
    said = [
        " ".join(filter(None, (value, *meant.synonyms, meant.description))) for value, meant in list(dimension.values.items())[:MOST_VALUES]
    ]
    return ", ".join(said)


def restricted(catalog: Catalog, model: Model, dimension: Dimension) -> bool:
    """Whether anybody is kept from values of a dimension: it is private, or a policy filters rows, masks it or closes it to some."""
    policy = catalog.policies.get(model.name)
    if dimension.private or dimension.hidden:
        return True
    if policy is None:
        return False
    return any(rule.rows is not None or rule.at_least > 1 or rule.verdict(dimension.name) is not None for rule in policy.groups.values())


def _metrics(catalog: Catalog) -> Iterator[Document]:
    for metric in catalog.metrics.values():
        model = _home(catalog, metric)
        fields = {**_texts(metric), "unit": metric.unit if isinstance(metric.unit, str) else ""}
        yield Document(f"metric:{metric.name}", "metric", metric.name, fields, model, catalog.endorsed(metric), _access(catalog, model))


def _home(catalog: Catalog, metric: Metric) -> str:
    """The model of a metric; of one across models, that of the first metric that it is made of."""
    return metric.model or next((leaf.model or "" for leaf in catalog.leaves(metric)), "")


def _rule(rule: Rule) -> Document:
    groups = frozenset(rule.groups) or None
    return Document(f"rule:{rule.name}", "rule", rule.name, {"name": rule.name, "description": rule.text}, access=groups)


def _verified(catalog: Catalog) -> Iterator[Document]:
    for question in catalog.verified:
        if uses := _uses(catalog, question):
            mark = hashlib.sha256(question.question.encode()).hexdigest()[:12]
            model = uses[0].removeprefix("model:")
            fields = {"question": question.question}
            yield Document(f"verified:{mark}", "verified", question.question, fields, model, True, _access(catalog, model), uses)


def _uses(catalog: Catalog, question: VerifiedQuestion) -> tuple[str, ...]:
    """The ids of what a verified question's plan names, its models first.

    None of them where it has no plan, the catalogue lacks what that names, or a condition names a column with closed values.
    """
    plan = question.plan
    if plan is None:
        return ()
    metrics = [catalog.metrics.get(name) or catalog.metric(name) for name in plan.metrics]
    if not all(metric is not None and catalog.endorsed(metric) for metric in metrics):
        return ()
    bases = sorted({leaf.model or "" for metric in metrics if metric for leaf in catalog.leaves(metric)})
    bases = bases or sorted({name.split(".")[0] for name in plan.by if "." in name})
    found = dict.fromkeys((*(f"model:{base}" for base in bases), *(f"metric:{name}" for name in plan.metrics)))
    try:
        conditions = [name for text in plan.where for name in names(parse_condition(text)) if PER not in name]
        for base in bases:
            for name in dict.fromkeys((*plan.by, *conditions)):
                field = resolve(catalog, catalog.models[base], name)
                if name in conditions and restricted(catalog, field.model, field.dimension):
                    return ()
                found[f"dimension:{field.model.name}.{field.dimension.name}"] = None
    except (AnswerableError, KeyError):
        return ()
    return tuple(found)


def _texts(item: Item) -> dict[str, str]:
    return {
        "name": item.name.rpartition(".")[2], "label": item.label or "", "synonyms": ", ".join(item.synonyms),
        "description": item.description or "", "tags": ", ".join(item.tags),
    }  # fmt: skip


def _access(catalog: Catalog, model: str) -> frozenset[str] | None:
    policy = catalog.policies.get(model)
    return frozenset(policy.groups) if policy else None
