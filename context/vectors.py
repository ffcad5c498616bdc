"""The vectors of a catalogue's documents, as a build artefact: made aside under a lock, checked, put in place whole, never changed.

    index/<catalogue version>-<embedder fingerprint>/documents.json   ids and hashes in the order of the rows
                                                     vectors.npy      a row for each: compared one by one, or read where Chroma fails
                                                     chroma/          only for many documents, and where no server is named
Of one process one builds; any number read. Vectors of documents whose texts did not change come from the version before.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from answerable.context.documents import Document
from answerable.context.embedders import Embedder, Matrix, fingerprint
from answerable.context.errors import IndexFault
from answerable.context.settings import IndexSettings

if TYPE_CHECKING:
    from answerable.context.index import Vectors

log = logging.getLogger(__name__)
KEPT = 2
"""Versions that stay: the newest, and the one that may still be read."""
BATCH = 256
Progress = Callable[[str, int, int], None]
"""Told what is being done, and how many of how many are."""


@dataclass(frozen=True)
class Made:
    """What a build did."""

    folder: Path
    documents: int
    embedded: int
    """Of them, those whose vectors were not there yet."""
    fresh: bool
    """Whether anything had to be built."""


@dataclass(frozen=True)
class Rows:
    """Vectors with the ids and hashes of their documents. A row for each."""

    ids: tuple[str, ...]
    hashes: tuple[str, ...]
    matrix: Matrix

    @property
    def keys(self) -> list[str]:
        return [f"{mark} {id}" for id, mark in zip(self.ids, self.hashes, strict=True)]


class Store:
    """The index folder of one project, for one embedder."""

    def __init__(self, folder: Path, embedder: Embedder, said: IndexSettings, project: str = "project") -> None:
        self.folder, self.embedder, self.said = folder, embedder, said
        self.mark = fingerprint(embedder)
        self.prefix = "answerable-" + "".join(c if c.isalnum() else "-" for c in project.lower())[:30].strip("-") + "-"

    def place(self, version: str) -> Path:
        return self.folder / f"{version[:16]}-{self.mark}"

    def collection(self, version: str) -> str:
        """What a version is called on a server."""
        return f"{self.prefix}{version[:16]}-{self.mark}"

    def build(self, documents: Sequence[Document], version: str, progress: Progress = lambda what, done, of: None) -> Made:
        """The artefact of this version: the one that is there, or one made now.

        Raises IndexFault where an embedder, a server or a disk fails: then what was there before still serves.
        """
        told = sorted((d for d in documents if d.endorsed), key=lambda d: d.id)
        place = self.place(version)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._alone():
                if self._whole(place, told) and self._served(version, len(told)):
                    return Made(place, len(told), 0, fresh=False)
                embedded = self._make(told, version, progress)
                self._sweep(place)
        except (OSError, sqlite3.Error, ValueError) as error:
            raise IndexFault(f"The index can't be built in {self.folder} ({type(error).__name__}).") from error
        return Made(place, len(told), embedded, fresh=True)

    def _make(self, told: Sequence[Document], version: str, progress: Progress) -> int:
        place, aside = self.place(version), self.folder / "building"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        known = self._known()
        rows, embedded = self._embedded(told, known, progress)
        (aside / "documents.json").write_text(json.dumps({"ids": rows.ids, "hashes": rows.hashes}))
        np.save(aside / "vectors.npy", rows.matrix)
        self._into_chroma(rows, aside, version, progress)
        read(aside)
        old = self.folder / "replaced"
        shutil.rmtree(old, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            place.rename(old)  # there only where it is broken
        aside.rename(place)
        shutil.rmtree(old, ignore_errors=True)
        return embedded

    def _embedded(self, told: Sequence[Document], known: Mapping[str, np.ndarray], progress: Progress) -> tuple[Rows, int]:
        """The vectors of documents: those that are known, and the rest made now."""
        missing = [d for d in told if d.hash not in known]
        made = dict(known)
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            made |= zip((d.hash for d in batch), self.embedder.embed([d.text for d in batch]), strict=True)
            progress("vectors", min(start + BATCH, len(missing)), len(missing))
        matrix = np.stack([made[d.hash] for d in told]) if told else np.zeros((0, 1), dtype=np.float32)
        return Rows(tuple(d.id for d in told), tuple(d.hash for d in told), np.ascontiguousarray(matrix, dtype=np.float32)), len(missing)

    def _into_chroma(self, rows: Rows, aside: Path, version: str, progress: Progress) -> None:
        where: Path | str = self.said.server or aside / "chroma"
        if not rows.ids or not (self.said.server or len(rows.ids) > self.said.exact_up_to):
            return
        from answerable.context import index

        name = self.collection(version) if self.said.server else index.LOCAL
        index.fill(where, name, rows.keys, rows.matrix, lambda done: progress("chroma", done, len(rows.ids)))

    def _known(self) -> dict[str, np.ndarray]:
        """Vectors by the hash of their document, of the versions that are there."""
        known: dict[str, np.ndarray] = {}
        for place in self._versions():
            with contextlib.suppress(IndexFault):
                rows = read(place)
                known |= zip(rows.hashes, np.asarray(rows.matrix), strict=True)
        return known

    def _versions(self) -> list[Path]:
        """The artefacts of this embedder, the oldest first."""
        return sorted((p for p in self.folder.glob(f"*-{self.mark}") if p.is_dir()), key=lambda p: (p.stat().st_mtime, p.name))

    def _whole(self, place: Path, told: Sequence[Document]) -> bool:
        if (place / "broken").exists():
            return False
        try:
            rows = read(place)
        except IndexFault:
            return False
        kept = bool(self.said.server) or len(told) <= self.said.exact_up_to or (place / "chroma").is_dir()
        return kept and rows.hashes == tuple(d.hash for d in told)

    def _served(self, version: str, count: int) -> bool:
        """Whether a server, where one is named, has the version."""
        if not self.said.server or not count:
            return True
        from answerable.context.index import Vectors

        try:
            vectors = Vectors(self.said.server, self.collection(version), self.said.seconds)
        except IndexFault:
            return False
        try:
            return vectors.count() == count
        finally:
            vectors.close()

    def _sweep(self, place: Path) -> None:
        """Leave two versions of this embedder."""
        older = [p for p in self._versions() if p != place]
        gone = older[: max(0, len(older) - (KEPT - 1))]
        for each in gone:
            shutil.rmtree(each, ignore_errors=True)
        if self.said.server:
            from answerable.context import index

            kept = {f"{self.prefix}{p.name}" for p in (place, *older) if p not in gone}
            index.sweep(self.said.server, lambda name: self._mine(name) and name not in kept, self.said.seconds)

    def _mine(self, name: str) -> bool:
        """Whether a server's collection is a version of this project, made by this embedder."""
        return name.startswith(self.prefix) and name.endswith(self.mark)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """While nobody else builds here. The lock is a database's: it ends with the process that holds it, however that ends."""
        with contextlib.closing(sqlite3.connect(self.folder / "building.lock", timeout=600, isolation_level=None)) as lock:
            lock.execute("begin exclusive")
            yield

    def open(self, version: str) -> Reader | None:
        """The vectors of this version, or of the newest there is; None where there is none that can be read."""
        for place in (self.place(version), *reversed(self._versions())):
            try:
                return Reader(self, version, place, read(place))
            except IndexFault as fault:
                if place.exists():
                    log.warning("%s It is left out until it is built again.", fault)
        return None


def read(place: Path) -> Rows:
    """The rows of an artefact. Raises IndexFault."""
    try:
        data = json.loads((place / "documents.json").read_text())
        matrix = np.load(place / "vectors.npy", mmap_mode="r", allow_pickle=False)
        rows = Rows(tuple(data["ids"]), tuple(data["hashes"]), matrix)
        if matrix.ndim != 2 or matrix.dtype != np.float32 or not len(rows.ids) == len(rows.hashes) == len(matrix):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise IndexFault(f"The index in {place.name} can't be read ({type(error).__name__}).") from error
    return rows


class Reader:
    """Answers which documents are near a text: through Chroma where the artefact has it, and from the rows themselves else."""

    def __init__(self, store: Store, version: str, place: Path, rows: Rows) -> None:
        self.store, self.version, self.place, self.rows = store, version, place, rows
        self.numbers = {id: n for n, id in enumerate(rows.ids)}
        self.lock = threading.Lock()
        self.asked: dict[str, Matrix] = {}
        self.placed: tuple[Mapping[str, str], np.ndarray] = ({}, np.zeros(0, dtype=np.intp))
        self.vectors: Vectors | None = None
        self.exact = not (store.said.server or (place / "chroma").is_dir())

    def near(self, text: str, most: int, among: Mapping[str, str]) -> Mapping[str, float]:
        """The documents nearest to a text with their likeness, of those whose ids and hashes are given; none where the embedder fails."""
        try:
            vector = self._embedded(text)
        except IndexFault as fault:
            log.warning("%s Words alone are searched.", fault)
            return {}
        if not self.exact:
            try:
                return self._through_chroma(vector, most, among)
            except IndexFault as fault:
                log.warning("%s The index answers from memory, and is to be built again.", fault)
                self.exact = True
                self.close()
                with contextlib.suppress(OSError):
                    (self.place / "broken").touch()
        return self._one_by_one(vector, most, among)

    def _embedded(self, text: str) -> Matrix:
        with self.lock:
            if text not in self.asked:
                if len(self.asked) >= 256:
                    self.asked.clear()
                self.asked[text] = self.store.embedder.embed([text])[0]
            return self.asked[text]

    def _through_chroma(self, vector: Matrix, most: int, among: Mapping[str, str]) -> Mapping[str, float]:
        """Fetched in excess, and again in greater excess while what this asker sees is too little of it."""
        from answerable.context.index import LOCAL, Vectors

        if self.vectors is None:
            server = self.store.said.server
            where, name = (server, f"{self.store.prefix}{self.place.name}") if server else (self.place / "chroma", LOCAL)
            self.vectors = Vectors(where, name, self.store.said.seconds)
        wanted, found, kept = min(most, len(among)), 2 * most, dict[str, float]()
        while len(kept) < wanted and found < 4 * len(self.rows.ids):
            near = self.vectors.near(vector.tolist(), min(found, len(self.rows.ids)))
            said = [(key.partition(" "), likeness) for key, likeness in near.items()]
            kept = {id: likeness for (mark, _, id), likeness in said if among.get(id) == mark}
            found *= 4
        return dict(sorted(kept.items(), key=lambda each: (-each[1], each[0]))[:most])

    def _one_by_one(self, vector: Matrix, most: int, among: Mapping[str, str]) -> Mapping[str, float]:
        placed = self.placed
        if placed[0] is not among:  # one asker's mapping is the same from one question to the next
            known = [n for id, mark in among.items() if (n := self.numbers.get(id)) is not None and self.rows.hashes[n] == mark]
            placed = self.placed = among, np.array(known, dtype=np.intp)
        places = placed[1]
        if not len(places) or len(vector) != self.rows.matrix.shape[1]:
            return {}
        likeness = (self.rows.matrix @ vector)[places]
        order = np.argsort(-likeness, kind="stable")[:most]
        return {self.rows.ids[places[n]]: float(likeness[n]) for n in order}

    def close(self) -> None:
        """Let go of Chroma."""
        if self.vectors is not None:
            with contextlib.suppress(IndexFault):
                self.vectors.close()
            self.vectors = None
