"""What can't be worked out over masked values is declined or denied in words; it is no fault of the warehouse."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import answerable
import pytest
from answerable.agent.ask import Project


@pytest.fixture(scope="module")
def masked(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("masked") / "shop"
    shutil.copytree(shop, folder)
    (folder / "policies").mkdir()
    (folder / "policies/customers.yml").write_text("model: customers\ngroups: {everyone: {mask: {born: hash, score: hash}}}\n")
    (folder / "policies/orders.yml").write_text("model: orders\ngroups: {everyone: {mask: {ordered_on: hash, amount: last 2}}}\n")
    with answerable.open(folder, state=folder / "state", run="test") as project:
        yield project


@pytest.mark.parametrize(
    ("plan", "status", "text"),
    [
        ({"metrics": ["orders"], "by": ["customer.born"]}, "answered", "Orders by born"),
        ({"metrics": ["orders"], "by": ["customer.born:month"]}, "denied", "your groups may not see it"),
        ({"metrics": ["orders"], "by": ["time:month"]}, "denied", "your groups may not see it"),
        ({"metrics": ["orders"], "where": ["customer.score > 3"]}, "denied", "your groups may not see it"),
        ({"metrics": ["revenue"]}, "declined", "amount is masked"),
        ({"metrics": ["orders"], "window": {"start": "2025-01-01", "end": "2025-02-01"}}, "declined", "ordered_on is masked"),
    ],
)
def test_a_plan_over_masked_values(masked: Project, plan: dict[str, Any], status: str, text: str) -> None:
    answer = masked.query(plan)
    assert answer.status == status and text in answer.text


def test_half_a_character_is_asked_about_as_one_that_nobody_can_read(masked: Project) -> None:
    for answer in (masked.sql("select '\ud800' as x"), masked.ask("revenue \ud800"), masked.query({"metrics": ["\ud800"]})):
        assert answer.id and "\ufffd" in answer.model_dump_json()
