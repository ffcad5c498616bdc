"""The demo's chat API, served, and the demo opened beside it: what each door gives is compared with Python."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import answerable
import pytest
from answerable.agent.ask import Project
from served import Api, serving


@pytest.fixture(scope="module")
def api(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with serving(demo, tmp_path_factory.mktemp("state")) as found:
        yield found


@pytest.fixture(scope="module")
def project(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with answerable.open(demo, state=tmp_path_factory.mktemp("plain"), run="test") as opened:
        yield opened
