"""The journal's unanswered questions, gathered by the word that was missing and by how many people missed it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from answerable.agent.plan import NOT_SUPPORTED
from answerable.context.words import fold


@dataclass(frozen=True)
class GapGroup:
    """One missing word: its type, how many questions and people it stopped, and some of the questions."""

    word: str
    type: str
    questions: int
    people: int
    examples: tuple[str, ...]
    closes: str


@dataclass(frozen=True)
class GapReport:
    """The groups, most people first; how many different questions there were, and how many of them were stopped."""

    groups: tuple[GapGroup, ...]
    asked: int
    stopped: int


def report(records: list[dict[str, Any]]) -> GapReport:
    """Group the records of what people asked by their gaps."""
    questions = [r for r in records if r["surface"] != "sql" and r["question"]]  # a plan has no words
    grouped: dict[tuple[str, str], list[tuple[dict[str, Any], dict[str, Any]]]] = defaultdict(list)
    for record in questions:
        for gap in record["gaps"]:
            if gap["type"] != NOT_SUPPORTED:
                grouped[(gap["type"], fold(gap["text"]) or gap["text"])].append((record, gap))
    groups = [_group(kind, word, found) for (kind, word), found in grouped.items()]
    groups.sort(key=lambda g: (-g.people, -g.questions, g.word))
    different = {fold(r["question"]) for r in questions}
    stopped = {fold(r["question"]) for r in questions if r["gaps"]}
    return GapReport(tuple(groups), len(different), len(stopped))


def _group(kind: str, word: str, found: list[tuple[dict[str, Any], dict[str, Any]]]) -> GapGroup:
    examples = tuple(dict.fromkeys(record["question"] for record, _ in found))
    people = {record["principal"] for record, _ in found}
    return GapGroup(word, kind, len(examples), len(people), examples[:3], found[-1][1]["closes"])
