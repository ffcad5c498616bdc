"""A notebook: answers drawn as a card, `%ask` and `%%ask`, SQL through the gate. Inline styles only, and every text of data is escaped."""

from __future__ import annotations

import contextlib
import shlex
from html import escape
from pathlib import Path
from typing import Any

from answerable.agent.answer import Answer
from answerable.agent.ask import Project
from answerable.agent.asked import Door
from answerable.context.errors import AnswerableError, UsageError
from answerable.integrations import charts, gloss
from answerable.integrations.app import open_project
from answerable.integrations.markdown import TRUST, column_of, said, shown
from answerable.integrations.naming import Names
from answerable.integrations.printing import cleaned, printable
from answerable.integrations.settings import notebook_defaults
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class

MOST_ROWS = 20
UNDER = {
    "metric": "3px solid #3f7fdc", "dimension": "4px double #17937d", "entity": "4px double #17937d", "join": "4px double #17937d",
    "value": "3px dotted #a3812a", "time": "3px dashed #bd58a5", "period": "3px dashed #bd58a5", "date": "3px dashed #bd58a5",
    "gap": "2px dashed #c2404d",
}  # fmt: skip
CARD = "max-width:760px;padding:12px 16px;border:1px solid #8886;border-radius:6px;color:inherit;background:transparent;line-height:1.45"
CELL = "padding:3px 12px;border-bottom:1px solid #8886"
SMALL = "font-size:.93em"


def bundle(answer: Answer, include: Any = None, exclude: Any = None) -> dict[str, Any]:
    """An answer in every form that a notebook shows: the card, Markdown, text, and its chart."""
    answer = Answer.model_validate(cleaned(answer.model_dump()))
    found: dict[str, Any] = {"text/plain": plain(answer), "text/markdown": shown(answer), "text/html": card(answer)}
    if answer.chart and answer.status == "answered":
        found["application/vnd.vegalite.v6+json"] = charts.drawing(answer)
        with contextlib.suppress(ImportError):  # without vl-convert the spec is enough for most
            found["image/svg+xml"] = charts.drawn(answer, "svg").decode()
    return found


def plain(answer: Answer) -> str:
    """The answer in text, with its first rows."""
    lines = [printable(answer.text)]
    lines += [f"{n}. {printable(o['reading'])}: {printable(o.get('shown', ''))}" for n, o in enumerate(answer.options, 1)]
    if answer.status == "answered" and len(answer.rows) > 1:
        columns = [column_of(data) for data in answer.columns]
        lines += ["\t".join(printable(said(v, c)) for v, c in zip(row, columns, strict=True)) for row in answer.rows[:MOST_ROWS]]
        lines += [f"{len(answer.rows) - MOST_ROWS} more rows"] if len(answer.rows) > MOST_ROWS else []
    return "\n".join(lines)


def card(answer: Answer) -> str:
    """The card: question with its gloss, sentence, table, footer, and what is behind it in a fold."""
    parts = [
        _gloss(answer),
        f'<p style="margin:8px 0 4px">{escape(answer.text)}</p>',
        _options(answer),
        _table(answer),
        _footer(answer),
        _fold(answer),
    ]
    return f'<div style="{CARD}">{"".join(parts)}</div>'


def _gloss(answer: Answer) -> str:
    names, words = Names(None, {d["name"]: d["label"] for d in answer.definitions}), list[str]()
    for span in gloss.marked(answer) if answer.question else ():
        text = escape(span.text)
        line = UNDER.get(span.kind)
        if line is None:
            words.append(f'<span style="opacity:.75;padding:0 .28em 0 0;font-size:1.25em">{text}</span>')
            continue
        kind, name = ("no definition", "") if span.kind == "gap" else (span.kind, names.of(span))
        over = f'<span style="font-size:1.25em;border-bottom:{line}">{text}</span>'
        under = f'<span style="{SMALL};display:inline-block">{escape(kind)}<br>{escape(name)}</span>'
        words.append(f'<span style="display:inline-block;vertical-align:top;margin:0 .5em .5em 0">{over}<br>{under}</span>')
    return f"<div>{''.join(words)}</div>" if words else ""


def _options(answer: Answer) -> str:
    if not answer.options:
        return ""
    items = "".join(f"<li>{escape(o['reading'])}: <b>{escape(str(o.get('shown', '')))}</b></li>" for o in answer.options)
    return f'<ol style="margin:4px 0 4px 1.4em;padding:0">{items}</ol>'


def _table(answer: Answer) -> str:
    if answer.status != "answered" or not answer.rows or len(answer.rows) * len(answer.columns) == 1:
        return ""
    columns = [column_of(data) for data in answer.columns]
    side = ["right" if c.kind == "metric" else "left" for c in columns]
    head = "".join(
        f'<th scope="col" style="text-align:{at};padding:3px 12px;border-bottom:2px solid currentColor;font-weight:500">'
        f"{escape(c.label or c.name)}</th>"
        for c, at in zip(columns, side, strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(f'<td style="text-align:{at};{CELL}">{escape(said(v, c))}</td>' for v, c, at in zip(row, columns, side, strict=True))
        + "</tr>"
        for row in answer.rows[:MOST_ROWS]
    )
    left = len(answer.rows) > MOST_ROWS
    more = f"{MOST_ROWS} of {len(answer.rows):,} rows shown. <code>answer.df()</code> has all of them." if left else ""
    note = f'<p style="margin:4px 0"><span style="{SMALL}">{more}</span></p>' if more else ""
    style = "border-collapse:collapse;margin:8px 0;font-variant-numeric:tabular-nums"
    return f'<table style="{style}"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{note}'


def _footer(answer: Answer) -> str:
    told = [f"<b>{escape(TRUST[answer.trust])}</b>"] if answer.trust else []
    told += [escape(line) for line in answer.assumptions]
    told.append(f"<code>{escape(answer.id)}</code>")
    return f'<p style="margin:8px 0 0"><span style="{SMALL}">{" · ".join(told)}</span></p>'


def _fold(answer: Answer) -> str:
    told = [f"<b>{escape(d.get('label') or d['name'])}</b>: {escape(d.get('description') or '')}" for d in answer.definitions]
    told += [f"<pre>{escape(answer.sql)}</pre>"] if answer.sql else []
    if not told:
        return ""
    summary = f'<summary style="cursor:pointer"><span style="{SMALL}">Definitions, SQL</span></summary>'
    return f'<details>{summary}<span style="{SMALL}">{"<br>".join(told)}</span></details>'


# -- magics -----------------------------------------------------------------------------------------------------------------------------


@magics_class
class Asking(Magics):
    """`%answerable`, `%ask`, `%%ask` and `%%answerable_sql`."""

    project: Project | None = None
    user: str | None = None

    @line_magic
    def answerable(self, line: str) -> None:
        """`%answerable PROJECT --as USER`: the project that is asked, and for whom."""
        words = shlex.split(line)
        folder = next((word for n, word in enumerate(words) if not word.startswith("--") and (n == 0 or words[n - 1] != "--as")), None)
        user = words[words.index("--as") + 1] if "--as" in words[:-1] else None
        self._open(folder, user)

    @line_cell_magic
    def ask(self, line: str, cell: str | None = None) -> Answer | None:
        """`%ask revenue last month`, or the question in a cell under `%%ask`."""
        return self._told(lambda project: project.ask((cell or line).strip(), user=self.user, thread="notebook", door=Door("notebook")))

    @line_cell_magic
    def answerable_sql(self, line: str, cell: str | None = None) -> Answer | None:
        """SQL over models, through the gate."""
        return self._told(lambda project: project.sql((cell or line).strip(), user=self.user, door=Door("notebook")))

    def _told(self, work: Any) -> Answer | None:
        """What the work gives; a mistake is a sentence and no traceback."""
        try:
            if self.project is None:
                self._open(None, None)
            answer: Answer = work(self.project)
        except AnswerableError as error:
            print(error)
            return None
        return answer

    def _open(self, folder: str | None, user: str | None) -> None:
        default, somebody = notebook_defaults()
        folder = folder or default
        if not folder:
            raise UsageError("Which project? Say %answerable PROJECT --as USER, or set ANSWERABLE_PROJECT.")
        if self.project is not None:
            self.project.close()
        self.user = user or somebody
        self.project = open_project(Path(folder), surface="notebook")
        self.project.principal(self.user)


def display(shell: Any) -> None:
    """Draw answers as cards in a shell."""
    shell.display_formatter.mimebundle_formatter.for_type(Answer, bundle)


def load(shell: Any) -> None:
    """What `%load_ext answerable` does."""
    display(shell)
    shell.register_magics(Asking)
