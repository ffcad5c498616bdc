"""Text on its way to a terminal, to JSON or to a spreadsheet: what it holds is shown, and nothing that it holds is run."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

_LIVE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ud800-\udfff]")
"""Control characters, and those that turn the direction of writing or show nothing."""
_RUN = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
"""How a cell begins that a spreadsheet takes for a formula."""
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|[.]\d+)([eE][+-]?\d+)?%?")


def printable(text: str, lines: bool = False) -> str:
    """A text whose every character shows; with `lines`, it may have several."""

    def shown(match: re.Match[str]) -> str:
        code = ord(match[0])
        if lines and match[0] == "\n":
            return "\n"
        return " " if match[0] in "\n\t" else chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"

    return _LIVE.sub(shown, text)


def cleaned(value: Any) -> Any:
    """Data whose every text is printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: cleaned(inner) for key, inner in value.items()}
    return [cleaned(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def say(text: object = "", err: bool = False) -> None:
    """Print a text for people."""
    click.echo(printable(str(text), lines=True), err=err)


def say_json(data: Any) -> None:
    """Print data as one line of JSON, in which no character acts on a terminal."""
    click.echo(_LIVE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(data, ensure_ascii=False)))


def write_csv(file: Path, names: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write rows for a spreadsheet; a text that it would run gets an apostrophe before it, a number stays one."""
    with file.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow([still(name) for name in names])
        writer.writerows([still(cell) for cell in row] for row in rows)


def still(cell: Any) -> Any:
    """A cell that no spreadsheet runs."""
    if isinstance(cell, (list, dict)):
        cell = json.dumps(cell, ensure_ascii=False)
    if not isinstance(cell, str) or _NUMBER.fullmatch(cell) or not _RUN.match(cell):
        return cell
    return f"'{cell}"
