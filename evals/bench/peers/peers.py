"""Side by side with other semantic layers: each is installed by the bench into build/peers/ and asked by a script that runs there."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import venv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from answerable.context.catalog import Catalog
from answerable.evals.bench.figures import Figure, median_ms
from answerable.evals.bench.shop.eleven import FOLDER, ITEMS, Question, built, governed, loaded, questions, same, warehouse

ROOM = Path("build/peers")


@dataclass(frozen=True)
class Peer:
    """A package to install, what it needs beside it, and the script that asks it."""

    package: str
    script: str
    needs: tuple[str, ...] = ()


PEERS = (
    Peer("metricflow", "with_metricflow.py"),
    Peer("boring-semantic-layer", "with_boring.py", ("ibis-framework[duckdb]",)),
)


def peers() -> dict[str, Figure]:
    """How many of the eleven questions each gets right, and how long it takes to write their SQL, warm."""
    built(FOLDER, ITEMS)
    catalog = loaded(FOLDER)
    asked = {question.words: question for question in questions(catalog)}
    with warehouse(FOLDER) as connection:
        expected = {words: _plain(connection.execute(question.by_hand).fetchall()) for words, question in asked.items()}
    found: dict[str, Figure] = {}
    for peer in PEERS:
        python = _environment(peer)
        if python is None:
            print(f"peers: {peer.package} could not be installed here (no package index?), so it is left out", file=sys.stderr)
        else:
            found |= _figures(peer, _said(python, peer), expected, asked, catalog)
    return found


def _environment(peer: Peer) -> Path | None:
    """The interpreter of the peer's own environment, made where it isn't there; None where it can't be."""
    folder = ROOM / peer.package
    python, done = folder / "bin" / "python", folder / "done"
    if not done.is_file():
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        wanted = [peer.package, *peer.needs, f"duckdb=={duckdb.__version__}"]
        if subprocess.run([*install, *wanted], capture_output=True).returncode:
            return None
        done.touch()
    return python


def _said(python: Path, peer: Peer) -> dict[str, dict[str, Any]]:
    """What the peer's script says of each question: `ms` and `rows`, or an `error`."""
    command = [str(python), str(Path(__file__).with_name(peer.script)), str(FOLDER / "warehouse.duckdb")]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return {said["question"]: said for said in map(json.loads, lines)}


def _figures(
    peer: Peer, said: dict[str, dict[str, Any]], expected: dict[str, Any], asked: dict[str, Question], catalog: Catalog
) -> dict[str, Figure]:
    right = [words for words in expected if "rows" in (answer := said.get(words, {})) and same(_plain(answer["rows"]), expected[words])]
    missed = ", ".join(f"{words} ({'wrong' if 'rows' in said.get(words, {}) else 'not asked'})" for words in expected if words not in right)
    times = {words: answer["ms"] for words, answer in said.items() if "ms" in answer}
    ours = statistics.median(median_ms(lambda q=asked[words]: governed(q, catalog)) for words in times)  # type: ignore[misc]
    beside = f"{min(times.values()):.0f} to {max(times.values()):.0f} ms; answerable {ours:.1f} ms on the same {len(times)}"
    return {
        f"peers: {peer.package}, right": Figure(len(right), "", None, "higher", f"of {len(expected)}; missed: {missed or 'none'}"),
        f"peers: {peer.package}, to SQL, warm, median": Figure(statistics.median(times.values()), "ms", None, "lower", beside),
    }


def _plain(rows: Iterable[Iterable[Any]]) -> list[list[Any]]:
    """Rows as JSON gives them, in one order: a day is a day with or without a midnight, a number a number of any type."""
    return sorted(([_cell(cell) for cell in row] for row in rows), key=lambda row: [str(cell) for cell in row])


def _cell(value: Any) -> Any:
    text = str(value).removesuffix(" 00:00:00")
    try:
        return None if value is None else float(text)
    except ValueError:
        return text
