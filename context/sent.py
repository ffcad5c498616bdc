"""SQL that somebody wrote becomes a tree, if it is one SELECT in characters that every parser reads alike."""

from __future__ import annotations

import logging
import re
import unicodedata
from itertools import pairwise

from answerable.context.dialects import folded, reader
from answerable.context.errors import GuardError
from answerable.context.intervals import whole_intervals
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # its warnings quote the asker's text
LONGEST = 50_000
"""Characters of a text that is still read."""
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_QUOTED = {TokenType.STRING, TokenType.IDENTIFIER, TokenType.NATIONAL_STRING, TokenType.HEREDOC_STRING}


def parsed(text: str, dialect: str) -> exp.Query:
    """The tree of the one query in a text. Raises GuardError."""
    if len(text) > LONGEST:
        raise GuardError(f"The SQL is longer than {LONGEST:,} characters.")
    _characters(text)
    words = reader(dialect)
    try:
        text = whole_intervals(text, words)
        tokens = words.tokenize(text)
        _plain_outside_quotes(text, tokens)
        if "->" in text or "json" in text.lower():
            _plain_keys(tokens)
        statements = [tree for tree in words.parser().parse(tokens, text) if tree is not None]
    except GuardError:
        raise
    except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, LookupError):  # some are sqlglot's own, from half a lambda
        raise GuardError("The SQL can not be read.") from None
    if len(statements) != 1:
        raise GuardError("One statement at a time." if statements else "There is no statement.")
    if not isinstance(statements[0], (exp.Query, exp.Values)):
        raise GuardError("Only a SELECT is answered; nothing is changed, described or configured.")
    tree = folded(statements[0], dialect)
    return tree if isinstance(tree, exp.Query) else _selected(tree)


def _characters(text: str) -> None:
    """Engines disagree on what is a blank: a text is refused that holds control, format, private or unassigned characters."""
    if text.isascii() and not _UNSEEN.search(text):
        return
    for char in text:
        if not char.isascii() or char < " " or char == "\x7f":
            category = unicodedata.category(char)
            if category[0] == "C" and char not in "\t\n\r":
                raise GuardError(f"The SQL holds the character U+{ord(char):04X}, which can not be seen. Type it anew without it.")


def _plain_outside_quotes(text: str, tokens: list[Token]) -> None:
    """Outside quotes and comments only ASCII and letters: an engine may take another sign for a blank, or a blank for a sign."""
    if text.isascii():
        return
    end = 0
    for token in [*tokens, None]:
        gap = text[end : token.start] if token else text[end:]
        said = "" if token is None or token.token_type in _QUOTED else text[token.start : token.end + 1]
        strange = next((char for char in _COMMENT.sub("", gap) + said if not char.isascii() and not char.isalpha()), None)
        if strange:
            raise GuardError(f"The SQL holds {strange!a} outside quotes. Put a name with such a letter in double quotes.")
        end = token.end + 1 if token else end


_JSON = {"json_extract", "json_extract_string", "json_extract_path", "json_extract_path_text", "json_value", "json_exists", "json_type"}
_PLAIN_KEY = re.compile(r"[^.\[\]$\"*?/\\]+|/[^.\[\]$\"*?\\]*|\$([.\[].*)?")


def _plain_keys(tokens: list[Token]) -> None:
    """`j -> 'a.b'` is a key to the engines and a path to our parser: only what both read alike passes."""
    inside: list[bool] = []
    for before, token in pairwise(tokens):
        if token.token_type == TokenType.L_PAREN:
            inside.append(before.text.lower() in _JSON)
        elif token.token_type == TokenType.R_PAREN and inside:
            inside.pop()
        follows = before.token_type in (TokenType.ARROW, TokenType.DARROW)
        argument = before.token_type == TokenType.COMMA and bool(inside) and inside[-1]
        if token.token_type == TokenType.STRING and (follows or argument) and not _PLAIN_KEY.fullmatch(token.text):
            raise GuardError(f"Write the key {token.text!r} as a path: '$.\"…\"'.")


def _selected(values: exp.Values) -> exp.Query:
    alias = exp.TableAlias(this=exp.to_identifier("given"))
    values.set("alias", alias)
    return exp.select("*").from_(values)
