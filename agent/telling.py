"""A lead-in in the asker's own words: "I'm writing a letter to our doctors, how many referrals did we get in May".

What somebody does or plans says nothing about a number, whatever its words, as long as none of them could narrow the question: no value,
no metric, no time, no name, no word of the grammar that counts, compares or leaves out. And what follows has to stand by itself, without a
word that points back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from answerable.agent import grammar
from answerable.agent.framing import SUBJECT, TALKING, frames
from answerable.agent.lexicon import Lexicon
from answerable.agent.when import Reader
from answerable.agent.words import Token

_DOING = (
    "writ|send|rais|launch|hir|renew|negotiat|settl|decid|prepar|print|publish|post|present|thank|congratulat|invit|celebrat|award|"
    "hand|train|recruit|redesign|renovat|refurbish|build|rent|leas|expand|invest|improv|convinc|persuad|argu|discuss|pitch|apply|submit|"
    "fil|reply|respond|updat|adjust|chang|organis|organiz|schedul|plan|draft|redo|set up|put together|work on|announc|advertis|host|"
    "sponsor|appl|shorten|reduc|increas|lower|boost|solv|promot|reward|motivat|remind|contact|thank|talk|speak|meet|brief|finish|design|arrang|order|buy"
)
_WRITING = rf"(?:{_DOING})(?:e|es|ing|n?ing|ting|ding|ning|s)?"
_HELPING = "(?: (?:am|is|are|was|were|have|has|had|been|will|would|do|just|only|still|now|currently|also|already|really|again|both))*"
_WANTING = (
    "(?:(?:want|wants|wanted|need|needs|plan|plans|planned|planning|have|has|had|hope|hopes|hoping|like|going|about|trying|try|due|decided|"
    "intend|intends|supposed|got|aim|mean|looking) to|think(?:ing)? (?:about|of)|consider(?:ing)?|thinking whether to)"
)
_AT_IT = (
    "writing|preparing|drafting|planning|finishing|organi[sz]ing|negotiating|settling|discussing|arguing|working on|putting together|"
    "updating|redesigning|celebrating|thinking about|thinking of|setting up|announcing|reviewing|designing|arranging|deciding"
)
"""What somebody is at. What a company regularly does may well be what the question is about: "we sell premium boxes"."""
_LEAD = rf"^(?:(?:because|as|since|so|and|but|well|ok|okay|look|listen) )*{SUBJECT}{_HELPING} (?:(?:{_WANTING}) (?:{_WRITING})|{_AT_IT})\b"
_CLAIM = (
    rf"^(?:(?:because|as|since|so|and|but|well) )*(?:{SUBJECT}|{TALKING}){_HELPING} (?:says?|said|claims?|claimed|thinks?|thought|"
    r"believes?|believed|suspects?|suspected|guess(?:es|ed)?|insists?|insisted|is sure|is convinced)\b"
)
_OPENERS = frozenset("""
    how what which who when where did was were is are do does has have can could would please show give tell list name i we so hence
    therefore compare what's whats
    """.split())  # fmt: skip
_PLAIN = frozenset({"and", "comma", "filler", "with", "people", "both", "came", "distinct"})
"""Roles of the grammar that narrow nothing."""
_CLAIMED = _PLAIN | {"rose", "fell", "grow", "more", "less", "most", "least", "total", "much"}
_RANKING = {"best", "worst", "most", "least", "asker"}
_POINTING = frozenset("it its they them their theirs he she his her him that those these then there ones same such former latter".split())
"""Words that may point back to a lead-in."""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _begins(pattern: str, line: str) -> bool:
    """Whether a line begins so; what no question needs is not compiled."""
    return _compiled(pattern).match(line) is not None


def occasions(text: str, said: Sequence[Token], lexicon: Lexicon, reader: Reader) -> list[tuple[int, int]]:
    """The spans of tokens that are the occasion of a question: clauses known by their structure, and a lead-in in own words."""
    known = frames(text, said)
    if (lead := _lead(text, said, known)) is None:
        return known
    start, end, claims = lead
    words = list(said[start:end])
    if _narrows(words, said[end:], lexicon, reader, claims) or _points_back(said[end:]):
        return known
    return sorted([*(span for span in known if span[1] <= start or span[0] >= end), (start, end)])


def told(said: Sequence[Token], span: tuple[int, int]) -> bool:
    """Whether a span is a lead-in in own words."""
    line = " ".join(token.word for token in said[span[0] : span[1]])
    return bool(_begins(_LEAD, line) or _begins(_CLAIM, line))


def _lead(text: str, said: Sequence[Token], known: list[tuple[int, int]]) -> tuple[int, int, bool] | None:
    """Where a lead-in stands, up to the sign that parts it from the question, and whether it claims something."""
    start = 0
    apart = [(a, b) for a, b in known if b < len(said) and said[b].kind == "sign"]  # a greeting
    while start < len(said) and (said[start].kind == "sign" or any(a <= start < b for a, b in apart)):
        start += 1
    for end in range(start + 3, len(said) - 1):
        if not _parts(text, said, end):
            continue
        line = " ".join(token.word for token in said[start:end])
        claims = bool(_begins(_CLAIM, line))
        return (start, end, claims) if claims or _begins(_LEAD, line) else None
    return None


def _parts(text: str, said: Sequence[Token], n: int) -> bool:
    """Whether a sign parts a lead-in from a question here: a full stop, a colon, a dash; a comma only before a word that begins one."""
    token = said[n]
    if token.kind != "sign":
        return False
    if token.word in ".;:!?–—-":
        return True
    return token.word == "," and said[n + 1].word in _OPENERS


def _narrows(lead: list[Token], rest: Sequence[Token], lexicon: Lexicon, reader: Reader, claims: bool) -> bool:
    """Whether a word of a lead-in could be meant to narrow the question, or to say what it asks for."""
    after = {token.base for token in rest}
    plain = _CLAIMED if claims else _PLAIN
    if any(token.word in ("which", "who", "top", "most", "least") for token in rest):
        plain = plain | _RANKING  # what follows says itself which ones
    known = tuple(token.word for token in lead)
    for n, token in enumerate(lead):
        if token.kind not in ("word", "sign") or token.value is not None or (n and token.text[:1].isupper() and token.word != "i"):
            return True
        if (timed := reader.at(lead, n)) and timed[0] > n and not _is_plain_day(lead[n : timed[0]]):
            return True
        for j in range(n + 1, min(n + 5, len(lead)) + 1):
            role = grammar.PHRASES.get(known[n:j], "filler")
            if role not in plain and not role.startswith("drop"):
                return True
            kinds = {s.kind for s in lexicon.of(lead[n:j])}
            same = all(word.base in after for word in lead[n:j])
            if kinds & {"value", "period", "date", "unit"} and not same and not kinds & {"entity", "join"}:
                return True
            if kinds & {"metric", "dimension"} and not (claims or same or kinds & {"entity", "join"}):
                return True
    return False


def _is_plain_day(said: Sequence[Token]) -> bool:
    """Whether a time says only when something is due: "for Thursday", "tomorrow"."""
    return all(token.word in _DAYS for token in said)


_DAYS = frozenset("""
    monday tuesday wednesday thursday friday saturday sunday tomorrow tonight on for by before until the next now right
    """.split())  # fmt: skip


def _points_back(rest: Sequence[Token]) -> bool:
    """Whether a question has a word that may point to what was said before it: "how did it go"."""
    for n, token in enumerate(rest):
        beside = {rest[m].word for m in (n - 1, n + 1) if 0 <= m < len(rest)}
        if token.word in _POINTING and not (token.word == "there" and beside & {"is", "are", "was", "were", "been"}):
            return True
    return False
