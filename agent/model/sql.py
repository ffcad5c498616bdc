"""SQL by a language model, the last resort: each content word of the question must stand in it, or be claimed by what it assumes."""

from __future__ import annotations

import re

from answerable.agent.ground import Grounder, Segment
from answerable.agent.lexicon import Lexicon
from answerable.agent.model.roles import FREE, LEAVING_OUT
from answerable.agent.model.steps import Word
from answerable.agent.when import Reader
from answerable.agent.words import tokens
from answerable.context.words import key

MARKUP = re.compile(r"https?:|www\.|[<>\[\]{}|`*_#@\\]|[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
LONGEST = 200


def accounts_for(question: str, sql: str, words: tuple[Word, ...], lexicon: Lexicon, reader: Reader) -> str:
    """Which words of a question nothing in the SQL takes, told to the model; empty where there are none."""
    cover = next(Grounder(question, tokens(question), lexicon, reader, lenient=True).covers())
    said, claimed = sql.lower(), {part for word in words for part in key(word.words)}
    left = [segment.text for segment in cover if not _taken(segment, said, claimed)]
    return f"Nothing in the SQL takes {', '.join(f'“{text}”' for text in left)}." if left else ""


def _taken(segment: Segment, sql: str, claimed: set[str]) -> bool:
    if segment.role in FREE or segment.role in ("by", "or", "most", "least", "top", "bottom", "average", "share", "trend"):
        return True
    if segment.role == "unknown":
        return {*key(segment.text)} <= claimed
    if segment.role == "number":
        return bool(re.search(rf"\b{segment.value:.12g}\b", sql)) if segment.value is not None else False
    if segment.role == "when" and segment.when is not None:
        ends = (segment.when.start, segment.when.end)
        return any(ends) and all(day is None or day.isoformat() in sql for day in ends)
    if segment.role in LEAVING_OUT:
        return bool(re.search(r"\bnot\b|<>|!=|\bexcept\b|\bis null\b|= 0\b", sql))
    if segment.role == "word":
        names = {str(s.value).lower() if s.kind == "value" else s.name.lower() for s in segment.senses}
        return any(name in sql for name in names) or {*key(segment.text)} <= claimed
    return False


def assumed(said: tuple[str, ...], question: str) -> tuple[str, ...]:
    """What the model takes for granted, as it may be shown: short, without markup, and without a number that the question has not."""
    kept = [text.strip()[:LONGEST] for text in said[:5] if text.strip() and not MARKUP.search(text)]
    numbers = {*re.findall(r"\d+", question)}
    return tuple(f"The language model took for granted: {text}" for text in kept if {*re.findall(r"\d+", text)} <= numbers)
