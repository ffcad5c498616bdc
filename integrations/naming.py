"""What a definition, a time and a way of being meant are called where people read them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from answerable.agent import wording
from answerable.agent.plan import Span
from answerable.context.catalog import Catalog
from answerable.integrations.printing import printable


@dataclass(frozen=True)
class Names:
    """Labels of what an answer names: from the catalogue, or, without one, from the answer's own definitions.

    Only what a span or an option of the answer names is looked up, and that was chosen from what the asker may see.
    """

    catalog: Catalog | None = None
    labels: Mapping[str, str] | None = None

    def of(self, span: Span) -> str:
        """What took a span; of several things with different names the first."""
        first = span.target.split(" | ")[0]
        match span.kind:
            case "time":
                return window(first)
            case "value":
                return first.split(".", 1)[-1]
            case "grammar":
                return self._grain(first.removeprefix("grain:"))
        return wording.capital(self._label(span.kind, first))

    def _label(self, kind: str, target: str) -> str:
        if found := (self.labels or {}).get(target):
            return found
        model, _, name = target.partition(".")
        item: Any = None
        if self.catalog is not None:
            item = self.catalog.metric(target) if kind == "metric" else None
            owner = self.catalog.models.get(model)
            if owner is not None and item is None:
                item = (owner.dimensions.get(name) or owner.joins.get(name)) if name else owner
        return plain(item.words) if item is not None else target.rpartition(".")[2].replace("_", " ")

    def _grain(self, grain: str) -> str:
        if grain == "week" and self.catalog is not None:
            return f"from {wording.capital(self.catalog.settings.week_start)}"
        return f"each {grain}"

    def described(self, metrics: list[str]) -> str:
        """What some metrics count, as their definitions say it."""
        found = [self.catalog.metric(name) for name in metrics] if self.catalog is not None else []
        return " ".join(plain(metric.description).rstrip(".") for metric in found if metric is not None and metric.description)


def plain(text: str) -> str:
    """A text of the catalogue as one line, of which no character acts on the terminal."""
    return " ".join(printable(text).split())


def window(target: str) -> str:
    """A half-open window as its first and last day: `1 – 31 Oct 2026`, `31 Aug – 19 Nov 2026`, `since 31 Aug 2026`."""
    start, _, end = target.partition("/")
    first = dt.date.fromisoformat(start[:10]) if start[:1].isdigit() else None
    last = dt.date.fromisoformat(end[:10]) - dt.timedelta(days=1) if end[:1].isdigit() else None
    if first is None or last is None:
        return f"since {wording.date(first)}" if first else f"up to {wording.date(last)}" if last else ""
    if first >= last:
        return wording.date(first)
    said = wording.date(first)
    if first.year == last.year:
        said = str(first.day) if first.month == last.month else said.removesuffix(f" {first.year}")
    return f"{said} – {wording.date(last)}"


HOW = {
    "label": "by its label",
    "synonym": "by a synonym",
    "value": "by its value",
    "rule": "by a rule",
    "lemma": "by another form of the word",
    "order": "by its words in another order",
    "part": "by a part of its name",
    "apart": "by words that stand apart",
    "verb": "by the verb of it",
    "spelling": "spelling put right",
    "role": "by the role of a join",
}
"""How a word was taken, where it's not by the very name."""
