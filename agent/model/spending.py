"""What a language model may cost, and has cost today: by question, by user, and in all. Counted from the journal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace

from answerable.agent.journal import Journal
from answerable.context.settings import LanguageModel


@dataclass(frozen=True)
class Usage:
    """What one question has used of a model."""

    model: str
    requests: int = 0
    read: int = 0
    written: int = 0
    cost: float = 0.0

    @property
    def tokens(self) -> int:
        return self.read + self.written

    def more(self, read: int, written: int, model: LanguageModel) -> Usage:
        """With one more request."""
        cost = (read * model.price.input + written * model.price.output) / 1e6
        return replace(
            self, requests=self.requests + 1, read=self.read + read, written=self.written + written, cost=round(self.cost + cost, 8)
        )


@dataclass(frozen=True)
class Spending:
    """The budgets of a project's model."""

    model: LanguageModel
    journal: Journal
    clock: Callable[[], dt.datetime]

    def over(self, user: str | None) -> str:
        """Which budget of today is used up, in words; empty while none is."""
        model = self.model
        if all(limit is None for limit in (model.tokens.user, model.tokens.day, model.cost.user, model.cost.day)):
            return ""
        today = self.clock().date()
        tokens, cost = self.journal.spent(today)
        own_tokens, own_cost = self.journal.spent(today, user, everybody=False)
        spent = (
            (own_tokens, model.tokens.user, "your budget of tokens for today"), (own_cost, model.cost.user, "your budget for today"),
            (tokens, model.tokens.day, "today's budget of tokens"), (cost, model.cost.day, "today's budget"),
        )  # fmt: skip
        return next((f"{words} is used up" for used, limit, words in spent if limit is not None and used >= limit), "")

    def over_on_one(self, usage: Usage) -> str:
        """Whether one question has used up what it may."""
        tokens, cost = self.model.tokens.question, self.model.cost.question
        used_up = (tokens is not None and usage.tokens >= tokens) or (cost is not None and usage.cost >= cost)
        return "the budget of one question is used up" if used_up else ""
