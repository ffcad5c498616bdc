"""The demo, open, for the tests of questions."""

from collections.abc import Iterator
from pathlib import Path

import answerable
import pytest
from answerable.agent.ask import Project


@pytest.fixture(scope="session")
def alder(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with answerable.open(demo, state=tmp_path_factory.mktemp("state"), run="test") as project:
        yield project
