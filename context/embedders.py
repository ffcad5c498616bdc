"""What turns texts into vectors: counting letters and words, an endpoint that speaks OpenAI's protocol, or a model in a folder.

Nothing is downloaded: a local model is a folder, or an installed package that carries one.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol
from zlib import crc32

import numpy as np
from answerable.context.errors import IndexFault, UsageError
from answerable.context.settings import IndexSettings
from answerable.context.stems import stems

Matrix = np.ndarray[Any, np.dtype[np.float32]]
BATCH = 128
"""Texts that are sent at a time."""


class Embedder(Protocol):
    """Makes vectors of length 1. Two of one name make the same of a text."""

    @property
    def name(self) -> str: ...

    def embed(self, texts: Sequence[str]) -> Matrix:
        """A row for each text. Raises IndexFault."""


def fingerprint(embedder: Embedder) -> str:
    """Ten hex digits that differ for embedders whose vectors can't be compared."""
    return hashlib.sha256(embedder.name.encode()).hexdigest()[:10]


class LexicalEmbedder:
    """Stems and their trigrams, each counted in one of `SIZE` places with a sign, both by its hash. Needs nothing and knows no meaning."""

    SIZE = 384
    name = f"lexical-1-{SIZE}"

    def embed(self, texts: Sequence[str]) -> Matrix:
        found = np.zeros((len(texts), self.SIZE), dtype=np.float32)
        for row, text in zip(found, texts, strict=True):
            for stem in stems(text):
                marks = [(stem, 1.0), *((f"_{stem}_"[i : i + 3], 0.3) for i in range(len(stem)))]
                for mark, weight in marks:
                    hashed = crc32(mark.encode())
                    row[hashed % self.SIZE] += weight if hashed >> 31 else -weight
        return unit(found)


class EndpointEmbedder:
    """A model behind an endpoint that speaks OpenAI's protocol. One call ends within `seconds`, and is not tried again."""

    def __init__(self, model: str, url: str | None, key: str | None, seconds: float) -> None:
        self.model, self.url, self.key, self.seconds = model, url, key, seconds
        self.name = f"openai:{url or ''}:{model}"

    @cached_property
    def client(self) -> Any:
        try:
            import openai
        except ImportError:
            raise UsageError("An embedder behind an endpoint needs the package openai: pip install 'answerable[model]'.") from None
        return openai.OpenAI(base_url=self.url, api_key=self.key or "none", max_retries=0, timeout=self.seconds)

    def embed(self, texts: Sequence[str]) -> Matrix:
        rows: list[list[float]] = []
        for start in range(0, len(texts), BATCH):
            batch = list(texts[start : start + BATCH])
            try:
                made = self.client.embeddings.create(model=self.model, input=batch, encoding_format="float")
                rows += [each.embedding for each in sorted(made.data, key=lambda each: each.index)]
            except UsageError:
                raise
            except Exception as error:  # the client raises its own, its transport's and its parser's
                raise IndexFault(f"The embedder {self.model} did not answer ({type(error).__name__}).") from error
        if len(rows) != len(texts) or len({len(row) for row in rows}) > 1:
            raise IndexFault(f"The embedder {self.model} gave {len(rows)} vectors for {len(texts)} texts.")
        return unit(np.asarray(rows, dtype=np.float32))


class LocalEmbedder:
    """A sentence-transformer in a folder, or in an installed package that carries one."""

    def __init__(self, model: str, base: Path) -> None:
        self.folder = _folder(model, base)
        weights = sorted((path.name, path.stat().st_size) for path in self.folder.glob("*") if path.is_file())
        self.name = f"local:{model}:{weights}"

    @cached_property
    def model(self) -> Any:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise UsageError("A local embedder needs the package sentence-transformers: pip install 'answerable[local]'.") from None
        return SentenceTransformer(str(self.folder), device="cpu", local_files_only=True)

    def embed(self, texts: Sequence[str]) -> Matrix:
        made = self.model.encode(list(texts), batch_size=32, show_progress_bar=False, convert_to_numpy=True)
        return unit(np.asarray(made, dtype=np.float32))


def _folder(model: str, base: Path) -> Path:
    """The folder of a model. Raises UsageError where neither a folder nor an installed package of this name has one."""
    if (base / model / "modules.json").is_file():
        return base / model
    try:
        found = importlib.util.find_spec(model.replace("-", "_")) if "/" not in model else None
    except (ImportError, ValueError):
        found = None
    for place in (found.submodule_search_locations or []) if found else []:
        for config in Path(place).rglob("modules.json"):
            return config.parent
    raise UsageError(f"There is no model {model}: name a folder with a sentence-transformer, or an installed package that carries one.")


def unit(rows: Matrix) -> Matrix:
    """Each row with the length 1; a row of zeros as it is."""
    lengths = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
    made: Matrix = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return made


EMBEDDERS: dict[str, Callable[[str, IndexSettings, Path], Embedder]] = {
    "lexical": lambda model, said, base: LexicalEmbedder(),
    "openai": lambda model, said, base: EndpointEmbedder(model, said.url, said.key, said.seconds),
    "local": lambda model, said, base: LocalEmbedder(model, base),
}
"""By the word before the colon in `index.embedder`."""


def embedder_of(said: IndexSettings, base: Path = Path()) -> Embedder:
    """The embedder that the settings name; a folder is looked for from `base`. Raises UsageError."""
    kind, _, model = said.embedder.partition(":")
    if kind not in EMBEDDERS or (kind != "lexical") != bool(model):
        raise UsageError(f"{said.embedder} is no embedder; write lexical, openai:MODEL or local:FOLDER_OR_PACKAGE.")
    return EMBEDDERS[kind](model, said, base)
