"""What somebody may ask about, as a list of items."""

from __future__ import annotations

from collections.abc import Iterator

from answerable.agent.ask import Project
from answerable.context.policy import Principal
from answerable.context.search import Search
from pydantic import BaseModel


class Item(BaseModel):
    """A metric, model or dimension that somebody sees."""

    kind: str
    name: str
    label: str
    description: str = ""
    synonyms: tuple[str, ...] = ()
    owner: str | None = None
    unit: str | None = None


def items(project: Project, asker: Principal, search: str = "", kind: str | None = None) -> list[Item]:
    """The items that somebody sees; those that a search finds, the best first."""
    seen = project.sights.of(asker).catalog
    found = {f"{item.kind}:{item.name}": item for item in _all(project, asker)}
    if search:
        kinds = frozenset({kind} if kind else {"metric", "model", "dimension"})
        return [found[hit.id] for hit in Search(seen).find(search, 200, kinds).hits if hit.id in found]
    return [item for item in found.values() if kind in (None, item.kind)]


def _all(project: Project, asker: Principal) -> Iterator[Item]:
    seen = project.sights.of(asker).catalog
    for metric in seen.metrics.values():
        if not metric.hidden:
            unit = metric.unit if isinstance(metric.unit, str) else None
            yield Item(
                kind="metric", name=metric.name, label=metric.words, description=metric.description or "", synonyms=metric.synonyms,
                owner=metric.owner, unit=unit,
            )  # fmt: skip
    for model in seen.models.values():
        yield Item(
            kind="model", name=model.name, label=model.words, description=model.description or "", synonyms=model.synonyms,
            owner=model.owner,
        )  # fmt: skip
        for dimension in model.dimensions.values():
            if not dimension.hidden:
                yield Item(
                    kind="dimension", name=f"{model.name}.{dimension.name}", label=dimension.words,
                    description=dimension.description or "", synonyms=dimension.synonyms, owner=model.owner,
                )  # fmt: skip
