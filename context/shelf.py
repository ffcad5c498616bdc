"""Where the values of columns are kept: a file for each column as somebody sees it, shared by all who see the same.

A file is named by what is in it, written aside and put in place whole, and never changed. Beside the files stand two kinds of notes:
what a query last gave, by its governed SQL, and what one set of rights sees. A note of another stamp of the warehouse counts as none.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from answerable.context import cache
from answerable.context.dictionary import FORM, Dictionary, Split, block
from answerable.context.query import GovernedSQL

GRACE = 3600
"""Seconds for which a file that nobody names is left to whoever may be about to."""


class Shelf:
    """The values of one warehouse at one stamp. Without a folder it is kept in memory only."""

    def __init__(self, folder: Path | None, stamp: str, split: Split) -> None:
        self.folder, self.stamp, self.split = folder, stamp, split
        self.made: dict[str, Dictionary] = {}

    def name(self, sql: GovernedSQL, read: Callable[[], list[str] | None]) -> str:
        """The name of the file with the values that a query gives; empty where they are too many. Reads them only if nobody has yet."""
        return str(self.noted(sql, lambda: self._filled(read())))

    def noted(self, sql: GovernedSQL, find: Callable[[], str | bool]) -> str | bool:
        """What was found by a query, or is found now."""
        asked = hashlib.sha256(json.dumps([FORM, sql.text, sql.params], default=str).encode()).hexdigest()[:24]
        note = self._note(f"{asked}.note")
        found: str | bool | None = note.get("found") if note else None
        if isinstance(found, bool) or (isinstance(found, str) and (not found or self._has(found))):
            return found
        found = find()
        self._keep(f"{asked}.note", {"found": found})
        return found

    def sheet(self, name: str) -> dict[str, Any] | None:
        """What one set of rights sees, as it was put."""
        return self._note(f"{name}.json")

    def put(self, name: str, data: dict[str, Any]) -> None:
        """Keep what one set of rights sees."""
        self._keep(f"{name}.json", data)
        self._swept()

    def dictionary(self, name: str) -> Dictionary:
        """The values of a file. Raises OSError and ValueError."""
        if name not in self.made:
            if self.folder is None:
                raise FileNotFoundError(name)
            self.made[name] = Dictionary.mapped(self.folder / name, self.split)
        return self.made[name]

    def _has(self, name: str) -> bool:
        try:
            self.dictionary(name)
        except (OSError, ValueError):
            return False
        return True

    def _filled(self, values: list[str] | None) -> str:
        if values is None:
            return ""
        digest = hashlib.sha256(FORM.encode())
        for value in values:
            digest.update(value.encode("utf-8", "surrogatepass") + b"\0")
        name = f"{digest.hexdigest()[:24]}.texts"
        if not self._has(name):
            made = block(values, self.split)
            if self.folder is not None:
                cache.keep(self.folder / name, made)
            if not self._has(name):  # a folder that can't be written is no fault
                self.made[name] = Dictionary(made, self.split)
        return name

    def _note(self, name: str) -> dict[str, Any] | None:
        if self.folder is None:
            return None
        try:
            data = json.loads((self.folder / name).read_text(encoding="utf-8"))
            return dict(data) if data["stamp"] == self.stamp and data["form"] == FORM else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _keep(self, name: str, data: dict[str, Any]) -> None:
        if self.folder is not None:
            cache.keep(self.folder / name, json.dumps({"stamp": self.stamp, "form": FORM, **data}).encode())

    def _swept(self) -> None:
        """Take away notes of other stamps, and files that no note names: but those of the last hour, as somebody may be writing them."""
        if self.folder is None:
            return
        old = [path for path in self.folder.glob("*") if _age(path) > GRACE]
        named = {note.get("found") for path in self.folder.glob("*.note") if (note := self._note(path.name))}
        for path in old:
            kept = path.name in named if path.suffix == ".texts" else self._note(path.name) is not None
            if not kept:
                with suppress(OSError):  # mapped by another process, where that keeps a file
                    path.unlink()


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
