"""Vectors in Chroma: a folder of its own that nobody changes, or a collection on a server. The only file that knows chromadb.

A vector's id is the hash of its document, a blank and the document's id. Every call runs beside the caller and is left behind at its
deadline: the client has none of its own, and what breaks in the index must not break what asks it.
"""

from __future__ import annotations

import contextlib
import queue
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import chromadb
from answerable.context.embedders import Matrix
from answerable.context.errors import IndexFault
from chromadb.config import Settings

T = TypeVar("T")
LOCAL = "documents"
"""The collection of a folder."""
ASIDE = "-aside-"
"""In the name of a collection that is being made."""
BATCH = 2_000
CANARIES = 16
"""Vectors that must find themselves before a collection is used."""
_SPACE = {"hnsw": {"space": "cosine", "ef_search": 200, "ef_construction": 200, "max_neighbors": 32}}
"""With the defaults one in ten of texts that are much alike is never found again."""


class Vectors:
    """One collection that is whole. Raises IndexFault from every method."""

    def __init__(self, where: Path | str, name: str = LOCAL, seconds: float = 10) -> None:
        self.seconds = seconds
        self.client = within(seconds, lambda: connected(where))
        try:
            self.collection = within(seconds, lambda: self.client.get_collection(name, embedding_function=None))
        except IndexFault:
            self.close()
            raise

    def near(self, vector: Sequence[float], most: int) -> Mapping[str, float]:
        """The ids of the nearest, with their likeness."""
        found = within(
            self.seconds, lambda: self.collection.query(query_embeddings=[list(vector)], n_results=most, include=["distances"])
        )
        return {id: 1.0 - float(distance) for id, distance in zip(found["ids"][0], (found["distances"] or [[]])[0], strict=True)}

    def count(self) -> int:
        """How many vectors there are."""
        return int(within(self.seconds, self.collection.count))

    def close(self) -> None:
        """Let go of the files or the connection."""
        within(self.seconds, lambda: shut(self.client))


@contextlib.contextmanager
def client(where: Path | str) -> Iterator[Any]:
    """A client of a folder or of a server's URL, let go of at the end."""
    chroma = connected(where)
    try:
        yield chroma
    finally:
        shut(chroma)


def connected(where: Path | str) -> Any:
    """A client; nothing is told to anybody else."""
    settings = Settings(anonymized_telemetry=False)
    if isinstance(where, Path):
        return chromadb.PersistentClient(str(where), settings=settings)
    url = urlsplit(where)
    port = url.port or (443 if url.scheme == "https" else 8000)
    return chromadb.HttpClient(url.hostname or "localhost", port, ssl=url.scheme == "https", settings=settings)


def shut(chroma: Any) -> None:
    """Let go of the files or the connections: when the last one who shares them closes, the client leaves those to a server open."""
    servers = [getattr(each, "_server", None) for each in (chroma, getattr(chroma, "_admin_client", None))]
    chroma.close()
    for server in servers:
        session = getattr(server, "_session", None)
        if session is not None and not getattr(server, "_running", True):
            session.close()


def fill(
    where: Path | str, name: str, ids: Sequence[str], rows: Matrix, done: Callable[[int], None], seconds: float = 600
) -> None:
    """Make a collection under a name of its own, prove that it finds, and give it its name: nobody ever sees it half. Raises IndexFault."""

    def work() -> None:
        with client(where) as chroma:
            drop(chroma, lambda there: there.startswith(f"{name}{ASIDE}"))  # of a builder that was killed
            made = chroma.create_collection(f"{name}{ASIDE}{secrets.token_hex(4)}", embedding_function=None, configuration=_SPACE)
            for start in range(0, len(ids), BATCH):
                made.add(ids=list(ids[start : start + BATCH]), embeddings=rows[start : start + BATCH])
                done(min(start + BATCH, len(ids)))
            _prove(made, ids, rows)
            drop(chroma, lambda there: there == name)
            made.modify(name=name)

    within(seconds, work)


def _prove(made: Any, ids: Sequence[str], rows: Matrix) -> None:
    """Raises IndexFault unless all is there, and some vectors find themselves, or others as near."""
    if made.count() != len(ids):
        raise IndexFault(f"The index holds {made.count()} of {len(ids)} vectors.")
    for n in range(0, len(ids), max(1, len(ids) // CANARIES)):
        found = made.query(query_embeddings=rows[n : n + 1], n_results=1, include=["distances"])
        if rows[n].any() and (not found["ids"][0] or found["distances"][0][0] > 0.01):
            raise IndexFault("A vector of the index does not find itself.")


def drop(chroma: Any, gone: Callable[[str], bool]) -> None:
    """Take away the collections whose name says so."""
    for name in [each.name for each in chroma.list_collections() if gone(each.name)]:
        chroma.delete_collection(name)


def sweep(where: str, gone: Callable[[str], bool], seconds: float) -> None:
    """Take away the collections of a server whose name says so. Raises IndexFault."""

    def work() -> None:
        with client(where) as chroma:
            drop(chroma, gone)

    within(seconds, work)


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns, if it does so in time. Raises IndexFault for whatever else happens, a panic of the library included."""
    outcome: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put((True, work()))
        except BaseException as error:
            outcome.put((False, error))

    threading.Thread(target=run, daemon=True, name="answerable-index").start()
    try:
        fine, value = outcome.get(timeout=seconds)
    except queue.Empty:
        raise IndexFault(f"The index did not answer within {seconds:g} s.") from None
    if fine:
        found: T = value
        return found
    if isinstance(value, IndexFault):
        raise value
    raise IndexFault(f"The index is broken ({type(value).__name__}).") from value
