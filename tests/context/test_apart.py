"""What somebody sent runs in a process of its own, which can be killed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from answerable.context.engines.duckdb import DuckDBEngine
from answerable.context.errors import EngineError
from answerable.context.query import GovernedSQL
from answerable.context.settings import Limits
from cancelling import cancelled

# One value, within which the engine looks for no cancel.
ENDLESS = "select length(repeat(repeat(repeat('ab', 1000), 1000), 700)) + length(regexp_replace(repeat('ab', 60000000), '(a|b|ab)*c', ''))"
HEAVY = "select count(*) from range(1000000) a, range(1000000) b where a.range + b.range = 7"


def sent(sql: str, **params: object) -> GovernedSQL:
    return GovernedSQL(sql, params, sent=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table words as select 'x' || range as word from range(10)")
    return path


@pytest.fixture
def engine(file: Path) -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(file, Limits(seconds=20, memory="512MB", rows=4), "Europe/Berlin")
    yield engine
    engine.close()


def test_its_result_is_that_of_the_same_query_here(engine: DuckDBEngine) -> None:
    for sql in ("select word, 1.5::decimal(4, 2), date '2025-01-01', [1, 2] from words where word <> $not order by 1", "select $not as x"):
        assert engine.run(sent(sql, **{"not": "x1"})) == engine.run(GovernedSQL(sql, {"not": "x1"}))


def test_it_runs_elsewhere_and_its_process_is_kept_warm(engine: DuckDBEngine) -> None:
    assert engine.apart
    engine.run(sent("select 1"))
    (child,) = engine.apart.idle
    engine.run(sent("select 1"))
    assert engine.apart.idle == [child] and child.pid != os.getpid()


def test_the_child_holds_no_secret_of_this_process(engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSWERABLE_MASK_KEY", "a key of sixteen bytes")
    engine.run(sent("select 1"))
    assert engine.apart
    environment = Path(f"/proc/{engine.apart.idle[0].pid}/environ")
    if not environment.exists():
        pytest.skip("no /proc on this system")
    assert b"MASK_KEY" not in environment.read_bytes()


def test_what_an_engine_can_not_stop_is_killed(file: Path) -> None:
    engine = DuckDBEngine(file, Limits(seconds=0.2, memory="2GB"), "UTC")
    with pytest.raises(EngineError) as error:
        engine.run(sent(ENDLESS))
    assert error.value.kind in ("timeout", "memory")
    assert engine.run(sent("select 1")).rows == [(1,)]  # by the next child
    engine.close()


def test_a_cancel_kills_it(engine: DuckDBEngine) -> None:
    assert cancelled(engine, sent(HEAVY)) == ["The warehouse was told to stop. Nothing is wrong with the question."]
    assert engine.run(sent("select 1")).rows == [(1,)]


def test_two_at_once_have_a_process_each(engine: DuckDBEngine) -> None:
    found: list[object] = []
    threads = [threading.Thread(target=lambda n=n: found.append(engine.run(sent(f"select {n}")).rows[0][0])) for n in range(4)]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [0, 1, 2, 3] and engine.apart and len(engine.apart.idle) == 1  # type: ignore[type-var]


def test_memory_that_the_engine_does_not_count_is_bounded_too(engine: DuckDBEngine) -> None:
    with pytest.raises(EngineError) as error:
        engine.run(sent("select list_sum(range(2000000000))"))
    assert error.value.kind == "memory"


def test_a_result_that_nobody_reads_is_refused(file: Path) -> None:
    engine = DuckDBEngine(file, Limits(seconds=20), "UTC")
    with pytest.raises(EngineError, match="larger than 64 MB") as error:
        engine.run(sent("select repeat('x', 100000) from range(5000)"))
    assert error.value.kind == "size"
    engine.close()


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("select nothing from words", "a name, a type or an argument in it does not fit"),
        ("select cast(word as int) from words", "try_cast"),
        ("select 9223372036854775807 + 1::bigint", "a number in it gets too large"),
    ],
)
def test_what_is_wrong_with_the_sql_is_said_without_a_value(engine: DuckDBEngine, sql: str, why: str) -> None:
    with pytest.raises(EngineError, match=why) as error:
        engine.run(sent(sql))
    assert error.value.kind == "query" and "x0" not in str(error.value)


def test_a_project_that_nobody_closed_leaves_no_child_behind(file: Path) -> None:
    engine = DuckDBEngine(file, Limits(seconds=20), "UTC")
    engine.run(sent("select 1"))
    assert engine.apart
    (child,) = engine.apart.idle
    engine.apart = None
    assert child.wait(5) == -9
    engine.close()


def test_a_file_that_is_gone_meanwhile_is_said(engine: DuckDBEngine, file: Path) -> None:
    file.unlink()
    with pytest.raises(EngineError) as error:
        engine.run(sent("select 1"))
    assert error.value.kind == "missing"
