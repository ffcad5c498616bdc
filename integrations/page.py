"""The page that a terminal is: how wide it is, and how text is folded and filled up by the cells that its characters take."""

from __future__ import annotations

import os
from typing import Any

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

WIDTH = 88


def console(file: Any = None) -> Console:
    """A console that colours nothing by itself; pipes and NO_COLOR keep the lines and brackets."""
    out = Console(file=file, highlight=False, markup=False, soft_wrap=False)
    if not out.is_terminal and not os.environ.get("COLUMNS"):
        out.width = WIDTH  # a file has no width: the page's own
    return out


def room(out: Console) -> int:
    """How wide text may be."""
    return max(1, min(WIDTH, out.width))


def folded(text: str, width: int, indent: str = "", hang: str | None = None) -> list[str]:
    """A text in lines of at most `width`; the first begins with `indent`, the others with `hang`. A longer word is broken."""
    hang = indent if hang is None else hang
    most = max(1, width - max(cell_len(indent), cell_len(hang)))
    lines, line = list[str](), ""
    for word in text.split(" "):
        for n, part in enumerate(chop_cells(word, most) if cell_len(word) > most else [word]):
            if line and (n or cell_len(line) + 1 + cell_len(part) > most):
                lines.append(line)
                line = part
            else:
                line = f"{line} {part}" if line else part
    return [f"{hang if n else indent}{said}".rstrip() for n, said in enumerate([*lines, line])]


def filled(text: str, width: int, right: bool = False) -> str:
    """A text with the spaces that make it `width` wide; a wider one stays whole."""
    space = " " * (width - cell_len(text))
    return space + text if right else text + space


def write(out: Console, text: str | Text = "", style: str = "") -> None:
    """Print one line as it is: what is too wide after all is left to the terminal to fold, as a number that is cut is a wrong number."""
    out.print(Text(text, style=style) if isinstance(text, str) else text, soft_wrap=True)


def paragraph(out: Console, text: str, indent: str = "", style: str = "") -> None:
    """Print a text folded to the page."""
    for line in folded(text, room(out), indent):
        write(out, line, style)
