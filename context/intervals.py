"""Intervals of several units: `interval '1 day 03:04'`, of which sqlglot keeps the first unit alone, and loses an `ago`."""

from __future__ import annotations

import re

from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token, TokenType

_ONE = re.compile(r"\s*[+-]?\d+(\.\d+)?(\s+[A-Za-z]+)?\s*")


def whole_intervals(text: str, dialect: Dialect) -> str:
    """The text with each interval of more than one unit as a cast, which the engine reads whole. Raises sqlglot's errors."""
    if "interval" not in text.lower():
        return text
    tokens = dialect.tokenize(text)
    for n in range(len(tokens) - 2, -1, -1):  # from the end, so that the places before stay
        if tokens[n].token_type == TokenType.INTERVAL and _several(tokens[n + 1 : n + 3]):
            start, said = tokens[n].start, tokens[n + 1]
            text = f"{text[:start]}CAST({text[said.start : said.end + 1]} AS INTERVAL){text[said.end + 1 :]}"
    return text


def _several(after: list[Token]) -> bool:
    """Whether the text behind `interval` is more than a number with its unit."""
    said = after[0]
    return said.token_type == TokenType.STRING and (not _ONE.fullmatch(said.text) or said.text.strip().lower().endswith(" ago"))
