"""A notebook, run headless: the extension, its magics, and answers drawn as cards with every text escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import answerable
import nbclient
import nbformat
import pytest
from answerable.agent.answer import Answer
from answerable.context.errors import UsageError
from answerable.integrations.notebook import bundle

FINN = "finn@alder.example"
CELLS = """
%load_ext answerable
%answerable {folder} --as finn@alder.example
---
%ask revenue by region last month
---
%%ask
sales last month
---
%%answerable_sql
select count(*) as n from orders
---
%ask flurbs last month
---
import answerable
project = answerable.open("{folder}")
answer = project.ask("orders by channel last month", user="finn@alder.example")
answer
---
print(answer.to_arrow().num_rows, answer.plan["metrics"])
---
%answerable nowhere
"""


def run(folder: Path, tmp_path: Path) -> list[Any]:
    """The cells' outputs."""
    cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS.format(folder=folder).split("---")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(
        notebook, timeout=60, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    return [cell.outputs for cell in notebook.cells]


def test_a_notebook_asks_and_draws(demo: Path, tmp_path: Path) -> None:
    _, revenue, sales, sql, flurbs, own, rows, nowhere = run(demo, tmp_path)
    data = revenue[0]["data"]
    assert {"text/plain", "text/html", "text/markdown", "application/vnd.vegalite.v6+json", "image/svg+xml"} <= data.keys()
    assert "border-bottom:3px solid #3f7fdc" in data["text/html"] and "<b>Governed</b>" in data["text/html"]
    assert "<li>" in sales[0]["data"]["text/html"]
    assert "Endorsed SQL" in sql[0]["data"]["text/html"]
    assert "no definition" in flurbs[0]["data"]["text/html"]
    assert "<table" in own[0]["data"]["text/html"]
    assert "['orders']" in rows[0]["text"]
    assert "is not a project" in str(nowhere)
    assert "Traceback" not in str([revenue, sales, sql, flurbs])


EVIL = "<script>alert(1)</script>\x1b[31m"


def test_no_cell_is_markup_or_acts(demo: Path, tmp_path: Path) -> None:
    column = {"name": "x", "type": "text", "unit": None, "dimension": "x", "label": EVIL}
    found = bundle(Answer(status="answered", text=EVIL, question=EVIL, columns=(column,), rows=((EVIL,), (EVIL,)), assumptions=(EVIL,)))
    assert "<script" not in found["text/html"]
    assert "\x1b" not in found["text/plain"] + found["text/html"] + found["text/markdown"]
    assert "<script" not in found["text/markdown"].replace("\\<", "")


def test_rows_are_frames_and_streams(demo: Path, tmp_path: Path) -> None:
    import pyarrow as pa

    with answerable.open(demo, state=tmp_path) as project:
        answer = project.ask("revenue by month in 2025", user=FINN)
    table = pa.table(answer)
    assert (table.num_rows, str(table.schema.field(0).type)) == (12, "date32[day]")
    assert table.column("revenue").to_pylist() == [row[1] for row in answer.rows]
    try:
        assert len(answer.df()) == 12
    except UsageError as error:
        assert "needs pandas or polars" in str(error)


def test_the_text_has_few_rows() -> None:
    columns = ({"name": "n", "type": "number", "unit": None, "row": "n", "label": "n"},)
    found = bundle(Answer(status="answered", text="Many.", columns=columns, rows=tuple((n,) for n in range(100))))
    assert found["text/plain"].count("\n") == 21
    assert "20 of 100 rows shown" in found["text/html"]


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANSWERABLE_PROJECT", raising=False)
