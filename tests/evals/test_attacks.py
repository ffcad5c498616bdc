"""A folder of attacks is played, judged and counted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from answerable.evals import attacks
from answerable.integrations.cli import main
from click.testing import CliRunner

ATTACKS = Path(__file__).parents[3] / "shared" / "data" / "attacks"
there = pytest.mark.skipif(not ATTACKS.is_dir(), reason="../shared/data/attacks is not there")


@there
def test_attacks_are_played_through_the_gate() -> None:
    done = CliRunner().invoke(main, ["eval", "attacks", str(ATTACKS), "--only", "qualified_name", "--json"])
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 0 and len(lines) == 8
    assert {line["verdict"] for line in lines} <= {"ok", "denied"} and "qualified_name" in done.stderr


@there
def test_a_gate_that_lets_things_through_fails(tmp_path: Path) -> None:
    """The project's policies are taken away: what was denied now runs, and the exit code says so."""
    folder = tmp_path / "attacks"
    shutil.copytree(ATTACKS, folder, copy_function=shutil.copyfile)
    for file in (folder / "project" / "policies").glob("orders.yml"):
        file.unlink()
    done = CliRunner().invoke(main, ["eval", "attacks", str(folder), "--only", "no_policy"])
    assert done.exit_code == 1 and "leaked" in done.stdout


def test_a_folder_that_holds_no_attacks_is_said(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["eval", "attacks", str(tmp_path)])
    assert done.exit_code == 2 and "holds no replay.py" in done.output


def test_counts_are_a_line_for_each_class() -> None:
    outcomes = [
        attacks.Outcome("1", "dml", "denied"),
        attacks.Outcome("2", "dml", "leaked", "a canary"),
        attacks.Outcome("3", "b_cte", "ok"),
    ]
    head, *rows = attacks.table(outcomes).splitlines()
    assert head.split() == ["class", "ok", "denied", "leaked"] and [row.split() for row in rows] == [
        ["b_cte", "1"], ["dml", "1", "1"], ["all", "1", "1", "1"],
    ]  # fmt: skip
