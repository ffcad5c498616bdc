"""The DuckDB engine: reads one file and nothing else, ends in time, and says what is wrong in our own words."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from answerable.context.engines.duckdb import DuckDBEngine
from answerable.context.errors import EngineError
from answerable.context.query import GovernedSQL
from answerable.context.settings import Limits
from cancelling import cancelled

HEAVY = "select count(*) from range(1000000) a, range(1000000) b where a.range + b.range = 7"


def opened(file: Path, **limits: object) -> DuckDBEngine:
    return DuckDBEngine(file, Limits.model_validate({"seconds": 20, **limits}), "Europe/Berlin")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table numbers as select range as n, 'x' || range as word from range(10)")
        connection.execute("create schema shop; create table shop.orders (order_id int, amount decimal(10, 2))")
    return path


@pytest.fixture
def engine(file: Path) -> Iterator[DuckDBEngine]:
    engine = opened(file)
    yield engine
    engine.close()


def test_a_result_has_names_types_and_rows(engine: DuckDBEngine) -> None:
    result = engine.run(GovernedSQL("select n, word, 1.5 as half from numbers where n < $most order by n", {"most": 2}))
    assert result.names == ("n", "word", "half") and result.types == ("BIGINT", "VARCHAR", "DECIMAL(2,1)")
    assert [row[:2] for row in result.rows] == [(0, "x0"), (1, "x1")] and not result.truncated


@pytest.mark.parametrize(
    "sql",
    [
        "create table stolen as select 1",
        "insert into numbers values (11, 'x')",
        "drop table numbers",
        "copy numbers to '{folder}/stolen.csv'",
        "export database '{folder}/stolen'",
        "select * from read_csv('{folder}/secret.csv')",
        "select * from read_text('{folder}/secret.csv')",
        "select * from '{folder}/secret.csv'",
        "select * from glob('{folder}/*')",
        "attach '{folder}/other.duckdb'",
        "install httpfs",
        "load '{folder}/x.duckdb_extension'",
        "select * from host_variable",
    ],
)
def test_nothing_is_written_and_no_other_file_is_read(engine: DuckDBEngine, sql: str, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    host_variable = [{"a": 1}]
    with pytest.raises(EngineError) as error:
        engine.run(GovernedSQL(sql.format(folder=tmp_path)))
    assert error.value.kind == "failed" and host_variable
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.duckdb", "secret.csv"]


@pytest.mark.parametrize(
    "setting", ["enable_external_access = true", "memory_limit = '9GB'", "TimeZone = 'UTC'", "lock_configuration = false", "threads = 1"]
)
def test_its_configuration_is_locked(engine: DuckDBEngine, setting: str) -> None:
    with pytest.raises(EngineError):
        engine.run(GovernedSQL(f"set {setting}"))


def test_moments_are_in_the_projects_zone(engine: DuckDBEngine) -> None:
    assert engine.run(GovernedSQL("select current_setting('TimeZone'), hour(timestamptz '2025-07-01 12:00:00+00')")).rows == [
        ("Europe/Berlin", 14)
    ]


def test_a_query_that_takes_too_long_is_cancelled_soon(file: Path) -> None:
    engine = opened(file, seconds=0.2)
    begun = time.monotonic()
    with pytest.raises(EngineError, match=r"did not finish within 0\.2 seconds") as error:
        engine.run(GovernedSQL(HEAVY))
    assert error.value.kind == "timeout" and time.monotonic() - begun < 3
    assert engine.run(GovernedSQL("select 1")).rows == [(1,)]  # and the next one is not
    engine.close()


def test_a_query_can_be_cancelled_from_another_thread(engine: DuckDBEngine) -> None:
    assert cancelled(engine, GovernedSQL(HEAVY)) == ["The warehouse was told to stop. Nothing is wrong with the question."]


def test_a_result_is_cut_at_the_limit_and_says_so(file: Path) -> None:
    engine = opened(file, rows=4)
    cut, whole, fewer = (engine.run(GovernedSQL(f"select n from numbers limit {n}"), most) for n, most in ((5, None), (4, None), (5, 2)))
    assert (len(cut.rows), cut.truncated) == (4, True)
    assert (len(whole.rows), whole.truncated) == (4, False)
    assert (len(fewer.rows), fewer.truncated) == (2, True)
    assert len(engine.run(GovernedSQL("select n from numbers"), 9).rows) == 4  # nobody asks for more than the limit
    engine.close()


def test_a_query_that_needs_too_much_memory_is_refused(file: Path) -> None:
    engine = opened(file, memory="20MB")
    with pytest.raises(EngineError) as error:
        engine.run(GovernedSQL("select count(*) from (select distinct range::varchar || repeat('x', 100) from range(1000000))"))
    assert error.value.kind in ("memory", "failed") and "xxx" not in str(error.value)
    engine.close()


def test_a_missing_file_is_told_with_its_mend(tmp_path: Path) -> None:
    with pytest.raises(
        EngineError, match=r"The warehouse file nowhere.duckdb is not there. Build or copy it, or mend `warehouse`"
    ) as error:
        opened(tmp_path / "nowhere.duckdb")
    assert error.value.kind == "missing" and not (tmp_path / "nowhere.duckdb").exists()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.duckdb").write_text("these are only notes " * 1000)
    with pytest.raises(EngineError, match="can not be read as a DuckDB database") as error:
        opened(tmp_path / "notes.duckdb")
    assert error.value.kind == "unreachable" and "only notes" not in str(error.value)


def test_a_file_that_another_process_writes_is_told(file: Path) -> None:
    writer = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", writer, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"open\n"
        with pytest.raises(EngineError, match="Another process is writing") as error:
            opened(file)
        process.communicate()
    assert error.value.kind == "locked"
    opened(file).close()


def test_an_engine_error_never_quotes_the_data(engine: DuckDBEngine) -> None:
    with pytest.raises(EngineError) as error:
        engine.run(GovernedSQL("select cast(word as int) from numbers"))
    assert str(error.value) == "The warehouse refused the query (ConversionException)." and error.value.__cause__ is None


def test_several_engines_may_read_one_file_and_each_closes_for_itself(file: Path) -> None:
    one, two = opened(file), opened(file)
    one.close()
    assert two.run(GovernedSQL("select count(*) from numbers")).rows == [(10,)]
    two.close()
    duckdb.connect(str(file)).close()  # nobody holds it any more


def test_tables_and_columns_are_told_to_those_who_define(engine: DuckDBEngine) -> None:
    assert engine.tables() == ["main.numbers", "shop.orders"]
    assert engine.columns("shop.orders") == {"order_id": "INTEGER", "amount": "DECIMAL(10,2)"}
    assert engine.columns("numbers") == {"n": "BIGINT", "word": "VARCHAR"} and engine.columns("shop.nowhere") is None


def test_the_stamp_changes_with_the_data(file: Path) -> None:
    engine = opened(file)
    before = engine.stamp()
    assert engine.stamp() == before
    engine.close()
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table more as select range from range(100000)")
    engine = opened(file)
    assert engine.stamp() != before
    engine.close()
