"""How an answer looks in a terminal: question with its gloss, number, sentence, table, provenance, in this order always (UX.md)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from answerable.agent import wording
from answerable.agent.answer import Answer
from answerable.agent.describe import IS_IT, WHERE, WHICH
from answerable.agent.plan import Span
from answerable.context.catalog import Catalog
from answerable.context.query import Column
from answerable.integrations import gloss
from answerable.integrations.explaining import explain
from answerable.integrations.naming import Names, window
from answerable.integrations.page import console, filled, folded, paragraph, room, write
from answerable.integrations.printing import cleaned, printable, say
from answerable.integrations.tables import table
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

SHOWN, NARROWEST = 12, 20
WHEN, COUNTS = "When", "What it counts"
MARKS = {"verified": ("◆ Verified", "green"), "governed": ("◉ Governed", "blue"), "endorsed_sql": ("▣ Endorsed SQL", "yellow")}
TRUST = {
    "verified": "Somebody of the data team confirmed what this plan means, and nothing that it stands on has changed since.",
    "governed": "Compiled from endorsed definitions. Nobody has checked this exact question.",
    "endorsed_sql": "Not from a definition.",
}
RECORDED = "The question is recorded for the data team."
FIRST = ("Kept from the question before", "The definitions have changed since")
"""How an assumption begins that is about the question itself, and stands beside it."""


@dataclass(frozen=True)
class View:
    """What is shown of an answer, and what a reply to it is called at this door."""

    catalog: Catalog | None = None
    rows: int | None = SHOWN
    explain: bool = False
    sql: bool = False
    chat: bool = False
    """Whether the next line that is typed is a reply."""


def show(answer: Answer, out: Console, view: View | None = None, picked: str = "") -> None:
    """Print an answer; no character of it acts on the terminal. `picked` is the reading that the question picked."""
    view, sql = view or View(), answer.sql  # whose lines stay lines
    answer = Answer.model_validate(cleaned(answer.model_dump()))
    names = Names(view.catalog, {d["name"]: d["label"] for d in answer.definitions})
    write(out)
    gloss.draw(answer, out, names)
    _first(answer, out, picked)
    if answer.status == "answered" and answer.kind == "data":
        _data(answer, out, view)
    elif answer.status == "clarify":
        _clarify(answer, out, view, names)
    elif answer.status == "declined":
        _declined(answer, out, names)
    else:
        paragraph(out, answer.text)
    _footer(answer, out, view)
    if view.explain:
        explain(answer, out)
    if view.sql and sql:
        say(f"\n{sql}")


def _first(answer: Answer, out: Console, picked: str) -> None:
    """What the question was made whole with: what it picked, and what it keeps of the one before."""
    said = [f"Picked: {printable(picked)}."] if picked else []
    said += [text for text in answer.assumptions if text.startswith(FIRST)]
    for text in said:
        paragraph(out, text)
    if said:
        write(out)


# -- the number, the sentence and the table ---------------------------------------------------------------------------------------


def _data(answer: Answer, out: Console, view: View) -> None:
    columns = [_column(c) for c in answer.columns]
    if len({c.target for c in columns if c.kind == "metric"}) == 1:
        # Of one metric, "Revenue, before" needs no more than "before".
        columns = [
            replace(c, label=c.label.rpartition(", ")[2].capitalize()) if c.name != c.target and c.kind == "metric" else c for c in columns
        ]
    if len(answer.rows) == 1 and sum(c.kind == "metric" for c in columns) == 1 and answer.rows[0][_metric(columns)] is not None:
        number = Text(wording.cell(answer.rows[0][_metric(columns)], columns[_metric(columns)]), style="bold")
        write(out, number.append(f"  {columns[_metric(columns)].label}", style="dim"))
    paragraph(out, answer.text)
    if len(answer.rows) > 1 or (answer.rows and any(c.kind != "metric" for c in columns)):
        shown = answer.rows if view.rows is None else answer.rows[: view.rows]
        write(out)
        table(columns, shown, out)
        if len(shown) < len(answer.rows):
            rest = "/all" if view.chat else "--all"
            paragraph(out, f"{len(shown)} of {len(answer.rows):,} rows shown: {rest} for the rest", style="dim")
        if answer.truncated:
            paragraph(out, "There are more rows than the limit: the rest was not fetched, and there is no total.", style="bold")


def _column(data: dict[str, Any]) -> Column:
    kind = "metric" if "metric" in data else "dimension" if "dimension" in data else "row"
    return Column(data["name"], kind, data.get(kind, ""), data["type"], data["unit"], data.get("format"), data.get("label") or data["name"])


def _metric(columns: list[Column]) -> int:
    return next(i for i, c in enumerate(columns) if c.kind == "metric")


# -- readings to pick from ----------------------------------------------------------------------------------------------------------


def _clarify(answer: Answer, out: Console, view: View, names: Names) -> None:
    """The readings with their numbers, the same weight for each, none chosen."""
    asked = next((said for said in (WHICH, IS_IT, WHERE) if f" {said} " in answer.text), WHICH)
    paragraph(out, answer.text.split(f" {asked} ")[0])
    write(out)
    _readings(answer, out, names, of_parts=asked == WHERE)
    write(out)
    *others, last = (str(n + 1) for n in range(len(answer.options)))
    numbers = f"{', '.join(others)} or {last}" if others else last
    if not view.chat:
        paragraph(out, f"{asked} Ask again with its name, or in `answerable chat`, where {numbers} picks it.")
    else:
        paragraph(out, f"{asked} {'1 or yes' if asked == IS_IT else numbers}, or say it in words.")


def _readings(answer: Answer, out: Console, names: Names, of_parts: bool) -> None:
    """Number, reading, its number, and what sets it apart from the others where its words don't say that."""
    heads = ("Reading", "Largest part" if of_parts else "Number", "" if of_parts else _apart(answer))
    told = [_told(option, heads[2], names) for option in answer.options]
    number = max(cell_len(heads[1]), *(cell_len(o["shown"]) for o in answer.options))
    left = room(out) - 4 - number - 2
    if left < NARROWEST:
        _stacked(answer, told, out)
        return
    wide = min(left, max(cell_len(heads[0]), *(cell_len(o["reading"]) for o in answer.options)))
    beside = any(told) and left - wide - 3 >= NARROWEST
    sides = [folded(text, left - wide - 3) if beside else [] for text in told]
    longest = max((cell_len(line) for side in (*sides, [heads[2]]) for line in side), default=0)
    write(out, f"    {filled(heads[0], wide)}  {filled(heads[1], number, True)}   {heads[2] if beside else ''}".rstrip(), "bold")
    write(out, "─" * (4 + wide + 2 + number + (3 + longest if beside else 0)))
    for n, (option, text, said) in enumerate(zip(answer.options, told, sides, strict=True), 1):
        for i, (reading, side) in enumerate(zip_longest(folded(option["reading"], wide), said, fillvalue="")):
            shown = filled(option["shown"] if i == 0 else "", number, True)
            write(out, f"{n if i == 0 else ' '}   {filled(reading, wide)}  {shown}   {side}".rstrip())
        if text and not beside:
            paragraph(out, text, "    ", "dim")


def _stacked(answer: Answer, told: list[str], out: Console) -> None:
    """Readings for a terminal in which they don't fit beside their numbers."""
    for n, (option, text) in enumerate(zip(answer.options, told, strict=True), 1):
        for line in folded(option["reading"], room(out), f"{n}   ", "    "):
            write(out, line)
        for said in (option["shown"], text) if text else (option["shown"],):
            paragraph(out, said, "    ")


def _apart(answer: Answer) -> str:
    """What the readings differ in beside their words: their metrics, or their windows."""
    plans = [option["plan"] for option in answer.options]
    if len({str(plan.get("window")) for plan in plans}) > 1:
        return WHEN
    return COUNTS if len({str(plan.get("metrics")) for plan in plans}) > 1 else ""


def _told(option: dict[str, Any], head: str, names: Names) -> str:
    said = option["plan"].get("window") or {}
    if head == WHEN:
        return window(f"{said.get('start') or '…'}/{said.get('end') or '…'}") or "all time"
    return names.described(option["plan"].get("metrics", [])) if head == COUNTS else ""


# -- other outcomes -----------------------------------------------------------------------------------------------------------------


def _declined(answer: Answer, out: Console, names: Names) -> None:
    """What happened, what is understood, what to do next."""
    near = list(dict.fromkeys(n for gap in answer.gaps for n in gap.nearest))
    text = answer.text.removesuffix(f" {RECORDED}").replace(f" Near it: {', '.join(near[:3])}.", "")
    known = [s.text for s in answer.grounding if s.kind in gloss.LINES and not gloss.gap_of(answer, s)]
    if answer.gaps and known and " Understood: " not in text:
        text += f" Understood: {wording.listed(known)}."
    paragraph(out, text)
    if not answer.gaps:
        return
    if near:
        write(out)
        write(out, "Nearest to it", "bold")
        for name in near:
            kind = "metric" if names.catalog is not None and names.catalog.metric(name) else "dimension"
            label = names.of(Span("", 0, 0, kind, name))
            told = names.described([name]) if kind == "metric" else ""
            for line in folded(f"{label}: {told}" if told else label, room(out), "  ", "    "):
                write(out, line)
    write(out)
    paragraph(out, f"{RECORDED} “What can I ask” lists what is defined.")


def _footer(answer: Answer, out: Console, view: View) -> None:
    write(out)
    line = Text()
    if answer.trust:
        mark, style = MARKS[answer.trust]
        line.append(mark, style=style).append("   ")
    newest = [f["newest"] for f in answer.freshness if f["newest"]]
    if newest:
        line.append(f"data to {wording.date(dt.datetime.fromisoformat(min(newest)))}   ", style="dim")
    line.append(answer.id, style="dim")
    write(out, line)
    said = [TRUST[answer.trust]] if answer.trust else []
    late = [f["model"].replace("_", " ") for f in answer.freshness if f["late"]]
    said += [f"{wording.capital(wording.listed(late))} loaded later than agreed."] if late else []
    if not view.explain:  # which has a part for each
        said += [text for text in answer.assumptions if not text.startswith(FIRST)]
    if said:
        paragraph(out, " ".join(said), "  ", "dim")
    for text in answer.policies if not view.explain else ():
        paragraph(out, text, "  ", "dim")
    if out.is_terminal and answer.sql and not view.explain:  # a file has nobody to try them
        write(out, "  /explain   /sql" if view.chat else "  --explain   --sql   --csv FILE", "dim")


__all__ = ["SHOWN", "View", "console", "show"]
