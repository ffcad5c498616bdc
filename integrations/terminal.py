"""How an answer looks in a terminal: question with its gloss, number, sentence, table, provenance, in this order always (UX.md)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from answerable.agent import wording
from answerable.agent.answer import Answer
from answerable.agent.describe import IS_IT, WHICH
from answerable.agent.plan import Span
from answerable.context.query import Column
from answerable.integrations.printing import cleaned
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

WIDTH, SHOWN, BAR = 88, 12, 22
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
}
MARKS = {"verified": ("◆ Verified", "green"), "governed": ("◉ Governed", "blue"), "endorsed_sql": ("▣ Endorsed SQL", "yellow")}
TRUST = {
    "verified": "Somebody of the data team confirmed what this plan means, and nothing that it stands on has changed since.",
    "governed": "Compiled from endorsed definitions. Nobody has checked this exact question.",
    "endorsed_sql": "Not from a definition.",
}


def console(file: Any = None) -> Console:
    """A console that colours nothing by itself; pipes and NO_COLOR keep the lines and brackets."""
    return Console(file=file, highlight=False, markup=False, width=None, soft_wrap=False)


def show(answer: Answer, out: Console, rows: int | None = SHOWN) -> None:
    """Print an answer; no character of it acts on the terminal."""
    answer = Answer.model_validate(cleaned(answer.model_dump()))
    out.print()
    _gloss(answer, out)
    if answer.status == "answered" and answer.kind == "data":
        _data(answer, out, rows)
    elif answer.status == "clarify":
        _clarify(answer, out)
    else:
        out.print(_wrapped(answer.text, out))
        if answer.kind == "catalogue":
            out.print()
    _footer(answer, out)


# -- the gloss ------------------------------------------------------------------------------------------------------------------


def _gloss(answer: Answer, out: Console) -> None:
    """Under each word of the question the line of its kind, and the definition that took it."""
    columns = [_gloss_column(lead, span, answer) for lead, span in _led(answer.grounding)]
    row: list[tuple[Text, Text, Text]] = []
    width = 0
    for column in columns:
        wide = max(cell_len(part.plain) for part in column)
        if row and width + wide > min(WIDTH, out.width):
            _print_columns(row, out)
            row, width = [], 0
        row.append(column)
        width += wide + 2
    if row:
        _print_columns(row, out)


def _led(spans: tuple[Span, ...]) -> list[tuple[str, Span]]:
    """Each content word with the grammar before it; grammar after the last content word stands alone."""
    found: list[tuple[str, Span]] = []
    lead: list[str] = []
    for span in spans:
        if span.kind in ("grammar", "number") and span.text not in "?.!":
            lead.append(span.text)
        elif span.kind not in ("grammar", "number"):
            found.append((" ".join(lead), span))
            lead = []
    if lead:
        found.append((" ".join(lead), Span("", 0, 0, "grammar")))
    return found


def _gloss_column(lead: str, span: Span, answer: Answer) -> tuple[Text, Text, Text]:
    indent = " " * (cell_len(lead) + 1) if lead and span.text else ""
    style = STYLES.get(span.kind, "")
    words = Text(f"{lead} " if lead and span.text else lead, style="dim")
    words.append(f"[{span.text}]" if span.kind == "gap" and answer.status != "denied" else span.text, style=style)
    if span.kind == "gap":
        return words, Text(), Text(f"{indent}no definition", style=style) if answer.status != "denied" else Text()
    line = Text(indent + LINES.get(span.kind, "") * cell_len(span.text), style=style)
    return words, line, Text(indent + _name(span, answer), style="dim")


def _name(span: Span, answer: Answer) -> str:
    if " | " in span.target:
        return "two readings" if answer.status == "clarify" else span.target.split(" | ")[0]
    if span.kind == "time":
        return _window_name(span.target)
    if span.kind == "value":
        return span.target.split(".", 1)[-1]
    labels = {d["name"]: d["label"] for d in answer.definitions}
    return str(labels.get(span.target, span.target.split(".")[-1].replace("_", " ")))


def _window_name(target: str) -> str:
    start, _, end = target.partition("/")
    first = wording.date(dt.date.fromisoformat(start[:10])) if start != "…" else "…"
    last = wording.date(dt.date.fromisoformat(end[:10]) - dt.timedelta(days=1)) if end != "…" else "…"
    return first if first == last else f"{first} – {last}"


def _print_columns(row: list[tuple[Text, Text, Text]], out: Console) -> None:
    widths = [max(cell_len(part.plain) for part in column) for column in row]
    for n in range(3):
        line = Text()
        for column, width in zip(row, widths, strict=True):
            line.append_text(column[n])
            line.append(" " * (width - cell_len(column[n].plain) + 2))
        if line.plain.strip():
            line.rstrip()
            out.print(line)
    out.print()


# -- the number, the sentence and the table ---------------------------------------------------------------------------------------


def _data(answer: Answer, out: Console, rows: int | None) -> None:
    columns = [_column(c) for c in answer.columns]
    if len({c.target for c in columns if c.kind == "metric"}) == 1:
        # Of one metric, "Revenue, before" needs no more than "before".
        columns = [
            replace(c, label=c.label.rpartition(", ")[2].capitalize()) if c.name != c.target and c.kind == "metric" else c for c in columns
        ]
    if len(answer.rows) == 1 and sum(c.kind == "metric" for c in columns) == 1 and answer.rows[0][_metric(columns)] is not None:
        number = Text(wording.cell(answer.rows[0][_metric(columns)], columns[_metric(columns)]), style="bold")
        out.print(number.append(f"  {columns[_metric(columns)].label}", style="dim"))
    out.print(_wrapped(answer.text, out))
    if len(answer.rows) > 1 or (answer.rows and any(c.kind != "metric" for c in columns)):
        out.print()
        _table(answer, columns, out, rows)


def _column(data: dict[str, Any]) -> Column:
    kind = "metric" if "metric" in data else "dimension" if "dimension" in data else "row"
    return Column(data["name"], kind, data.get(kind, ""), data["type"], data["unit"], data.get("format"), data.get("label") or data["name"])


def _metric(columns: list[Column]) -> int:
    return next(i for i, c in enumerate(columns) if c.kind == "metric")


def _table(answer: Answer, columns: list[Column], out: Console, most: int | None) -> None:
    shown = answer.rows if most is None or len(answer.rows) <= most else answer.rows[:most]
    cells = [[_cell(value, column) for value, column in zip(row, columns, strict=True)] for row in shown]
    heads = [_head(column) for column in columns]
    widths = [max(cell_len(head), *(cell_len(row[i]) for row in cells)) for i, head in enumerate(heads)]
    wide = sum(widths) + 2 * (len(widths) - 1)
    bars = _bars(shown, columns) if wide + BAR + 2 <= out.width else []
    right = [column.type == "number" and column.kind != "dimension" for column in columns]
    # A number that is cut is a wrong number: what is too wide is left to the terminal to fold.
    out.print(Text("  ".join(_fit(h, w, r) for h, w, r in zip(heads, widths, right, strict=True)).rstrip(), style="bold"), soft_wrap=True)
    out.print("─" * min(out.width, wide + (BAR + 2 if bars else 0)))
    for n, row in enumerate(cells):
        line = Text("  ".join(_fit(c, w, r) for c, w, r in zip(row, widths, right, strict=True)))
        out.print(line.append(f"  {bars[n]}", style="blue") if bars else Text(line.plain.rstrip()), soft_wrap=True)
    if len(shown) < len(answer.rows):
        out.print(Text(f"{len(shown)} of {len(answer.rows):,} rows shown: --all for the rest", style="dim"))
    if answer.truncated:
        out.print(Text("There are more rows than the limit: the rest was not fetched, and there is no total.", style="bold"))


def _head(column: Column) -> str:
    unit = wording.SIGNS.get(column.unit or "", column.unit)
    said = not unit or unit == "%" or unit.lower() in column.label.lower() or column.kind != "metric"
    return column.label if said else f"{column.label}, {unit}"


def _cell(value: Any, column: Column) -> str:
    if value is None:
        return "no value" if column.kind != "dimension" else "(none)"
    if column.type in ("date", "time") and isinstance(value, str):
        moment = dt.date.fromisoformat(value) if len(value) == 10 else dt.datetime.fromisoformat(value)
        return wording.date(moment, column.name.rpartition(":")[2])
    if column.kind == "metric" and column.unit in wording.SIGNS and isinstance(value, (int, float)):
        return wording.number(value, "EUR").replace("€", "")
    return wording.cell(value, column)


def _fit(text: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space


def _bars(rows: tuple[tuple[Any, ...], ...], columns: list[Column]) -> list[str]:
    """A bar for each row where the table has one metric and at most two keys; zero and below have none."""
    metrics = [i for i, c in enumerate(columns) if c.kind == "metric"]
    keys = [c for c in columns if c.kind == "dimension"]
    if len(metrics) != 1 or not 1 <= len(keys) <= 2 or len(rows) < 2:
        return []
    values = [row[metrics[0]] if isinstance(row[metrics[0]], (int, float)) else None for row in rows]
    most = max((v for v in values if v is not None), default=0)
    if most <= 0:
        return []
    return ["no rows" if v is None else "▇" * max(1 if v > 0 else 0, round(BAR * max(v, 0) / most)) for v in values]


# -- other outcomes -----------------------------------------------------------------------------------------------------------------


def _clarify(answer: Answer, out: Console) -> None:
    asked = WHICH if len(answer.options) > 1 else IS_IT
    out.print(_wrapped(answer.text.split(f" {asked} ")[0], out))
    out.print()
    readings = [(str(n), o["reading"], o["shown"]) for n, o in enumerate(answer.options, 1)]
    wide = max(cell_len(r) for _, r, _ in readings)
    out.print(Text(f"    {'Reading'.ljust(wide)}  {'Number':>14}", style="bold"))
    out.print("─" * (wide + 20))
    for n, reading, shown in readings:
        out.print(f"{n}   {_fit(reading, wide, False)}  {_fit(shown, 14, True)}")
    out.print()
    out.print(f"{asked} Say it in words, or ask again with the name.")


def _footer(answer: Answer, out: Console) -> None:
    out.print()
    line = Text()
    if answer.trust:
        mark, style = MARKS[answer.trust]
        line.append(mark, style=style).append("   ")
    newest = [f["newest"] for f in answer.freshness if f["newest"]]
    if newest:
        line.append(f"data to {wording.date(dt.datetime.fromisoformat(min(newest)))}   ", style="dim")
    line.append(answer.id, style="dim")
    out.print(line)
    said = [TRUST[answer.trust]] if answer.trust else []
    late = [f["model"].replace("_", " ") for f in answer.freshness if f["late"]]
    said += [f"{wording.capital(wording.listed(late))} loaded later than agreed."] if late else []
    said += list(answer.policies) + list(answer.assumptions)
    for text in said:
        out.print(_wrapped(text, out, indent="  ", style="dim"))


def _wrapped(text: str, out: Console, indent: str = "", style: str = "") -> Text:
    words, lines, line = text.split(" "), list[str](), indent
    for word in words:
        if line.strip() and cell_len(line) + 1 + cell_len(word) > min(WIDTH, out.width):
            lines.append(line)
            line = indent
        line += word if line == indent else f" {word}"
    return Text("\n".join([*lines, line]), style=style)
