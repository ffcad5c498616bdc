"""`--explain`: every word of the question with what took it, then the plan, the definitions and what was taken for granted."""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import Any

from answerable.agent.answer import Answer
from answerable.agent.plan import MISSING, Span
from answerable.integrations.gloss import fits, gap_of, marked
from answerable.integrations.naming import HOW
from answerable.integrations.page import filled, folded, paragraph, room, write
from rich.console import Console

KIND, NARROW = 10, 26
"""The longest kind with a space, and the least that a window needs on one line with how it was meant."""
_DEFAULTS = frozenset({"name", "exact", "none", ""})


def explain(answer: Answer, out: Console) -> None:
    """Print the evidence of an answer, part by part; a part that it doesn't have is left out."""
    if answer.grounding or answer.kind == "catalogue":
        write(out)
        write(out, "Words" if fits(answer) else "Words of the question that was answered", "bold")
        _words(answer, out)
    if answer.plan:
        write(out)
        write(out, "Plan", "bold")
        for line in _plan(answer.plan, room(out)):
            write(out, line)
    if answer.definitions and answer.kind != "catalogue":
        write(out)
        write(out, "Definitions", "bold")
        for definition in answer.definitions:
            said = definition.get("formula") or definition.get("description") or "no description yet"
            where = f"  [{definition['where']}]" if definition.get("where") else ""
            _item(f"{definition['label']}: {said}{where}", out)
    for title, said in (("Taken for granted", answer.assumptions), ("What you may see", answer.policies)):
        if said:
            write(out)
            write(out, title, "bold")
            for text in said:
                _item(text, out)
    if answer.timings:
        write(out)
        paragraph(out, "   ".join(f"{step}\u00a0{ms:.1f}\u00a0ms" for step, ms in answer.timings.items()), "  ", "dim")


def _item(text: str, out: Console) -> None:
    for line in folded(text, room(out), "  ", "    "):
        write(out, line)


def _words(answer: Answer, out: Console) -> None:
    """Word, kind, and what took it and how, in three columns; one under the other where they don't fit."""
    spans = marked(answer) or (Span(answer.question, 0, 0, "grammar", "the question itself"),)
    wide = min(28, room(out) // 3)
    rest = room(out) - 2 - wide - 1 - KIND - 1
    for span in spans:
        kind, said = _taken(answer, span)
        if rest < NARROW:
            _item(span.text, out)
            paragraph(out, f"{kind} {said}", "    ")
            continue
        parts = zip_longest(folded(span.text, wide), [kind], folded(said, rest, "", "  "), fillvalue="")
        for word, shown, target in parts:
            write(out, f"  {filled(word, wide)} {filled(shown, KIND)} {target}".rstrip())


def _taken(answer: Answer, span: Span) -> tuple[str, str]:
    """The kind of a word for people, and what took it with how; filler says so."""
    gap = gap_of(answer, span)
    if span.kind == "frame":
        return "occasion", "says nothing of the number"
    if span.kind == "grammar" and span.target == "filler":
        return "filler", "says nothing" + _how(span)
    if span.kind == "gap":
        lacks = "no definition" if gap is None or gap.type in MISSING else gap.says or gap.type
        return "gap", lacks
    target = ", ".join(span.target.split(" | ")) if span.target != span.kind else ""
    lacking = f"; {gap.type}" if gap and answer.status in ("declined", "denied") and gap.type not in MISSING else ""
    return span.kind, (target or _value(span)) + _how(span) + lacking


def _value(span: Span) -> str:
    return "a number" if span.kind == "number" else span.kind


def _how(span: Span) -> str:
    return "" if span.how in _DEFAULTS or span.how == span.kind else f"  ({HOW.get(span.how, span.how)})"


def _plan(plan: dict[str, Any], width: int) -> list[str]:
    """The plan as JSON that is still JSON when it is copied: lines break between its parts, and no text is cut."""
    parts = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in plan.items()]
    lines, line = list[str](), "  {"
    for n, part in enumerate(parts):
        said = part + ("}" if n + 1 == len(parts) else ",")
        if line.strip() != "{" and len(line) + 1 + len(said) > width:
            lines.append(line)
            line = "   "
        line += said if line.strip() in ("", "{") else f" {said}"
    return [*lines, line]
