"""`answerable index` and `answerable eval retrieval`."""

import json
import shutil
from pathlib import Path

import pytest
from answerable.integrations.app import definitions, open_index
from answerable.integrations.cli import main
from click.testing import CliRunner, Result

RETRIEVAL = Path(__file__).parents[3] / "shared" / "data" / "retrieval"


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_the_index_is_built_once_and_found(demo: Path, tmp_path: Path) -> None:
    first = run("index", "--project", str(demo), "--state", str(tmp_path))
    assert first.exit_code == 0 and "documents, built" in first.output
    again = json.loads(run("index", "--json", "--project", str(demo), "--state", str(tmp_path)).output)
    assert again["built"] is False and again["embedded"] == 0
    catalog = definitions(demo, tmp_path)
    reader = open_index(catalog, demo, tmp_path)
    assert reader and reader.place.name == again["index"]


def test_nothing_is_read_where_nothing_was_built(demo: Path, tmp_path: Path) -> None:
    assert open_index(definitions(demo, tmp_path), demo, tmp_path) is None


def test_values_are_read_ahead_for_those_who_will_ask(demo: Path, tmp_path: Path) -> None:
    words = ["index", "--json", "--project", str(demo), "--state", str(tmp_path)]
    user = next(iter(definitions(demo, tmp_path).users))
    assert json.loads(run(*words, "--as", user).output)["values"] > 0
    assert list((tmp_path / "values").glob("*.json"))
    assert run(*words, "--as", "nobody@nowhere.example").exit_code == 2


def test_an_embedder_that_is_not_there_is_told_in_a_sentence(demo: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(demo, tmp_path / "copy")
    settings = folder / "answerable.yml"
    settings.write_text(settings.read_text() + '\nindex: {embedder: "local:models/none"}\n')
    result = run("index", "--project", str(folder), "--state", str(tmp_path / "state"))
    assert (result.exit_code, result.output.startswith("There is no model models/none")) == (2, True)


def table(source: str, db: str, name: str, **columns: str) -> dict[str, object]:
    told = [{"name": column, "title": column, "type": "text", "desc": said} for column, said in columns.items()]
    return {"id": f"{source}.{name}", "source": source, "db": db, "table": name, "title": name, "columns": told}


def question(id: str, text: str, *columns: str) -> dict[str, object]:
    return {"id": id, "question": text, "gold_tables": [column.partition("::")[0] for column in columns], "gold_columns": columns}


TABLES = [
    table("a", "school", "people", pid="", fname=""),
    table("a", "school", "marks", pid="", exam_dt=""),
    table("b", "sea", "tides", height="how high the water stood"),
]
QUESTIONS = [
    question("q1", "first names of those with an exam in May", "a.people::fname", "a.marks::exam_dt"),
    question("q2", "when did the water stand highest?", "b.tides::height"),
]


@pytest.mark.parametrize("embedder", [(), ("--embedder", "lexical")])
def test_a_folder_of_schemas_and_questions_is_played(tmp_path: Path, embedder: tuple[str, ...]) -> None:
    (tmp_path / "catalogue.jsonl").write_text("\n".join(map(json.dumps, TABLES)))
    (tmp_path / "questions.jsonl").write_text("\n".join(map(json.dumps, QUESTIONS)))
    result = CliRunner().invoke(main, ["eval", "retrieval", str(tmp_path), "--json", *embedder])
    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["id"], set(first["tables"][:2])) == ("q1", {"a.people", "a.marks"})
    assert second == {"id": "q2", "tables": second["tables"], "columns": ["b.tides::height", *second["columns"][1:]]}
    assert "tables   recall@5 100.0" in result.stderr and "columns  recall@10 100.0" in result.stderr


def test_a_folder_without_questions_is_a_usage_error(tmp_path: Path) -> None:
    assert run("eval", "retrieval", str(tmp_path)).exit_code == 2


@pytest.mark.skipif(not RETRIEVAL.is_dir(), reason="../shared/data/retrieval is not there")
def test_the_right_tables_are_among_the_first(tmp_path: Path) -> None:
    from answerable.evals import retrieval

    found = retrieval.means(list(retrieval.play(RETRIEVAL)))
    assert found["tables@5"] >= 94 and found["tables@10"] >= 98 and found["columns@20"] >= 80
