"""answerable answers questions about a company's data, and is answerable for every answer."""

from __future__ import annotations

import sys
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

    if "IPython" in sys.modules:
        _drawn_in_a_notebook()
    return open_project(Path(path), **options)


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext answerable`: answers are drawn, and `%ask` asks."""
    from answerable.integrations.notebook import load

    load(shell)


def _drawn_in_a_notebook() -> None:
    """Answers are drawn where a notebook runs, also without the extension."""
    from IPython import get_ipython  # type: ignore[attr-defined]

    if (shell := get_ipython()) is not None:  # type: ignore[no-untyped-call]
        from answerable.integrations.notebook import display

        display(shell)
