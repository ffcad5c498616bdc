"""What several test files share: the demo project with its warehouse, and the small shop whose every number can be checked by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, settings
from postgres_server import Server, running

REPOSITORY = Path(__file__).parents[1]
FIXTURES = Path(__file__).with_name("fixtures")

# The fast profile finds and does not shrink; `make test-all` sets HYPOTHESIS_PROFILE=long, which draws new examples each time.
known = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("fast", max_examples=10, derandomize=True, phases=[Phase.explicit, Phase.generate], **known)
settings.register_profile("long", max_examples=200, **known)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the demo project with its warehouse built."""
    folder = tmp_path_factory.mktemp("project") / "demo"
    shutil.copytree(REPOSITORY / "demo", folder, ignore=shutil.ignore_patterns("*.duckdb*", ".answerable", "__pycache__"))
    subprocess.run([sys.executable, str(folder / "generate.py"), "--out", str(folder / "alder.duckdb")], check=True)
    return folder


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of fixtures/shop with its warehouse built: four customers, eight orders."""
    folder = tmp_path_factory.mktemp("project") / "shop"
    shutil.copytree(FIXTURES / "shop", folder)
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute((folder / "rows.sql").read_text())
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A running PostgreSQL."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def shop_on_postgres(postgres: Server) -> str:
    """The URL of the small shop's rows on PostgreSQL, for a role that reads its tables."""
    rows = (FIXTURES / "shop/rows.sql").read_text()
    tables = "regions customers addresses orders items visits stock drafts"
    return postgres.made("shop", rows, " ".join(f"shop.{table}" for table in tables.split()))


@pytest.fixture(scope="session")
def demo_on_postgres(demo: Path, postgres: Server) -> str:
    """The URL of the demo's rows on PostgreSQL, for a role that reads its tables."""
    return postgres.copied(demo / "alder.duckdb", "alder")
