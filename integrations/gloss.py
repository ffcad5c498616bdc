"""The gloss: under each word of the question the line of its kind, and the definition that took it (UX.md, 1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest

from answerable.agent.answer import Answer
from answerable.agent.plan import AMBIGUOUS, MISSING, Gap, Span
from answerable.integrations.naming import Names
from answerable.integrations.page import folded, room, write
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

LINES = {"metric": "━", "dimension": "═", "entity": "═", "join": "═", "value": "·", "time": "╌", "period": "╌", "date": "╌"}
STYLES = {
    "metric": "blue",
    "dimension": "green",
    "entity": "green",
    "join": "green",
    "value": "yellow",
    "time": "magenta",
    "period": "magenta",
    "date": "magenta",
    "gap": "bold red",
    "unit": "dim",
}
LEAD = 3
"""How many words of grammar go to the next line with the word that they lead to; the rest of a long clause may stand before it."""
READINGS = {2: "two readings", 3: "three readings", 4: "four readings"}
SIGNS = frozenset(",.;:!?")


# -- what took each word --------------------------------------------------------------------------------------------------------


def fits(answer: Answer) -> bool:
    """Whether the grounding is of this question: a reply that picks a reading has that of the question it answers."""
    return all(answer.question[span.start : span.end] == span.text for span in answer.grounding)


def marked(answer: Answer) -> tuple[Span, ...]:
    """The whole question, each piece with what took it; neighbours that nothing took are one gap."""
    if not answer.grounding or not fits(answer):
        return answer.grounding
    found: list[Span] = []
    at = 0
    for span in (*sorted(answer.grounding, key=lambda s: s.start), Span("", len(answer.question), len(answer.question), "")):
        found += _between(answer, at, span.start)
        last = found[-1] if found else None
        if last and last.kind == span.kind == "gap" and not answer.question[last.end : span.start].strip():
            found[-1] = replace(last, text=answer.question[last.start : span.end], end=span.end)
        elif span.kind:
            found.append(span)
        at = max(at, span.end)
    return tuple(found)


def _between(answer: Answer, start: int, end: int) -> Iterator[Span]:
    """Words that the grounding leaves out: the pattern of a question ("what is …"), or what a gap is about ("why")."""
    text = answer.question[start:end]
    if said := text.strip():
        start += len(text) - len(text.lstrip())
        found = Span(said, start, start + len(said), "grammar", "the question itself")
        yield replace(found, kind="gap", target="", how="none") if gap_of(answer, found) else found


def gap_of(answer: Answer, span: Span) -> Gap | None:
    """The gap that a span is a part of, or has a part in."""
    return next((gap for gap in answer.gaps if gap.start < span.end and span.start < gap.end), None)


# -- the pieces that are drawn ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Piece:
    """A word as it stands in the row, with its line and the lines of its name under it."""

    words: Text
    line: Text
    names: tuple[str, ...] = ()
    style: str = "dim"
    lead: bool = False

    @property
    def width(self) -> int:
        return max(cell_len(self.words.plain), *map(cell_len, self.names), 0) if self.names else cell_len(self.words.plain)


def draw(answer: Answer, out: Console, names: Names) -> None:
    """Print the gloss; nothing where no word was looked at."""
    pieces = _pieces(answer, names, room(out))
    row: list[_Piece] = []
    for unit in _units(pieces, room(out)):
        if row and _wide([*row, *unit]) > room(out):
            _print_row(row, out)
            row = []
        row += unit
    if row:
        _print_row(row, out, last=True)


def _pieces(answer: Answer, names: Names, most: int) -> list[_Piece]:
    found: list[_Piece] = []
    spans = marked(answer)
    asked = _open(answer, spans)
    for n, span in enumerate(spans):
        grain = span.kind == "grammar" and span.target.startswith("grain:")
        if found and span.kind == "grammar" and set(span.text) <= SIGNS and cell_len(found[-1].words.plain + span.text) <= most:
            # A sign belongs to the word before it.
            found[-1] = replace(found[-1], words=Text.assemble(found[-1].words, (span.text, "dim")))
        elif span.kind == "gap":
            found += _gap(answer, span, most)
        elif span.kind in LINES or span.kind == "unit" or grain:
            name = READINGS.get(len(answer.options), "several readings") if n == asked else names.of(span)
            found += _content(span.text, "time" if grain else span.kind, name, most)
        else:
            parts = [part for word in span.text.split() for part in folded(word, most)]
            found += [_Piece(Text(part, style="dim"), Text(), lead=True) for part in parts]
    return found


def _open(answer: Answer, spans: Sequence[Span]) -> int | None:
    """The place of the word that the readings differ in."""
    if answer.status != "clarify" or len(answer.options) < 2:
        return None
    if len({str(option["plan"].get("window")) for option in answer.options}) > 1:
        kinds = [n for n, span in enumerate(spans) if span.kind == "time"]
    else:
        about = [gap for gap in answer.gaps if gap.type == AMBIGUOUS]
        kinds = [n for n, s in enumerate(spans) if " | " in s.target and (not about or any(g.start == s.start for g in about))]
    return kinds[0] if kinds else None


def _content(text: str, kind: str, name: str, most: int) -> list[_Piece]:
    """A word with its definition; a text that is wider than the page is several pieces, of which the first has the name."""
    style = STYLES.get(kind, "")
    parts = folded(text, most)
    lines = [Text(LINES.get(kind, "") * cell_len(part), style=style) for part in parts]
    said = tuple(folded(name, most)) if name else ()
    return [_Piece(Text(part, style=style), line, () if n else said) for n, (part, line) in enumerate(zip(parts, lines, strict=True))]


def _gap(answer: Answer, span: Span, most: int) -> list[_Piece]:
    """A blank on a form. A word that is denied is no blank, and whether it is defined is not for its gloss to say."""
    if answer.status == "denied":
        return [_Piece(Text(part), Text()) for part in folded(span.text, most)]
    gap = gap_of(answer, span)
    says = "no definition" if gap is None or gap.type in MISSING else "not in the data"
    style = STYLES["gap"]
    parts = folded(f"[{span.text}]", most)
    return [_Piece(Text(part, style=style), Text(), () if n else (says,), style) for n, part in enumerate(parts)]


# -- rows ---------------------------------------------------------------------------------------------------------------------------


def _units(pieces: Sequence[_Piece], most: int) -> Iterator[list[_Piece]]:
    """Pieces that stay on one line: a word of content with the grammar that leads to it."""
    lead: list[_Piece] = []
    for piece in pieces:
        lead.append(piece)
        if not piece.lead:
            early = lead[: -LEAD - 1] if _wide(lead[-LEAD - 1 :]) <= most else lead[:-1]
            yield from ([one] for one in early)
            yield lead[len(early) :]
            lead = []
    yield from ([piece] for piece in lead)


def _space(before: _Piece, after: _Piece) -> int:
    """One space between the words of a clause, two around what has a name under it."""
    return 1 if before.lead else 2


def _wide(row: Sequence[_Piece]) -> int:
    return sum(piece.width for piece in row) + sum(_space(a, b) for a, b in pairwise(row))


def _print_row(row: Sequence[_Piece], out: Console, last: bool = False) -> None:
    depth = max(len(piece.names) for piece in row)
    lines = [Text() for _ in range(2 + depth)]
    at = 0
    for n, piece in enumerate(row):
        named = [Text(name, style=piece.style) for name in piece.names]
        for line, part in zip_longest(lines, (piece.words, piece.line, *named)):
            if part is not None and part.plain:
                line.append(" " * (at - cell_len(line.plain))).append_text(part)
        if n + 1 < len(row):
            at += piece.width + _space(piece, row[n + 1])
    for line in lines:
        if line.plain.strip():
            write(out, line)
    if last or depth:
        write(out)  # words without a name under them read on
