"""YAML → complaint: fixtures/complaints/*.txt hold the pairs, over the two models of fixtures/complaints/project."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from answerable.context.errors import DefinitionError
from answerable.context.loader import load

COMPLAINTS = Path(__file__).parents[1] / "fixtures" / "complaints"


def cases() -> list[object]:
    """Each case: its title, the files that it changes, and the lines of its complaints (`!!`) and warnings (`~~`)."""
    found: list[object] = []
    for file in sorted(COMPLAINTS.glob("*.txt")):
        for case in re.split(r"^== ", file.read_text(), flags=re.MULTILINE)[1:]:
            title, rest = case.split("\n", 1)
            said = [line for line in rest.splitlines() if line[:3] in ("!! ", "~~ ")]
            files = re.findall(r"^--- (\S+\.\S+)\n(.*?)(?=^--- \S+\.|^!! |^~~ |\Z)", rest, flags=re.MULTILINE | re.DOTALL)
            found.append(pytest.param(dict(files), said, id=title))
    return found


@pytest.mark.parametrize(("files", "said"), cases())
def test_a_definition_that_cannot_be_understood_is_told_with_its_place_and_mend(
    files: dict[str, str], said: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(COMPLAINTS / "project", folder)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    try:
        found = [f"~~ {warning}" for warning in load(folder).warnings]
    except DefinitionError as error:
        found = [f"!! {complaint}" for complaint in error.complaints]
    assert found == said
