"""The definitions of a project as they were checked last, kept until a file of theirs changes. Holds no settings, so no secret."""

from __future__ import annotations

import hashlib
import pickle
import secrets
import sys
from dataclasses import replace
from pathlib import Path

from answerable.context.catalog import Catalog
from answerable.context.settings import ProjectSettings

FORM = 2
"""Changes with the shape of what is kept."""
PATTERNS = ("answerable.yml", "exposures.yml", "models/*.yml", "metrics/*.yml", "policies/*.yml", "rules/*.md", "verified/*.yml")
STRAYS = ("*.y*ml", "*.md", "*/*.y*ml", "*/*.md", "*/**/*.y*ml", "*/**/*.md")
"""Where a definition could lie without being read."""


def key(folder: Path, settings: str) -> str:
    """The hash of every file of a project, of its settings as filled, and of what reads them."""
    digest = hashlib.sha256(f"{FORM} {sys.version} {settings}".encode())
    for pattern in PATTERNS:
        for path in sorted(folder.glob(pattern)):
            digest.update(path.name.encode() + b"\0" + _content(path) + b"\0")
    for path in sorted(path for pattern in STRAYS for path in folder.glob(pattern)):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")  # a file that is not read is a complaint
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(str(path.stat().st_mtime_ns).encode())
    return digest.hexdigest()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # the loader says so, and nothing is kept


def read(kept: Path, key: str, settings: ProjectSettings) -> Catalog | None:
    """The catalogue kept under this key, or None. The file is this program's own, in a folder that only its operator writes."""
    try:
        found, catalog = pickle.loads(kept.read_bytes())
    except (OSError, EOFError, ValueError, TypeError, AttributeError, ImportError, pickle.UnpicklingError):
        return None
    return replace(catalog, settings=settings) if found == key else None


def write(kept: Path, key: str, catalog: Catalog) -> None:
    """Keep a checked catalogue; a folder that can't be written is no fault."""
    keep(kept, pickle.dumps((key, replace(catalog, settings=ProjectSettings.model_construct(name="", warehouse=None)))))


def keep(kept: Path, content: bytes) -> None:
    """Put a file in place whole, whoever else writes it now; a folder that can't be written is no fault."""
    aside = kept.with_suffix(f".{secrets.token_hex(4)}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(content)
        aside.replace(kept)
    except OSError:
        return
