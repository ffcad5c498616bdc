"""The definitions of a project as they were checked last, kept until a file of theirs changes. Holds no settings, so no secret."""

from __future__ import annotations

import hashlib
import pickle
import sys
from dataclasses import replace
from pathlib import Path

from answerable.context.catalog import Catalog
from answerable.context.settings import ProjectSettings

FORM = 1
"""Changes with the shape of what is kept."""
PATTERNS = ("answerable.yml", "exposures.yml", "models/*.yml", "metrics/*.yml", "policies/*.yml", "rules/*.md", "verified/*.yml")


def key(folder: Path, settings: str) -> str:
    """The hash of every file of a project, of its settings as filled, and of what reads them."""
    digest = hashlib.sha256(f"{FORM} {sys.version} {settings}".encode())
    for pattern in PATTERNS:
        for path in sorted(folder.glob(pattern)):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(str(path.stat().st_mtime_ns).encode())
    return digest.hexdigest()


def read(kept: Path, key: str, settings: ProjectSettings) -> Catalog | None:
    """The catalogue kept under this key, or None. The file is this program's own, in a folder that only its operator writes."""
    try:
        found, catalog = pickle.loads(kept.read_bytes())
    except (OSError, EOFError, ValueError, TypeError, AttributeError, ImportError, pickle.UnpicklingError):
        return None
    return replace(catalog, settings=settings) if found == key else None


def write(kept: Path, key: str, catalog: Catalog) -> None:
    """Keep a checked catalogue; a folder that can't be written is no fault."""
    bare = replace(catalog, settings=ProjectSettings.model_construct(name="", warehouse=None))
    aside = kept.with_suffix(".new")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(pickle.dumps((key, bare)))
        aside.replace(kept)
    except OSError:
        return
