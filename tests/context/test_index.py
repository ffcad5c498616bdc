"""The vectors of a catalogue: built aside, reused, and left out when they are broken; in memory, in Chroma, and on its server."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from answerable.context.documents import Document
from answerable.context.embedders import LexicalEmbedder, Matrix
from answerable.context.errors import IndexFault
from answerable.context.settings import IndexSettings
from answerable.context.vectors import Reader, Store
from chroma_server import running

EXACT, CHROMA = IndexSettings(), IndexSettings(exact_up_to=0)
MANY = 1_500
WORDS = "revenue orders customers churn stock returns visits signups tickets invoices".split()


def documents(count: int = 40, said: str = "Money of") -> list[Document]:
    said_of = [(n, WORDS[n % len(WORDS)]) for n in range(count)]
    return [Document(f"metric:m{n:05}", "metric", f"m{n}", {"name": f"{word}_{n}", "description": f"{said} {word}"}) for n, word in said_of]


def among(told: Sequence[Document]) -> dict[str, str]:
    return {d.id: d.hash for d in told}


def store(folder: Path, said: IndexSettings = EXACT, embedder: Any = None) -> Store:
    return Store(folder, embedder or LexicalEmbedder(), said, "Shop")


def opened(folder: Path, said: IndexSettings = EXACT, version: str = "one") -> Reader:
    reader = store(folder, said).open(version)
    assert reader
    return reader


class Counting(LexicalEmbedder):
    """Notes what it is asked for."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> Matrix:
        self.texts += texts
        return super().embed(texts)


@pytest.mark.parametrize("said", [EXACT, CHROMA], ids=["in memory", "in Chroma"])
def test_the_nearest_documents_are_found(tmp_path: Path, said: IndexSettings) -> None:
    told = documents()
    made = store(tmp_path, said).build(told, "one")
    assert (made.documents, made.embedded, made.fresh) == (40, 40, True)
    reader = opened(tmp_path, said)
    found = reader.near("churn 13", 3, among(told))
    assert next(iter(found)) == "metric:m00013"
    assert reader.exact == (said is EXACT)
    reader.close()


def test_chroma_and_memory_agree(tmp_path: Path) -> None:
    told = documents(300)
    store(tmp_path, CHROMA).build(told, "one")
    through, exact = opened(tmp_path, CHROMA), opened(tmp_path, CHROMA)
    exact.exact = True
    for text in ("returns", "signups 27", "invoices of customers"):
        one, other = through.near(text, 10, among(told)), exact.near(text, 10, among(told))
        assert list(one.values()) == pytest.approx(list(other.values()), abs=1e-4)
    assert not through.exact
    through.close()


@pytest.mark.parametrize("said", [EXACT, CHROMA], ids=["in memory", "in Chroma"])
def test_only_what_the_asker_sees_comes_back_however_much_else_is_nearer(tmp_path: Path, said: IndexSettings) -> None:
    told = documents(200)
    store(tmp_path, said).build(told, "one")
    few = {d.id: d.hash for d in told if d.fields["name"].startswith("tickets")} | {"metric:m00001": "another text"}
    reader = opened(tmp_path, said)
    assert set(reader.near("orders", 50, few)) == set(few) - {"metric:m00001"}
    reader.close()


def test_what_nobody_endorsed_is_not_embedded(tmp_path: Path) -> None:
    counting = Counting()
    draft = Document("metric:draft", "metric", "draft", {"name": "secret plan"}, endorsed=False)
    store(tmp_path, embedder=counting).build([*documents(3), draft], "one")
    assert len(counting.texts) == 3


def test_unchanged_documents_keep_their_vectors_and_two_versions_stay(tmp_path: Path) -> None:
    counting = Counting()
    told = documents()
    store(tmp_path, embedder=counting).build(told, "one")
    assert store(tmp_path, embedder=counting).build(told, "one").fresh is False
    changed = [*told[:-1], *documents(41, "Count of")[39:]]
    made = store(tmp_path, embedder=counting).build(changed, "two")
    assert (made.documents, made.embedded) == (41, 2)
    assert len(counting.texts) == 42
    store(tmp_path, embedder=counting).build(told, "three")
    assert sorted(p.name.split("-")[0] for p in tmp_path.iterdir() if p.is_dir()) == ["three", "two"]


def test_an_older_version_serves_until_the_new_one_is_there(tmp_path: Path) -> None:
    told = documents()
    store(tmp_path).build(told, "one")
    assert opened(tmp_path, version="two").near("churn", 1, among(told))
    assert store(tmp_path / "nothing").open("one") is None


@pytest.mark.parametrize("name", ["documents.json", "vectors.npy"])
def test_rows_that_can_not_be_read_are_left_out_and_built_again(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    told = documents()
    place = store(tmp_path).build(told, "one").folder
    (place / name).write_bytes(b"\x00 no such thing")
    assert store(tmp_path).open("one") is None
    assert "can't be read" in caplog.text
    assert store(tmp_path).build(told, "one").fresh is True
    assert opened(tmp_path).near("churn", 1, among(told))


def test_a_broken_chroma_is_told_and_memory_answers_until_it_is_built_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = documents()
    place = store(tmp_path, CHROMA).build(told, "one").folder
    for file in (p for p in (place / "chroma").rglob("*") if p.is_file()):
        file.write_bytes(b"torn" * 64)
    reader = opened(tmp_path, CHROMA)
    with caplog.at_level(logging.WARNING):
        assert next(iter(reader.near("churn 13", 3, among(told)))) == "metric:m00013"
    assert "answers from memory" in caplog.text
    counting = Counting()
    made = store(tmp_path, CHROMA, counting).build(told, "one")
    assert (made.fresh, made.embedded) == (True, 0)
    assert opened(tmp_path, CHROMA).near("churn", 1, among(told))


def test_an_embedder_that_fails_leaves_the_old_index_and_the_words(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(LexicalEmbedder):
        def embed(self, texts: Sequence[str]) -> Matrix:
            raise IndexFault("The embedder did not answer.")

    told = documents()
    store(tmp_path).build(told, "one")
    with pytest.raises(IndexFault):
        store(tmp_path, embedder=Broken()).build(documents(41), "two")
    reader = store(tmp_path, embedder=Broken()).open("two")
    assert reader and reader.place.name.startswith("one-")
    assert reader.near("churn", 3, among(told)) == {}
    assert "Words alone" in caplog.text


def test_a_folder_that_can_not_be_written_is_a_fault_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexFault, match="can't be built"):
        store(tmp_path / "file").build(documents(), "one")


BUILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_index import CHROMA, MANY, documents, store
print("begins", flush=True)
store(Path(sys.argv[2]), CHROMA).build(documents(MANY, sys.argv[3]), sys.argv[3])
print("built", flush=True)
"""


def killed(folder: Path, version: str, after: float) -> bool:
    """Build a version in a process that is killed after some seconds; whether it was before its end."""
    command = [sys.executable, "-c", BUILD, str(Path(__file__).parent), str(folder), version]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as builder:
        assert builder.stdout and builder.stdout.readline() == "begins\n"
        time.sleep(after)
        builder.send_signal(signal.SIGKILL)
        return builder.stdout.read() == ""


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_a_build_that_is_killed_leaves_what_was_there_serving(tmp_path: Path) -> None:
    kills = 50 if "ANSWERABLE_OUTSIDE" in os.environ else 3
    told = documents(MANY, "first")
    started = time.perf_counter()
    store(tmp_path, CHROMA).build(told, "first")
    took = time.perf_counter() - started
    cut = [killed(tmp_path, f"killed{n}", 1.2 * took * n / kills) for n in range(kills)]
    assert any(cut)
    places = [place for place in tmp_path.glob("*-*") if place.is_dir()]
    assert places
    for place in places:
        reader = opened(tmp_path, CHROMA, place.name.split("-")[0])
        known = dict(zip(reader.rows.ids, reader.rows.hashes, strict=True))
        assert len(known) == MANY and len(reader.near("churn 13", 5, known)) == 5 and not reader.exact
        reader.close()
    assert store(tmp_path, CHROMA).build(told, "last").documents == MANY
    assert not (tmp_path / "building").exists()


def test_a_server_holds_a_collection_for_each_version_and_keeps_two(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = documents()
    with running(tmp_path) as url:
        said = IndexSettings(server=url)
        for version in ("one", "two", "three"):
            assert store(tmp_path / "state", said).build(told, version).fresh
        assert store(tmp_path / "state", said).build(told, "three").fresh is False
        reader = opened(tmp_path / "state", said, "three")
        assert next(iter(reader.near("churn 13", 3, among(told)))) == "metric:m00013"
        assert not reader.exact
        assert collections(url) == [f"answerable-shop-{version}-{reader.store.mark}" for version in ("three", "two")]
    with caplog.at_level(logging.WARNING):
        assert next(iter(reader.near("churn 23", 3, among(told)))) == "metric:m00023"
    assert "answers from memory" in caplog.text


def collections(url: str) -> list[str]:
    from answerable.context.index import client

    with client(url) as chroma:
        return sorted(each.name for each in chroma.list_collections())


def test_a_server_that_does_not_answer_costs_no_more_than_its_deadline(tmp_path: Path) -> None:
    from answerable.context.index import within

    started = time.perf_counter()
    with pytest.raises(IndexFault, match=r"within 0\.05 s"):
        within(0.05, lambda: time.sleep(1))
    assert time.perf_counter() - started < 0.9


def test_rows_say_what_they_are(tmp_path: Path) -> None:
    place = store(tmp_path).build(documents(), "one").folder
    assert set(json.loads((place / "documents.json").read_text())) == {"ids", "hashes"}
    assert np.load(place / "vectors.npy").shape == (40, LexicalEmbedder.SIZE)
