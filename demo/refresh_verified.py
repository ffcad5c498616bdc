"""Writes the trusted values of verified/*.yml: `python demo/refresh_verified.py`.

Each value comes from the hand-written SQL beside it, which reads the raw tables of alder.duckdb. Definitions and plans have no part in it.
Only the value, or the rows, of an entry are replaced; the rest of the file stays as it was written.
"""

import datetime as dt
import json
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import duckdb
import yaml

DEMO = Path(__file__).parent
ENTRY = re.compile(r"^- question:.*?(?=^- question:|\Z)", re.MULTILINE | re.DOTALL)
TRUSTED = re.compile(r"^  (value|rows):.*?(?=^  \w)", re.MULTILINE | re.DOTALL)


def cell(value: object) -> str:
    """A cell as YAML: exact for decimals, ten digits after the point for other fractions, dates in ISO form."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, float):
        return repr(round(value, 10))
    if isinstance(value, dt.date):
        return json.dumps(value.isoformat())
    return json.dumps(value, ensure_ascii=False)


def trusted(kind: str, rows: Sequence[Sequence[object]]) -> str:
    """The lines that state the value, or the rows."""
    if kind == "rows":
        return "  rows:\n" + "".join(f"    - [{', '.join(map(cell, row))}]\n" for row in rows)
    [[value]] = rows
    return f"  value: {cell(value)}\n"


def refreshed(con: duckdb.DuckDBPyConnection, entry: str) -> str:
    """The text of an entry with what its SQL gives now."""
    [parsed] = yaml.safe_load(entry)
    rows = con.execute(parsed["source"]["sql"]).fetchall()
    return TRUSTED.sub(lambda match: trusted(match[1], rows), entry, count=1)


def main() -> None:
    """Refreshes every file in place."""
    with duckdb.connect(str(DEMO / "alder.duckdb"), read_only=True) as con:
        for path in sorted((DEMO / "verified").glob("*.yml")):
            text = path.read_text(encoding="utf-8")
            path.write_text(ENTRY.sub(lambda match: refreshed(con, match[0]), text), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
