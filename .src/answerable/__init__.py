"""answerable answers questions about a company's data, and is answerable for every answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from answerable.agent.ask import Project

__version__ = "0.1.0"
__all__ = ["open"]


def open(path: str | Path, **options: Any) -> Project:
    """Open the project folder at `path`: read its definitions and connect. A context manager.

    Raises DefinitionError with every complaint about its files, EngineError where the warehouse can't be opened.
    """
    from answerable.integrations.app import open_project

    return open_project(Path(path), **options)
