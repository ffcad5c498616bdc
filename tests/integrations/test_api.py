"""The chat API over a real socket: asking, answers again, keys, limits, faults."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from answerable.agent.ask import Project
from served import ANA, FINN, Api, serving

WINDOW = {"start": "2026-02-01", "end": "2026-03-01"}


def alike(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what is of one asking alone."""
    return {k: v for k, v in answer.items() if k not in ("id", "thread", "timings", "certificate")}


QUESTIONS = [
    "revenue by region last month",
    "sales last month",
    "churn last month",
    "what is revenue",
    "hello",
    "orders with an amount over 500",
]


@pytest.mark.parametrize("question", [question.strip() for question in QUESTIONS])
def test_a_question_gets_the_answer_that_python_gets(api: Api, project: Project, question: str) -> None:
    with api.of() as client:
        reply = client.post("/v1/ask", json={"question": question})
    assert reply.status_code == 200
    assert alike(reply.json()) == alike(project.ask(question, user=FINN).model_dump(mode="json"))
    with api.served.worker.live.project() as served:
        record = served.journal.get(reply.json()["id"])
    assert record is not None and (record["surface"], record["principal"]) == ("http", FINN)


def test_plans_and_sql_pass_the_same_gate(api: Api) -> None:
    with api.of(ANA) as ana, api.of() as finn:
        margin = {"plan": {"metrics": ["gross_margin"], "window": WINDOW}}
        assert ana.post("/v1/query", json=margin).json()["status"] == "denied"
        assert finn.post("/v1/query", json=margin).json()["status"] == "answered"
        sql = {"sql": "select count(*) as n from orders"}
        assert finn.post("/v1/sql", json=sql).json()["trust"] == "endorsed_sql"
        assert finn.post("/v1/sql", json={"sql": "drop table orders"}).json()["status"] == "declined"


def test_a_thread_is_one_persons(api: Api) -> None:
    with api.of() as finn, api.of(ANA) as ana:
        thread = finn.post("/v1/threads").json()["thread"]
        finn.post("/v1/ask", json={"question": "revenue last month", "thread": thread})
        kept = finn.post("/v1/ask", json={"question": "by region", "thread": thread}).json()
        assert kept["plan"] == {"metrics": ["revenue"], "by": ["customer.region"], "window": WINDOW}
        other = ana.post("/v1/ask", json={"question": "by region", "thread": thread}).json()
        assert other["status"] == "declined"
        assert [t["questions"] for t in finn.get("/v1/threads").json() if t["thread"] == thread] == [2]
        assert [t["questions"] for t in ana.get("/v1/threads").json() if t["thread"] == thread] == [1]


def test_an_answer_is_there_again_with_its_rows_as_files_and_its_chart(api: Api) -> None:
    import pyarrow as pa

    with api.of() as finn, api.of(ANA) as ana:
        first = finn.post("/v1/ask", json={"question": "revenue by region last month"}).json()
        again = finn.get(f"/v1/answers/{first['id']}").json()
        assert (again["id"], again["rows"], again["question"]) == (first["id"], first["rows"], first["question"])
        assert ana.get(f"/v1/answers/{first['id']}").status_code == 404
        rows = f"/v1/answers/{first['id']}/rows"
        assert finn.get(rows).text.splitlines()[0] == "customer.region,revenue"
        lines = [json.loads(line) for line in finn.get(rows, params={"format": "json"}).text.splitlines()]
        assert [[line["customer.region"], line["revenue"]] for line in lines] == first["rows"]
        arrow = pa.ipc.open_stream(io.BytesIO(finn.get(rows, params={"format": "arrow"}).content)).read_all()
        assert arrow.column("revenue").to_pylist() == [row[1] for row in first["rows"]]
        assert finn.get(f"/v1/answers/{first['id']}/chart.svg").text.startswith("<svg")
        assert finn.get(f"/v1/answers/{first['id']}/chart.png").content.startswith(b"\x89PNG")
        asked = finn.post("/v1/ask", json={"question": "sales last month"}).json()
        assert len(finn.get(f"/v1/answers/{asked['id']}").json()["options"]) == 2
        assert finn.get(f"/v1/answers/{asked['id']}/chart.svg").status_code == 404


def test_feedback_is_kept_of_ones_own_answers(api: Api) -> None:
    with api.of() as finn, api.of(ANA) as ana:
        id = finn.post("/v1/ask", json={"question": "revenue last month"}).json()["id"]
        said = {"answer": id, "verdict": "wrong", "reason": "it should be net"}
        assert finn.post("/v1/feedback", json=said).status_code == 204
        assert ana.post("/v1/feedback", json=said).status_code == 404
        with api.served.worker.live.project() as served:
            assert [(v["verdict"], v["reason"]) for v in served.journal.judged(id)] == [("wrong", "it should be net")]


def test_the_catalogue_is_what_the_asker_sees(api: Api) -> None:
    with api.of() as finn, api.of("noor@alder.example") as noor:
        names = {item["name"] for item in finn.get("/v1/catalog", params={"kind": "metric", "limit": 200}).json()}
        assert "revenue" in names
        assert {item["name"] for item in noor.get("/v1/catalog", params={"kind": "metric", "limit": 200}).json()} < names
        assert finn.get("/v1/catalog", params={"search": "money taken for orders"}).json()[0]["kind"] in ("metric", "model", "dimension")
        page = finn.get("/v1/catalog", params={"limit": 2, "offset": 1}).json()
        assert page == finn.get("/v1/catalog", params={"limit": 3}).json()[1:]


def test_the_steps_of_an_answer_come_as_events(api: Api) -> None:
    with (
        api.of() as client,
        client.stream("POST", "/v1/ask", json={"question": "revenue last month"}, headers={"accept": "text/event-stream"}) as reply,
    ):
        text = reply.read().decode()
    assert text.startswith(": answerable")
    events = [block.split("\n") for block in text.split("\n\n") if block.startswith("event: ")]
    assert [event[0] for event in events] == ["event: step"] * (len(events) - 1) + ["event: answer"]
    assert json.loads(events[-1][1].removeprefix("data: "))["status"] == "answered"


def test_an_operator_sees_counts_and_times_and_no_question(api: Api) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)
    with api.of() as client:
        client.post("/v1/ask", json={"question": "revenue of gold customers last month", "thread": "seen"})
        page = client.get("/metrics").text
    assert 'answerable_answers_total{status="answered",surface="http"' in page
    assert FINN not in page and "gold" not in page
    found = spans.get_finished_spans()
    assert {"invoke_agent answerable", "SELECT"} <= {span.name for span in found}
    said = str([dict(span.attributes or {}) for span in found])
    assert "'gen_ai.conversation.id': 'seen'" in said and "gold" not in said


# -- refusals ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/ask", {"question": ""}, 422), ("/v1/ask", {}, 422), ("/v1/ask", {"question": "x", "canary-key": 1}, 422),
        ("/v1/ask", {"question": {"canary": 1}}, 422), ("/v1/ask", {"question": "x", "thread": "can ary"}, 422),
        ("/v1/ask", {"question": "x" * 30_000}, 422), ("/v1/ask", {"question": "x" * 1_200_000}, 413),
        ("/v1/query", {"plan": "canary"}, 422),
        ("/v1/feedback", {"answer": "a_canary", "verdict": "right"}, 404), ("/v1/nothing", {}, 404),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_a_problem_that_repeats_nothing(api: Api, path: str, body: Any, status: int) -> None:
    with api.of() as client:
        reply = client.post(path, json=body)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["status"] == status
    assert "canary" not in reply.text


def test_without_proof_there_is_no_answer(api: Api) -> None:
    with api.of(None) as nobody:
        for path in ("/v1/catalog", "/v1/threads", "/v1/gaps", "/v1/answers/a_1"):
            reply = nobody.get(path)
            assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
        assert nobody.post("/v1/ask", json={"question": "revenue"}).status_code == 401
        assert nobody.get("/healthz").json() == {"status": "ok"}
        assert nobody.get("/readyz").json()["status"] == "ready"
    with api.of(None, authorization=f"Bearer {api.key('gone@alder.example')}") as gone:
        assert gone.get("/v1/catalog").status_code == 403


def test_a_key_of_idempotency_gives_the_same_reply_once(api: Api) -> None:
    with api.of() as client:
        key = {"idempotency-key": "k1"}
        first = client.post("/v1/ask", json={"question": "revenue last month"}, headers=key)
        second = client.post("/v1/ask", json={"question": "revenue last month"}, headers=key)
        assert (second.text, second.headers["idempotent-replayed"]) == (first.text, "true")
        assert client.post("/v1/ask", json={"question": "orders last month"}, headers=key).status_code == 422
    with api.of(ANA) as other:
        assert other.post("/v1/ask", json={"question": "revenue last month"}, headers=key).json()["id"] != first.json()["id"]


HEAVY = (
    "select count(*) as n from order_items a join order_items b on a.quantity = b.quantity join order_items c on b.quantity = c.quantity"
)


def test_a_client_that_leaves_stops_its_query_and_nobody_elses(api: Api) -> None:
    with api.of() as client:
        try:
            client.post("/v1/sql", json={"sql": HEAVY}, timeout=0.5)
        except Exception as error:
            assert "timed out" in str(error)
        assert client.post("/v1/ask", json={"question": "revenue last month"}).json()["status"] == "answered"
    engine = api.served.worker.live.now.project.engine
    while engine.apart.busy:  # type: ignore[attr-defined]
        threading.Event().wait(0.01)


def test_many_clients_at_once_are_all_served_in_turns(api: Api) -> None:
    found: list[int] = []

    def ask(n: int) -> None:
        with api.of(FINN if n % 2 else ANA) as client:
            found.append(client.post("/v1/ask", json={"question": f"revenue of the last {n + 1} days"}).status_code)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [200] * 40


def test_a_changed_project_is_served_and_one_with_mistakes_is_not(demo: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(demo, tmp_path / "demo")
    with serving(folder, tmp_path / "state") as api, api.of() as client:
        live = api.served.worker.live
        metrics = folder / "metrics" / "new.yml"
        metrics.write_text("metrics:\n  doubled: {type: derived, expr: revenue * 2, description: Twice.}\n")
        live.looked = -10.0
        assert client.post("/v1/query", json={"plan": {"metrics": ["doubled"]}}).json()["status"] == "answered"
        metrics.write_text("metrics:\n  doubled: {type: derived, expr: nothing * 2}\n")
        live.looked = -10.0
        assert client.post("/v1/query", json={"plan": {"metrics": ["doubled"]}}).json()["status"] == "answered"
        assert "mistakes in the project's files" in client.get("/readyz").json()["fault"]


@pytest.mark.outside
@pytest.mark.skipif("ANSWERABLE_OUTSIDE" not in os.environ, reason="runs in make test-all")
def test_what_the_description_says_holds(api: Api) -> None:
    tool = Path(sys.executable).with_name("schemathesis")
    if not tool.is_file():
        pytest.skip("schemathesis is not installed")
    said = ["-H", f"Authorization: Bearer {api.key(FINN)}", "--max-examples", "30", "--suppress-health-check", "all"]
    done = subprocess.run([tool, "run", f"{api.url}/openapi.json", *said], capture_output=True, text=True)
    assert done.returncode == 0, [line[:300] for line in done.stdout.splitlines()]
