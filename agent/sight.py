"""What one set of rights sees: its catalogue, its values, its words. Kept by policy signature, never shared across them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from answerable.agent.lexicon import Lexicon
from answerable.context import values
from answerable.context.catalog import Catalog, visible
from answerable.context.engines.base import Engine
from answerable.context.errors import AnswerableError
from answerable.context.guard import govern
from answerable.context.policy import Principal, signature
from answerable.context.values import Values, declared
from sqlglot import exp

MOST = 64
"""Sets of rights that are kept at a time."""


@dataclass(frozen=True)
class Sight:
    """A visible catalogue with its lexicon; `signature` says whose rights these are."""

    catalog: Catalog
    lexicon: Lexicon
    signature: str


class Sights:
    """Sights by policy signature, made when first asked for."""

    def __init__(self, catalog: Catalog, engine: Engine, state: Path) -> None:
        self.catalog, self.engine, self.state = catalog, engine, state
        self.kept: dict[str, Sight] = {}
        self.newest_kept: dict[tuple[str, str, str], Any] = {}
        self.lock = threading.Lock()

    def of(self, principal: Principal) -> Sight:
        """What this asker sees. A changed warehouse brings its new values with the next set of rights."""
        rights = signature(self.catalog.policies, principal)
        mark = f"{rights}-{self.engine.stamp()}"
        with self.lock:
            if mark not in self.kept:
                if len(self.kept) >= MOST:
                    self.kept.pop(next(iter(self.kept)))
                seen = visible(self.catalog, principal)
                members = values.read(self.catalog, principal, self.engine, self.state)
                self.kept[mark] = Sight(seen, Lexicon(seen, members), rights)
            return self.kept[mark]

    def all_open(self, principal: Principal) -> Catalog:
        """Everything endorsed, but for what is secret and not this asker's: to tell the forbidden from the missing."""
        secret = {name: policy for name, policy in self.catalog.policies.items() if policy.existence == "secret"}
        return visible(replace(self.catalog, policies=secret), principal)

    def lexicon_of_all(self, principal: Principal) -> Lexicon:
        """The words of `all_open`, with no value from the data."""
        catalog = self.all_open(principal)
        return Lexicon(catalog, Values(tuple(declared(catalog)), self.of(principal).lexicon.values.unique))

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
