"""Fixture files of text pairs: a title after `==`, its parts between lines of `--`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[1] / "fixtures"


def cases(file: str) -> list[object]:
    """Each case of a file under fixtures/ as a parameter: its parts, under its title."""
    found = []
    for case in re.split(r"^== ", (FIXTURES / file).read_text(), flags=re.MULTILINE)[1:]:
        title, rest = case.split("\n", 1)
        parts = [part.strip() for part in re.split(r"^--$", rest, flags=re.MULTILINE)]
        found.append(pytest.param(*parts, id=title))
    return found
