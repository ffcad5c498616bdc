"""An answer is recorded before it is handed out, and a certificate can be run again."""

import json
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import answerable
import duckdb
import pytest
from answerable.agent.ask import Project
from answerable.agent.journal import Journal, JournalError
from answerable.integrations.cli import main
from click.testing import CliRunner
from language_model import project_with
from postgres_server import Server


def test_each_outcome_is_recorded_with_its_provenance(alder: Project) -> None:
    for question in ("revenue last month", "churn last month", "sales last month", "gross margin last month"):
        answer = alder.ask(question, user="ana@alder.example")
        record = alder.journal.get(answer.id)
        assert record is not None
        assert (record["status"], record["principal"], record["catalogue"]) == (answer.status, "ana@alder.example", alder.catalog.version)
        assert record["plan"] == answer.plan and record["sql"] == answer.sql


def test_if_the_journal_can_not_be_written_there_is_no_answer(demo: Path, tmp_path: Path) -> None:
    with answerable.open(demo, state=tmp_path) as project:
        project.journal.engine.dispose()
        (tmp_path / "journal.db").unlink()
        (tmp_path / "journal.db").mkdir()
        with pytest.raises(JournalError, match="no answer"):
            project.ask("revenue last month")


def test_runs_of_suites_are_counted_in_no_gap_report(demo: Path, tmp_path: Path) -> None:
    with answerable.open(demo, state=tmp_path, run="eval") as project:
        project.ask("churn last month")
        assert project.journal.since() == []


def test_privacy_none_keeps_no_sentence(demo: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(demo, tmp_path / "demo")
    settings = folder / "answerable.yml"
    settings.write_text(settings.read_text().replace("privacy: metadata", "privacy: none"))
    with answerable.open(folder) as project:
        record = project.journal.get(project.ask("revenue last month").id)
    assert record and record["text"] is None


ASKER = """
import sys, answerable
with answerable.open(sys.argv[1], state=sys.argv[2]) as project:
    while True:
        print(project.ask("revenue last month").id, flush=True)
"""


def test_a_crash_loses_no_record_of_an_answer_that_was_given(demo: Path, tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ASKER, str(demo), str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    given = [process.stdout.readline().strip() for _ in range(20)]
    process.send_signal(signal.SIGKILL)
    given += process.stdout.read().split()
    process.stdout.close()
    process.wait()
    journal = Journal(tmp_path / "journal.db")
    assert all(journal.get(id) for id in given if len(id) == 12)
    journal.close()


def test_a_certificate_tells_same_data_moved_and_definition_moved_apart(demo: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(demo, tmp_path / "demo")
    with answerable.open(folder) as project:
        id = project.ask("revenue last month").id
        assert project.verify(id).kind == "same"
        assert project.verify(id, user="ana@alder.example").kind == "rights differ"
    with duckdb.connect(str(folder / "alder.duckdb")) as warehouse:
        warehouse.execute("update shop.order_items set amount = amount + 1 where ordered_at >= '2026-02-01' and ordered_at < '2026-03-01'")
    with answerable.open(folder) as project:
        assert project.verify(id).kind == "data moved"
    model = folder / "models" / "order_items.yml"
    model.write_text(model.read_text().replace("expr: sum(amount)\n", "expr: sum(amount) * 1\n", 1))
    with answerable.open(folder) as project:
        assert project.verify(id).kind == "definition moved"
        assert project.verify("a_none").kind == "gone"


def test_a_forged_record_is_found(demo: Path, tmp_path: Path) -> None:
    import sqlalchemy as sa
    from answerable.agent.journal import records

    with answerable.open(demo, state=tmp_path) as project:
        answer = project.ask("revenue last month")
        forged = {**(answer.certificate or {}), "result": "0" * 64}
        with project.journal.engine.begin() as connection:
            connection.execute(sa.update(records).where(records.c.id == answer.id).values(certificate=forged))
        assert project.verify(answer.id).kind == "forged"


def test_certificates_are_chained(demo: Path, tmp_path: Path) -> None:
    with answerable.open(demo, state=tmp_path) as project:
        first, second = (project.ask("revenue last month").certificate for _ in range(2))
    assert first and second
    assert second["chain"]["previous"] == first["chain"]["hash"]
    assert first["result"] == second["result"]


def test_two_processes_keep_one_journal_on_postgres(demo: Path, tmp_path: Path, postgres: Server) -> None:
    postgres.execute("CREATE DATABASE journal")
    with ExitStack() as stack:
        url = postgres.of("journal").replace("'", "''")
        one, other = (stack.enter_context(project_with(demo, tmp_path / name, [f"journal: '{url}'"], None)) for name in "ab")
        first = one.ask("revenue of gold customers last month", thread="t")
        second = other.ask("by region", thread="t")
        assert second.plan == {**(first.plan or {}), "by": ["customer.region"]}
        assert one.journal.get(second.id) is not None
        assert [r["question"] for r in other.journal.thread("t", None)] == ["revenue of gold customers last month", "by region"]
        assert one.journal.spent(one.today()) == (0, 0.0)
    assert not (tmp_path / "a" / "state" / "journal.db").exists()


def test_a_journal_that_is_not_there_is_told_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="Is the server there") as error:
        Journal("postgresql://me:s3cret@127.0.0.1:9/none?connect_timeout=1")
    assert "s3cret" not in str(error.value)


def test_what_one_person_asked_is_exported_and_erased(demo: Path, tmp_path: Path) -> None:
    where = ["--project", str(demo), "--state", str(tmp_path)]
    with answerable.open(demo, state=tmp_path) as project:
        mine = project.ask("revenue of gold customers last month", user="ana@alder.example")
        other = project.ask("orders last month", user="finn@alder.example")
        project.journal.judge(mine.id, "ana@alder.example", "wrong", "it should be net", project.clock())
    run = CliRunner().invoke
    told = json.loads(run(main, ["audit", "--export", "ana@alder.example", *where]).output)
    assert (told["question"], told["verdicts"][0]["reason"]) == ("revenue of gold customers last month", "it should be net")
    assert "1 record of ana@alder.example erased." in run(main, ["audit", "--erase", "ana@alder.example", *where]).output
    with answerable.open(demo, state=tmp_path) as project:
        left = project.journal.get(mine.id)
        assert left is not None and left["certificate"] == {"chain": mine.certificate["chain"]}  # type: ignore[index]
        assert project.verify(mine.id, user="ana@alder.example").kind == "gone"
        assert project.verify(other.id, user="finn@alder.example").kind == "same"
        assert [r["question"] for r in project.journal.since()] == ["orders last month"]


def test_old_records_are_taken_away(demo: Path, tmp_path: Path) -> None:
    import datetime as dt

    with project_with(demo, tmp_path, ["retention: 30"], None) as project:
        id = project.ask("revenue last month").id
        assert project.journal.expire(project.clock() - dt.timedelta(days=30)) == 0
        assert project.journal.expire(project.clock() + dt.timedelta(days=1)) == 1
        assert (project.journal.get(id) or {})["question"] == ""
