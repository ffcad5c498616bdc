"""The PostgreSQL engine: reads and nothing else, ends in time, keeps questions apart, and says what is wrong in our own words."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from answerable.context.engines.postgres import PostgresEngine
from answerable.context.errors import EngineError
from answerable.context.loader import load
from answerable.context.query import GovernedSQL
from answerable.context.rights import check_rights
from answerable.context.settings import Limits
from cancelling import cancelled
from postgres_server import READER, Server

ENDLESS = "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b where a + b = 7"
ROWS = """
create table numbers as select n, 'x' || n as word from generate_series(0, 9) n;
create table secrets as select 'hush' as word;
create schema shop; create table shop."Orders" ("orderId" int, amount decimal(10, 2), "end" date);
create function public.lower(text) returns text language sql as $$ select 'replaced' $$;
"""


def opened(url: str, **limits: object) -> PostgresEngine:
    return PostgresEngine(url, Limits.model_validate({"seconds": 20, **limits}), "Europe/Berlin")


@pytest.fixture(scope="module")
def url(postgres: Server) -> str:
    return postgres.made("engine", ROWS, 'public.numbers shop."Orders"')


@pytest.fixture
def engine(url: str) -> Iterator[PostgresEngine]:
    engine = opened(url)
    yield engine
    engine.close()


def values(engine: PostgresEngine, sql: str, **params: Any) -> tuple[Any, ...]:
    return engine.run(GovernedSQL(sql, params)).rows[0]


def refused(engine: PostgresEngine, sql: str, **params: Any) -> EngineError:
    with pytest.raises(EngineError) as error:
        engine.run(GovernedSQL(sql, params))
    assert error.value.__suppress_context__ or not isinstance(error.value.__context__, psycopg.Error)  # no traceback shows the server's
    return error.value


def test_a_result_has_names_types_and_rows(engine: PostgresEngine) -> None:
    result = engine.run(GovernedSQL("select n, word, 1.5 as half from public.numbers where n < $1 order by n", {"1": 2}))
    assert result.names == ("n", "word", "half") and result.types == ("INTEGER", "TEXT", "NUMERIC")
    assert result.rows == [(0, "x0", Decimal("1.5")), (1, "x1", Decimal("1.5"))] and not result.truncated
    empty = engine.run(GovernedSQL("select n, word from public.numbers where n = $1", {"1": -1}))
    assert (empty.names, empty.types, empty.rows) == (("n", "word"), ("INTEGER", "TEXT"), [])


def test_values_are_what_python_has_for_them(engine: PostgresEngine) -> None:
    sql = """
        select date '2025-01-31', timestamp '2025-01-31 10:00', timestamptz '2025-07-01 12:00+00', interval '1 day', array['a'], true,
            'infinity'::date
    """
    day, moment, zoned, span, texts, flag, never = values(engine, sql)
    assert (day, moment, span) == (dt.date(2025, 1, 31), dt.datetime(2025, 1, 31, 10), dt.timedelta(days=1))
    assert zoned.isoformat() == "2025-07-01T14:00:00+02:00"  # in the project's zone
    assert (texts, flag, never) == (["a"], True, "infinity")


def test_a_parameter_has_the_type_of_its_place(engine: PostgresEngine) -> None:
    assert values(engine, "select 5 = $1, 'EU'::varchar = $2, true = $3", one="5", two="EU", three=True) == (True, True, True)
    assert values(engine, "select 5 = any($1), 'EU'::text = any($2), 5 = any($3)", a=[4, 5], b=["EU", 'o"dd, {}'], c=[]) == (
        True,
        True,
        False,
    )
    assert values(engine, "select $1 || '%s %% $1'", quoted="o'clock \\ $1") == ("o'clock \\ $1%s %% $1",)


@pytest.mark.parametrize(
    "sql",
    [
        "create table stolen as select 1",
        "insert into public.numbers values (11, 'x')",
        "update public.numbers set n = 0",
        "drop table public.numbers",
        "create temp table mine (n int)",
        "select nextval('public.nowhere')",
        "copy public.numbers to 'stolen.csv'",
        "select pg_read_file('/etc/passwd')",
        "select * from public.secrets",
        "select set_config('transaction_read_only', 'off', true)",
        "set transaction read write",
        "select 1; select 2",
        "rollback; drop table public.numbers",
        "select * from numbers",
    ],
)
def test_nothing_is_written_and_nothing_else_is_read(engine: PostgresEngine, postgres: Server, sql: str) -> None:
    assert refused(engine, sql).kind == "failed"
    assert postgres.execute("select count(*), sum(n) from numbers", "engine") == [(10, 45)]


def test_what_a_read_only_transaction_lets_through_is_undone(engine: PostgresEngine, postgres: Server) -> None:
    with contextlib.suppress(EngineError):  # from version 16 on it's refused
        values(engine, "select lo_create(0)")
    assert postgres.execute("select count(*) from pg_largeobject_metadata", "engine") == [(0,)]


def test_a_superuser_writes_nothing_either(postgres: Server, url: str) -> None:
    engine = opened(postgres.of("engine"))
    for sql in (
        "insert into public.numbers values (11, 'x')",
        "create table public.stolen as select 1",
        "commit; drop table public.numbers",
    ):
        refused(engine, sql)
    assert postgres.execute("select count(*) from numbers", "engine") == [(10,)]
    engine.close()


def test_a_name_without_a_schema_is_the_servers_own(engine: PostgresEngine) -> None:
    assert values(engine, "select lower('ABC')") == ("abc",)


def test_what_a_question_sets_is_gone_with_it(engine: PostgresEngine) -> None:
    held = (
        "select current_setting('search_path'), current_setting('statement_timeout'), current_setting('TimeZone'), current_setting('role')"
    )
    before = values(engine, held)
    assert before == ("pg_catalog, pg_temp", "20s", "Europe/Berlin", "none")
    pid = values(engine, "select pg_backend_pid()")
    for name, value in (("search_path", "public"), ("statement_timeout", "0"), ("timezone", "UTC"), ("my.secret", "x")):
        values(engine, "select set_config($1, $2, false)", name=name, value=value)
    values(engine, "select pg_advisory_lock(7)")
    assert values(engine, "select pg_backend_pid()") == pid  # the same connection, and nothing left of it
    assert values(engine, held) == before and values(engine, "select current_setting('my.secret', true)") in ((None,), ("",))
    assert values(engine, "select count(*) from pg_locks where locktype = 'advisory'") == (0,)


def test_two_at_once_have_a_connection_each(engine: PostgresEngine) -> None:
    """Each asker's parameters and session are its own, however many ask at once."""
    found: dict[int, Any] = {}
    at_once = threading.Barrier(4)

    def ask(n: int) -> None:
        at_once.wait()
        found[n] = [values(engine, "select $1::int, set_config('my.asker', $2, false), pg_backend_pid()", n=n, text=n) for _ in range(20)]

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(row[:2] == (n, str(n)) for n, rows in found.items() for row in rows) and len(found) == 4


def test_a_query_that_takes_too_long_is_cancelled_soon(url: str) -> None:
    engine = opened(url, seconds=0.2)
    begun = time.monotonic()
    error = refused(engine, ENDLESS)
    assert error.kind == "timeout" and "did not finish within 0.2 seconds" in str(error) and time.monotonic() - begun < 3
    assert values(engine, "select 1") == (1,)
    engine.close()


def test_the_deadline_does_not_wait_for_the_server(url: str) -> None:
    """It may be making one long value, and looks at no clock meanwhile."""
    engine = opened(url, seconds=0.2)
    engine._session = engine._session.replace("statement_timeout = 200", "statement_timeout = 0")  # as if it were not heard
    begun = time.monotonic()
    assert refused(engine, ENDLESS).kind == "timeout" and time.monotonic() - begun < 3
    assert values(engine, "select 1") == (1,)
    engine.close()


def test_who_hangs_up_has_the_server_stop(url: str, postgres: Server) -> None:
    engine = opened(url, seconds=0.2)
    engine._session = engine._session.replace("statement_timeout = 200", "statement_timeout = 0")
    refused(engine, "select 'left alone', pg_sleep(60)")
    running = "select count(*) from pg_stat_activity where query like '%left alone%' and pid <> pg_backend_pid() and state = 'active'"
    end = time.monotonic() + 10
    while postgres.execute(running) != [(0,)]:
        assert time.monotonic() < end
    engine.close()


def test_a_query_can_be_cancelled_from_another_thread(engine: PostgresEngine) -> None:
    assert cancelled(engine, GovernedSQL(ENDLESS)) == ["The warehouse was told to stop. Nothing is wrong with the question."]


def test_a_result_is_cut_at_the_limit_and_says_so(url: str) -> None:
    engine = opened(url, rows=4)
    sql = "select n from public.numbers limit $1"
    cut, whole, fewer = (engine.run(GovernedSQL(sql, {"1": n}), most) for n, most in ((5, None), (4, None), (5, 2)))
    assert (len(cut.rows), cut.truncated) == (4, True)
    assert (len(whole.rows), whole.truncated) == (4, False)
    assert (len(fewer.rows), fewer.truncated) == (2, True)
    assert len(engine.run(GovernedSQL("select n from public.numbers"), 9).rows) == 4  # nobody asks for more than the limit
    engine.close()


def test_a_result_that_is_too_large_is_not_read_to_its_end(engine: PostgresEngine) -> None:
    error = refused(engine, "select repeat('x', 1000000) from generate_series(1, 9999)")
    assert error.kind == "size" and "xxx" not in str(error)


def test_an_error_never_quotes_the_data(engine: PostgresEngine) -> None:
    error = refused(engine, "select word::int from public.numbers")
    assert str(error) == "The warehouse refused the query (InvalidTextRepresentation)." and error.kind == "failed"
    with pytest.raises(EngineError, match="a value can not be converted") as sent:
        engine.run(GovernedSQL("select word::int from public.numbers", sent=True))
    assert sent.value.kind == "query" and "x0" not in str(sent.value)
    with pytest.raises(EngineError, match="may not read"):
        engine.run(GovernedSQL("select word from public.secrets"))


@pytest.mark.parametrize(
    ("role", "database", "said"),
    [
        ("nobody_here", "engine", "refuses the login"),
        (READER, "nowhere", "has no database of the name"),
    ],
)
def test_what_keeps_us_out_is_said_without_the_password(role: str, database: str, said: str, postgres: Server, url: str) -> None:
    with pytest.raises(EngineError, match=said) as error:
        opened(postgres.of(database, role, password="opensesame"))
    assert error.value.kind == "unreachable" and "opensesame" not in f"{error.value} {error.value!r}"


@pytest.mark.parametrize("text", ["postgresql://reader:opensesame@127.0.0.1:1/x", "postgresql://reader:opensesame@/x?nope=1"])
def test_a_server_that_is_not_there_is_told(text: str) -> None:
    with pytest.raises(EngineError, match=r"can not be (reached|read)") as error:
        opened(text)
    assert error.value.kind == "unreachable" and "opensesame" not in str(error.value)


def test_no_password_is_in_what_is_shown_of_an_engine(postgres: Server, url: str) -> None:
    engine = opened(postgres.of("engine", READER, password="opensesame"))
    assert "opensesame" not in f"{engine!r} {engine.site} {refused(engine, 'select nowhere')}"
    engine.close()


def test_a_connection_that_broke_while_nobody_asked_is_made_anew(engine: PostgresEngine, postgres: Server) -> None:
    (pid,) = values(engine, "select pg_backend_pid()")
    postgres.execute(f"select pg_terminate_backend({pid}, 5000)")
    assert values(engine, "select 1") == (1,)


def test_tables_and_columns_are_told_to_those_who_define(engine: PostgresEngine) -> None:
    assert engine.tables() == ["public.numbers", 'shop."Orders"']  # what it may read
    assert engine.columns('shop."Orders"') == {"orderId": "integer", "amount": "numeric(10,2)", "end": "date"}
    assert engine.columns("numbers") == {"n": "integer", "word": "text"} and engine.columns("shop.nowhere") is None


def test_the_stamp_changes_with_the_data(engine: PostgresEngine, postgres: Server) -> None:
    before = engine.stamp()
    assert engine.stamp() == before
    postgres.execute("create table shop.late as select 1 as n", "engine")
    assert engine.stamp() == before  # which it does not read
    postgres.execute(f"grant select on shop.late to {READER}", "engine")
    assert engine.stamp() != before


# -- rights ---------------------------------------------------------------------------------------------------------------------

MODEL = "model: numbers\ntable: public.numbers\nendorsed: true\nprimary_key: n\ndimensions: {word: {}}\n"


@pytest.fixture
def catalog(tmp_path: Path) -> Any:
    (tmp_path / "models").mkdir()
    (tmp_path / "answerable.yml").write_text("name: X\nwarehouse: postgresql://x/y\n")
    (tmp_path / "models/numbers.yml").write_text(MODEL)
    return load(tmp_path)


def complaints(url: str, catalog: Any) -> list[str]:
    engine = opened(url)
    try:
        return [f"{complaint.what}. {complaint.mend}" for complaint in check_rights(catalog, engine)]
    finally:
        engine.close()


def test_a_role_that_only_reads_the_models_tables_is_fine(postgres: Server, catalog: Any) -> None:
    assert complaints(postgres.made("rights", ROWS, "public.numbers"), catalog) == []


def test_a_role_that_can_do_more_is_complained_about(postgres: Server, catalog: Any) -> None:
    postgres.made("more", ROWS)
    make = """
    create role writer login; grant usage on schema shop to writer; grant select, insert on numbers to writer;
    grant select on secrets to writer; alter table shop."Orders" owner to writer
    """
    postgres.execute(make, "more")
    reader = "GRANT USAGE ON SCHEMA public TO answerable; GRANT SELECT ON public.numbers TO answerable"
    said = complaints(postgres.of("more", "writer"), catalog)
    assert [text.partition(".")[0] for text in said] == [
        "the role writer owns shop",
        "the role writer may change public",
        "the role writer may read public",
    ]
    assert all(reader in text for text in said) and 'public.secrets, shop."Orders"' in said[2]
    (superuser,) = complaints(postgres.of("more"), catalog)
    assert superuser.startswith("the role postgres is more than a reader: superuser. log in as a role that only reads")


def test_a_table_that_the_role_may_not_read_is_told_with_its_grant(postgres: Server, catalog: Any) -> None:
    (said,) = complaints(postgres.made("less", ROWS), catalog)
    assert said == (
        f"the role {READER} may not read public.numbers, on which numbers stands. "
        f"run GRANT USAGE ON SCHEMA public TO {READER}; GRANT SELECT ON public.numbers TO {READER}"
    )
