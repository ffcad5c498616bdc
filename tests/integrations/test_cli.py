"""The command line as people and scripts use it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from answerable.agent.journal import JournalError
from answerable.integrations.app import open_project
from answerable.integrations.cli import main
from answerable.integrations.settings import fill
from click.testing import CliRunner, Result

FINN = "finn@alder.example"


@pytest.fixture
def run(demo: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    def made(*words: str, project: Path = demo) -> Result:
        with_state = ["--state", str(tmp_path / "state")] if words[0] in ("ask", "query", "sql", "catalog", "gaps", "verify") else []
        return CliRunner().invoke(main, [*words, *with_state, "--project", str(project)])

    return made


def test_an_answer_reads_in_the_fixed_order(run) -> None:  # type: ignore[no-untyped-def]
    result = run("ask", "revenue by region last month")
    assert result.exit_code == 0
    order = [result.output.index(part) for part in ("━━━", "EU has the highest", "Region   ", "▇", "Governed", "Window:")]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("question", "code"),
    [("revenue last month", 0), ("churn last month", 3), ("gross margin last month", 3), ("sales last month", 4), ("", 3)],
)
def test_the_exit_code_tells_the_outcome(run, question: str, code: int) -> None:  # type: ignore[no-untyped-def]
    assert run("ask", question).exit_code == code


def test_json_is_the_whole_answer_and_nothing_else(run) -> None:  # type: ignore[no-untyped-def]
    data = json.loads(run("ask", "revenue by region last month", "--json").stdout)
    assert data["status"] == "answered" and data["plan"]["by"] == ["customer.region"]
    assert all(isinstance(row[1], float) for row in data["rows"])


def test_rows_go_to_a_csv_file(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "rows.csv"
    run("ask", "revenue by region last month", "--csv", str(file))
    assert file.read_text().splitlines()[0] == "customer.region,revenue"


def test_sql_and_explain_show_the_evidence(run) -> None:  # type: ignore[no-untyped-def]
    output = run("ask", "revenue last month", "--sql", "--explain").output
    assert "shop.order_items" in output and "metric     revenue" in output and '"metrics": ["revenue"]' in output


def test_a_plan_by_options_and_by_file_is_one_plan(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    words = ["--metric", "revenue", "--by", "channel", "--from", "2025-01-01", "--to", "2026-01-01", "--json"]
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"metrics": ["revenue"], "by": ["channel"], "window": {"start": "2025-01-01", "end": "2026-01-01"}}))
    by_options, by_file = (json.loads(run("query", *said).stdout) for said in (words, ["--plan", str(file), "--json"]))
    assert by_options["rows"] == by_file["rows"] and by_options["plan"] == by_file["plan"]


def test_sql_goes_through_the_gate(run) -> None:  # type: ignore[no-untyped-def]
    assert run("sql", "select count(*) as n from orders").exit_code == 0
    refused = run("sql", "select * from read_csv('/etc/passwd')")
    assert refused.exit_code == 3 and "root" not in refused.output


def test_the_catalogue_is_what_this_asker_may_ask(run) -> None:  # type: ignore[no-untyped-def]
    assert "gross_margin" not in run("catalog").output
    assert "gross_margin" in run("catalog", "--as", FINN).output
    assert "sum(amount)" in run("catalog", "revenue").output
    assert "sessions" not in run("catalog", "--as", FINN).output


def test_gaps_lists_the_missing_words_with_an_example(run) -> None:  # type: ignore[no-untyped-def]
    for user in (FINN, "ana@alder.example"):
        run("ask", "churn last month", "--as", user)
    run("ask", "revenue by weather")
    lines = run("gaps").output.splitlines()
    assert "[churn]" in lines[4] and "2" in lines[4] and "churn last month" in lines[4]
    assert "[weather]" in lines[5]


def test_a_certificate_is_verified_by_its_id(run) -> None:  # type: ignore[no-untyped-def]
    id = json.loads(run("ask", "revenue last month", "--json").stdout)["id"]
    assert run("verify", id).output.startswith("same")
    assert run("verify", "a_nothing").exit_code == 3


def test_a_question_can_be_confirmed_and_is_verified_then(demo: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(demo, tmp_path / "copy")
    words = ["verified", "add", "revenue by channel in 2024", "--by", "finance@alder.example", "--project", str(folder)]
    assert CliRunner().invoke(main, words).exit_code == 0
    asked = CliRunner().invoke(main, ["ask", "turnover per sales channel in 2024", "--json", "--project", str(folder)])
    assert json.loads(asked.stdout)["trust"] == "verified"


def test_check_finds_nothing_wrong_with_the_demo(run) -> None:  # type: ignore[no-untyped-def]
    result = run("check")
    assert result.exit_code == 0 and "0 errors, 1 warnings" in result.output


def test_check_finds_columns_that_are_gone(run, demo: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = shutil.copytree(demo, tmp_path / "copy")
    model = folder / "models" / "order_items.yml"
    model.write_text(model.read_text().replace("expr: sum(amount)\n", "expr: sum(amounts)\n", 1))
    result = run("check", project=folder)
    assert result.exit_code == 1
    assert "column amounts, which revenue names, is not in shop.order_items" in result.output and "rename to amount" in result.output


def test_init_starts_a_project_that_loads_and_endorses_nothing(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "w.duckdb")) as warehouse:
        warehouse.execute("create schema shop; create table shop.customers (customer_id int, region text)")
        warehouse.execute("create table shop.orders (order_id int, customer_id int, amount double, ordered_at date)")
    out = tmp_path / "project"
    made = CliRunner().invoke(main, ["init", "--warehouse", f"duckdb:{tmp_path / 'w.duckdb'}", "--out", str(out)])
    assert made.exit_code == 0, made.output
    assert "join" in (out / "models" / "orders.yml").read_text()
    assert CliRunner().invoke(main, ["check", "--project", str(out)]).exit_code == 0
    assert CliRunner().invoke(main, ["ask", "how many orders", "--project", str(out)]).exit_code == 3


BROKEN = {
    "no project": (lambda folder: (folder / "answerable.yml").unlink(), 2, "is not a project"),
    "no warehouse": (lambda folder: (folder / "alder.duckdb").unlink(), 1, "is not there"),
    "no database": (lambda folder: (folder / "alder.duckdb").write_text("nothing"), 1, "can not be read"),
    "tabs": (lambda folder: (folder / "models" / "stores.yml").write_text("model: stores\n\ttable: x\n"), 1, "indent with spaces"),
    "environment": (lambda folder: (folder / "answerable.yml").write_text("name: x\nwarehouse: ${NOT_SET_HERE}\n"), 2, "NOT_SET_HERE"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_a_sentence_with_its_exit_code(demo: Path, tmp_path: Path, case: str) -> None:
    broken, code, sentence = BROKEN[case]
    folder = shutil.copytree(demo, tmp_path / "copy")
    broken(folder)
    result = CliRunner().invoke(main, ["ask", "revenue", "--project", str(folder)])
    assert result.exit_code == code
    assert sentence in result.output and "Traceback" not in result.output


def test_an_unknown_user_is_a_usage_error(run) -> None:  # type: ignore[no-untyped-def]
    assert run("ask", "revenue", "--as", "stranger").exit_code == 2


def test_a_locked_database_is_told(demo: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(demo, tmp_path / "copy")
    hold = f"import duckdb, sys; c = duckdb.connect({str(folder / 'alder.duckdb')!r}); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        result = CliRunner().invoke(main, ["ask", "revenue", "--project", str(folder)])
        holder.communicate()
    assert result.exit_code == 1 and "holds its lock" in result.output


def test_a_question_imports_none_of_the_heavy_ones(demo: Path, tmp_path: Path) -> None:
    script = (
        "import sys; sys.argv = ['answerable', 'ask', 'revenue last month', '--json', '--project', sys.argv[1], '--state', sys.argv[2]]\n"
        "from answerable.integrations.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(' '.join(sorted({m.split('.')[0] for m in sys.modules})), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(demo), str(tmp_path)], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    heavy = {"langchain", "langchain_core", "chromadb", "openai", "fastapi", "slack_bolt", "altair", "mcp", "pyarrow", "pandas", "numpy"}
    assert not loaded & heavy
    assert not loaded & {"simplemma", "rapidfuzz", "rich"}, "only what this question needs"


def test_a_thread_of_the_chat_inherits(demo: Path, tmp_path: Path) -> None:
    words = ["chat", "--project", str(demo), "--state", str(tmp_path)]
    result = CliRunner().invoke(main, words, input="revenue by region last month\njust EU\n\n")
    assert result.exit_code == 0
    assert "Revenue of EU:" in result.output


def test_a_single_cell_of_sql_is_shown(run) -> None:  # type: ignore[no-untyped-def]
    assert "49,780" in run("sql", "select count(*) as n from orders").output


@pytest.mark.parametrize(
    "words",
    [
        ("query", "--metric", "revenue", "--limit", "0"),
        ("query", "--metric", "revenue", "--plan", "plan.json"),
        ("ask", "revenue last month", "--today", "9999-12-31"),
        ("gaps", "--last", "99999999999d"),
        ("sql", "select {user.region} ->"),
    ],
)
def test_odd_input_is_refused_in_a_sentence(run, words: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]
    result = run(*words)
    assert result.exit_code in (2, 3) and isinstance(result.exception, SystemExit)


def test_a_file_that_cannot_be_written_is_told(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    result = run("ask", "revenue last month", "--csv", str(tmp_path / "nowhere" / "x.csv"))
    assert result.exit_code == 1 and "nowhere/x.csv: No such file" in result.output


def test_a_refusal_leaves_a_csv_file_alone(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    kept = tmp_path / "kept.csv"
    kept.write_text("mine")
    run("ask", "churn last month", "--csv", str(kept))
    assert kept.read_text() == "mine"


def test_a_damaged_cache_heals(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    run("ask", "revenue last month")
    kept = [*(tmp_path / "state" / "values").iterdir()]
    for path in kept:
        path.write_text("{")
    assert kept
    assert run("ask", "revenue last month").exit_code == 0


def test_numbers_are_never_cut(run, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("COLUMNS", "30")
    output = run("ask", "revenue and orders and units sold by region last month").output
    assert "186,975" in output and "…" not in output.split("Region  ", 1)[-1].split("Governed")[0]


def test_a_first_project_names_its_warehouse_from_its_own_folder(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(demo / "alder.duckdb", tmp_path)
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(main, ["init", "--warehouse", "duckdb:alder.duckdb", "--out", str(tmp_path / "new")])
    written = (tmp_path / "new" / "answerable.yml").read_text()
    assert "duckdb:../" in written
    assert CliRunner().invoke(main, ["check", "--project", str(tmp_path / "new")]).exit_code == 0


@pytest.mark.parametrize(
    ("fault", "said"), [("ValueError('secret')", "A fault of answerable itself (ValueError)"), ("KeyboardInterrupt", "")]
)
def test_what_nobody_foresaw_is_a_sentence(fault: str, said: str) -> None:
    done = subprocess.run([sys.executable, "-c", f"import answerable.__main__\nraise {fault}"], capture_output=True, text=True)
    assert done.returncode != 0 and done.stderr.startswith(said)
    assert "Traceback" not in done.stderr and "secret" not in done.stderr


def test_a_question_is_confirmed_once_and_by_somebody(demo: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(demo, tmp_path / "copy")

    def add(by: str) -> int:
        return CliRunner().invoke(main, ["verified", "add", "revenue by channel in 2023", "--by", by, "--project", str(folder)]).exit_code

    assert [add(" "), add("finance@alder.example"), add("finance@alder.example")] == [2, 0, 2]


def test_without_its_journal_a_project_gives_no_answer(demo: Path, tmp_path: Path) -> None:
    with open_project(demo, tmp_path / "state") as project:
        project.ask("revenue last month")
        shutil.rmtree(tmp_path / "state")
        with pytest.raises(JournalError):
            project.ask("revenue last month")


def test_a_policy_that_is_put_where_it_is_not_read_is_told_also_when_all_else_was_checked_before(demo: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(demo, tmp_path / "copy")
    for _ in range(2):
        assert CliRunner().invoke(main, ["ask", "revenue", "--project", str(folder)]).exit_code == 0
    (folder / "policy").mkdir()
    (folder / "policy" / "stores.yml").write_text("model: stores\ngroups: {finance: {}}\n")
    asked = CliRunner().invoke(main, ["ask", "revenue", "--project", str(folder)])
    assert asked.exit_code == 1 and "call it policies/" in asked.stderr


def test_a_variable_within_a_comment_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "filled")
    assert fill("# ${NOT_SET}\nkey: ${KEY}  # or ${NOT_SET}\nurl: a#${KEY}\nname: 'a # ${KEY}'") == (
        "# ${NOT_SET}\nkey: filled  # or ${NOT_SET}\nurl: a#filled\nname: 'a # filled'"
    )
