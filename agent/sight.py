"""What one set of rights sees: its catalogue, its values, its words. Kept by policy signature, never shared across them."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from answerable.agent.lexicon import MAX_WORDS, Lexicon, sayable
from answerable.agent.plan import Plan
from answerable.agent.senses import Key, Sense, words_of
from answerable.context import values
from answerable.context.catalog import Catalog, visible
from answerable.context.engines.base import Engine
from answerable.context.errors import AnswerableError
from answerable.context.guard import govern
from answerable.context.policy import EVERYONE, Principal, signature
from answerable.context.values import Values, declared
from answerable.context.verdicts import of_dimension, of_metric, of_model
from sqlglot import exp

MOST = 64
"""Sets of rights that are kept at a time."""


@dataclass(frozen=True)
class Sight:
    """A visible catalogue with its lexicon; `signature` says whose rights these are."""

    catalog: Catalog
    lexicon: Lexicon
    signature: str
    plans: dict[tuple[str, dt.date], Plan] = field(default_factory=dict, compare=False)
    """What the embedded planner made of questions, by their words and the day: definitions and values are these."""

    def has(self, model: str, dimension: str) -> bool:
        """Whether a dimension is seen."""
        return model in self.catalog.models and dimension in self.catalog.models[model].dimensions


@dataclass(frozen=True)
class Beyond:
    """What one set of rights does not see: what it may know to exist, and for the record alone the policy lines behind each name."""

    catalog: Catalog
    """Everything endorsed, but for what is secret and not this asker's."""
    lexicon: Lexicon
    """The words of it, with no value from the data."""
    drafts: frozenset[Key]
    """The words of what is written down and not endorsed, but for what is secret and not this asker's."""
    lines: Mapping[Key, tuple[str, ...]]
    """For each word of what is hidden, also of what is secret: who or what hides it."""

    def is_draft(self, text: str) -> bool:
        """Whether a text, or words beside each other in it, names a metric that is written down and not endorsed."""
        said = words_of(text)
        spans = ((start, end) for start in range(len(said)) for end in range(start + 1, min(start + MAX_WORDS, len(said)) + 1))
        return any(said[start:end] in self.drafts for start, end in spans)

    def decided(self, texts: Iterable[str]) -> tuple[str, ...]:
        """The policy lines behind what the texts name. Looks up as much for a name that is hidden as for one that is not there."""
        found: dict[str, None] = {}
        for text in texts:
            said = words_of(text)
            for start in range(len(said)):
                for end in range(start + 1, min(start + MAX_WORDS, len(said)) + 1):
                    found.update(dict.fromkeys(self.lines.get(said[start:end], ())))
        return tuple(found)


class Sights:
    """Sights by policy signature, made when first asked for."""

    def __init__(self, catalog: Catalog, engine: Engine, state: Path) -> None:
        self.catalog, self.engine, self.state = catalog, engine, state
        self.kept: dict[str, Sight] = {}
        self.beyond_kept: dict[str, Beyond] = {}
        self.newest_kept: dict[tuple[str, str, str], Any] = {}
        self.lock = threading.Lock()

    def of(self, principal: Principal) -> Sight:
        """What this asker sees. A changed warehouse brings its new values with the next set of rights."""
        rights = self._rights(principal)
        mark = f"{rights}-{self.engine.stamp()}"
        with self.lock:
            if mark not in self.kept:
                if len(self.kept) >= MOST:
                    self.kept.pop(next(iter(self.kept)))
                seen = visible(self.catalog, principal)
                members = values.read(self.catalog, principal, self.engine, self.state, sayable)
                self.kept[mark] = Sight(seen, Lexicon(seen, members), rights)
            return self.kept[mark]

    def _rights(self, principal: Principal) -> str:
        """The policy signature, with the rules for groups that apply."""
        groups = principal.all_groups & {group for rule in self.catalog.rules for group in rule.groups}
        ruled = sorted(groups - {EVERYONE}) if not principal.audience else []
        return "-".join((signature(self.catalog.policies, principal), *ruled))

    def known(self, principal: Principal) -> Catalog:
        """The whole project as if only its secrets had policies: to tell the forbidden from the missing."""
        return replace(self.catalog, policies={n: p for n, p in self.catalog.policies.items() if p.existence == "secret"})

    def beyond(self, principal: Principal) -> Beyond:
        """What this asker does not see."""
        sight = self.of(principal)
        with self.lock:
            if sight.signature not in self.beyond_kept:
                if len(self.beyond_kept) >= MOST:
                    self.beyond_kept.pop(next(iter(self.beyond_kept)))
                catalog = visible(self.known(principal), principal)
                words = Lexicon(catalog, Values(tuple(declared(catalog)), sight.lexicon.values.unique))
                self.beyond_kept[sight.signature] = Beyond(catalog, words, self._drafts(words, principal), self._lines(sight, principal))
            return self.beyond_kept[sight.signature]

    def _drafts(self, words: Lexicon, principal: Principal) -> frozenset[Key]:
        """The words of metrics that nobody has endorsed."""
        known = self.known(principal)
        models = {name: model.model_copy(update={"endorsed": True}) for name, model in known.models.items()}
        metrics = {name: metric.model_copy(update={"endorsed": True}) for name, metric in known.metrics.items()}
        whole = Lexicon(visible(replace(known, models=models, metrics=metrics), principal), Values())
        return frozenset(key for key, senses in whole.senses.items() if key not in words.senses and any(s.kind == "metric" for s in senses))

    def _lines(self, sight: Sight, principal: Principal) -> dict[Key, tuple[str, ...]]:
        """The policy lines behind each word of what this asker does not see."""
        whole = visible(replace(self.catalog, policies={}), principal)
        found: dict[Key, tuple[str, ...]] = {}
        for key, senses in Lexicon(whole, Values()).senses.items():
            for sense in senses:
                if lines := self._hidden_by(sense, sight, principal):
                    found[key] = tuple(dict.fromkeys((*found.get(key, ()), *lines)))
        return found

    def _hidden_by(self, sense: Sense, sight: Sight, principal: Principal) -> tuple[str, ...]:
        match sense.kind:
            case "metric" if sense.name not in sight.catalog.metrics:
                verdict = of_metric(self.catalog, self.catalog.metrics[sense.name], principal, sight.catalog)
            case "entity" if sense.name not in sight.catalog.models:
                verdict = of_model(self.catalog, self.catalog.models[sense.name], principal)
            case "dimension" if not sight.has(sense.model, sense.name):
                verdict = of_dimension(self.catalog, self.catalog.models[sense.model], sense.name, principal, sight.catalog)
            case _:
                return ()
        return tuple(f"{sense.target}: {verdict.says} ({line})" for line in verdict.lines)

    def newest(self, model: str, principal: Principal) -> Any:
        """The newest value of a model's freshness column among the rows that this asker sees; None where that can't be told."""
        freshness = self.catalog.models[model].freshness
        if freshness is None:
            return None
        mark = (model, signature(self.catalog.policies, principal), self.engine.stamp())
        if mark not in self.newest_kept:
            column = exp.column(freshness.column, table=model)
            tree = exp.select(exp.alias_(exp.Max(this=column), "newest")).from_(exp.to_table(model).as_(model))
            try:
                self.newest_kept[mark] = self.engine.run(govern(tree, self.catalog, principal, self.engine.site)).rows[0][0]
            except AnswerableError:
                return None
        return self.newest_kept[mark]
