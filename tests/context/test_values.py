"""The values that an asker may name: found by their words, shared by those who see the same, built once, and kept whole."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from answerable.context import cache, shelf, values
from answerable.context.dictionary import Dictionary, block
from answerable.context.engines.base import Rows
from answerable.context.policy import Principal
from answerable.context.query import GovernedSQL
from answerable.context.values import Values, read
from answerable.context.words import pieces, plurals, singular
from hypothesis import given as drawn
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

Given = Callable[..., Any]
ROWS = "groups: {some: {rows: 'tier = {user.tier}'}, all: {}, masked: {mask: {name: hash}}, denied: {deny: [name]}}"


def asker(group: str, **attributes: str) -> Principal:
    return Principal(f"{group}@shop.example", frozenset({group}), attributes)


class Counting:
    """An engine that counts what it runs, and whose stamp is set."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.site, self.now, self.ran = engine, engine.site, "1", list[str]()

    def run(self, sql: GovernedSQL, rows: int | None = None) -> Rows:
        self.ran.append(sql.text)
        return self.engine.run(sql, rows)  # type: ignore[no-any-return]

    def stamp(self) -> str:
        return self.now


def names(found: Values, dimension: str = "name") -> set[str]:
    return {m.value for m in found.members if (m.model, m.dimension, m.declared) == ("customers", dimension, False)}


def files(state: Path) -> set[str]:
    return {path.name for path in (state / "values").glob("*.texts")}


def words(text: str) -> tuple[str, ...]:
    return tuple(pieces(text))


# -- one block ----------------------------------------------------------------------------------------------------------------------------

TEXTS = st.lists(st.text(alphabet="abcdé 'ß1", max_size=12), unique=True, max_size=40)


@drawn(TEXTS, st.text(alphabet="abcdé 1", max_size=8))
def test_texts_are_found_by_their_words_and_by_no_others(texts: list[str], other: str) -> None:
    made = Dictionary(block(texts, words), words)
    for key in {words(text) for text in (*texts, other)} - {()}:
        assert list(made.find(key)) == [text for text in texts if words(text) == key]
        assert all(made.has(word) == any(word in words(text) for text in texts) for word in key)
    assert list(made) == [text for text in texts if words(text)]
    assert made.longest == max((len(words(text)) for text in texts), default=0)


SLIPS = st.text(alphabet="abcds", min_size=1, max_size=11)


@drawn(st.lists(SLIPS, unique=True, max_size=60), SLIPS.filter(lambda word: len(word) > 3))
def test_every_word_that_a_slip_makes_is_among_the_near_ones(texts: list[str], word: str) -> None:
    most = 1 if len(word) < 8 else 2
    near = set(Dictionary(block(texts, words), words).near(word, most))
    form = singular(word)
    exact = [word] if len(form) < 4 * most else [word, form]  # of a shorter one two slips may leave no three letters
    assert {text for text in texts if text[0] == word[0] and min(OSA.distance(f, text) for f in exact) <= most} <= near <= set(texts)


@pytest.mark.parametrize("damaged", [b"", b"texts 1\n", block(["one"], words)[:-8], bytes(400)])
def test_what_is_no_block_is_told(damaged: bytes) -> None:
    with pytest.raises(ValueError, match="no block"):
        Dictionary(damaged, words)


@pytest.mark.parametrize("word", ["rugs", "boxes", "parties", "people", "bus", "dress", "dogs", "series", "ties"])
def test_plurals_are_those_whose_singular_it_is(word: str) -> None:
    assert word in plurals(singular(word))
    assert {singular(many) for many in plurals(singular(word))} == {singular(word)}


# -- whose they are -----------------------------------------------------------------------------------------------------------------------


def test_a_row_filter_hides_the_values_of_others_though_all_are_kept_in_one_folder(given: Given, tmp_path: Path) -> None:
    shop = given(customers=ROWS)
    seen = {who: read(shop.catalog, asker("some", tier=who), shop.engine, tmp_path) for who in ("gold", "silver", "none")}
    whole = read(shop.catalog, asker("all"), shop.engine, tmp_path)
    assert (names(seen["gold"]), names(seen["silver"]), names(seen["none"])) == ({"Ada", "Cleo"}, {"Ben", "Di"}, set())
    assert names(whole) == {"Ada", "Ben", "Cleo", "Di"}
    assert names(read(shop.catalog, asker("some", tier="gold"), shop.engine, tmp_path)) == {"Ada", "Cleo"}


def test_what_is_masked_or_denied_is_never_indexed(given: Given, tmp_path: Path) -> None:
    shop = given(customers=ROWS)
    for group in ("masked", "denied"):
        assert not names(read(shop.catalog, asker(group), shop.engine, tmp_path))
    assert not [path for path in (tmp_path / "values").iterdir() if b"Cleo" in path.read_bytes()]


def test_those_who_see_a_column_whole_share_its_file_and_its_reading(given: Given, tmp_path: Path) -> None:
    shop = given(orders="groups: {some: {rows: \"status = 'open'\"}, all: {}}")
    engine = Counting(shop.engine)
    read(shop.catalog, asker("all"), engine, tmp_path)
    ran, kept = len(engine.ran), files(tmp_path)
    read(shop.catalog, asker("some"), engine, tmp_path)
    assert engine.ran[ran:] and all("orders" in text for text in engine.ran[ran:])
    assert len(files(tmp_path) - kept) <= len(engine.ran[ran:])


# -- built once, and whole ----------------------------------------------------------------------------------------------------------------


def test_a_second_process_reads_nothing(given: Given, tmp_path: Path) -> None:
    shop = given()
    engine = Counting(shop.engine)
    first = read(shop.catalog, Principal(), engine, tmp_path)
    ran = len(engine.ran)
    again = read(shop.catalog, Principal(), engine, tmp_path)
    assert len(engine.ran) == ran and again.members == first.members and again.unique == first.unique


def test_a_new_column_is_added_and_the_others_are_not_read_again(given: Given, tmp_path: Path) -> None:
    shop = given()
    engine = Counting(shop.engine)
    read(shop.catalog, Principal(), engine, tmp_path)
    ran = len(engine.ran)
    text = (shop.folder / "models/customers.yml").read_text()
    more = shop.changed({"models/customers.yml": text.replace("dimensions:", "dimensions:\n  initial_too: {expr: 'left(name, 1)'}", 1)})
    found = read(more.catalog, Principal(), engine, tmp_path)
    assert names(found, "initial_too") == {"A", "B", "C", "D"} and len(engine.ran) == ran + 1


def test_a_column_of_a_changed_warehouse_that_is_the_same_is_not_built_again(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = given()
    engine = Counting(shop.engine)
    before = read(shop.catalog, Principal(), engine, tmp_path)
    monkeypatch.setattr(shelf, "block", None)
    engine.now, ran = "2", len(engine.ran)
    assert read(shop.catalog, Principal(), engine, tmp_path).members == before.members and len(engine.ran) > ran


def test_an_interrupted_build_leaves_the_old_one(given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = given()
    engine = Counting(shop.engine)
    before = read(shop.catalog, Principal(), engine, tmp_path)
    content = {path.name: path.read_bytes() for path in (tmp_path / "values").iterdir() if path.suffix != ".note"}

    def stopped(kept: Path, made: bytes) -> None:
        kept.with_suffix(".aside").write_bytes(made[:10])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(cache, "keep", stopped)
        engine.now = "2"
        with pytest.raises(KeyboardInterrupt):
            read(shop.catalog, Principal(), engine, tmp_path)
    assert {name: (tmp_path / "values" / name).read_bytes() for name in content} == content
    for engine.now in ("1", "2"):
        assert read(shop.catalog, Principal(), engine, tmp_path).members == before.members


def test_a_damaged_file_is_built_again(given: Given, tmp_path: Path) -> None:
    shop = given()
    before = read(shop.catalog, Principal(), shop.engine, tmp_path).members
    for name in files(tmp_path):
        (tmp_path / "values" / name).write_bytes(b"?")
    assert read(shop.catalog, Principal(), shop.engine, tmp_path).members == before


def test_two_that_build_at_once_both_have_all(given: Given, tmp_path: Path) -> None:
    shop = given(customers=ROWS)
    found: dict[int, Values] = {}
    ready = threading.Barrier(4)

    def build(n: int) -> None:
        ready.wait()
        found[n] = read(shop.catalog, asker("some", tier=("gold", "silver")[n % 2]), shop.engine, tmp_path)

    threads = [threading.Thread(target=build, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [names(found[n]) for n in range(4)] == [{"Ada", "Cleo"}, {"Ben", "Di"}] * 2
    assert not [path for path in (tmp_path / "values").iterdir() if path.suffix not in (".texts", ".note", ".json")]


def test_what_nobody_names_any_more_is_taken_away_after_an_hour(given: Given, tmp_path: Path) -> None:
    shop = given()
    engine = Counting(shop.engine)
    read(shop.catalog, Principal(), engine, tmp_path)
    for name in ("lost.texts", "lost.0a1b2c3d"):
        (tmp_path / "values" / name).write_bytes(b"?")
    for path in (tmp_path / "values").iterdir():
        os.utime(path, (1, 1))
    kept = files(tmp_path) - {"lost.texts"}
    engine.now = "2"
    again = read(shop.catalog, Principal(), engine, tmp_path)
    assert files(tmp_path) == kept and not list((tmp_path / "values").glob("lost*"))
    assert read(shop.catalog, Principal(), engine, tmp_path).members == again.members


def test_a_folder_that_can_not_be_written_is_no_fault(given: Given, tmp_path: Path) -> None:
    (tmp_path / "values").write_text("a file")
    shop = given()
    assert names(read(shop.catalog, Principal(), shop.engine, tmp_path)) == {"Ada", "Ben", "Cleo", "Di"}


# -- many ---------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [2, 3, 4, 5])
def test_values_come_in_pages_and_none_is_lost(given: Given, page: int) -> None:
    shop = given()
    whole = read(shop.catalog, Principal(), shop.engine)
    text = (shop.folder / "answerable.yml").read_text()
    shop = shop.changed({"answerable.yml": text.replace("rows: 1000", f"rows: {page}")})
    found = read(shop.catalog, Principal(), shop.engine)
    assert sorted(map(repr, found.members)) == sorted(map(repr, whole.members))


def test_a_column_beyond_the_limit_is_no_word_and_takes_no_other_with_it(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = given()
    every = read(shop.catalog, Principal(), shop.engine)
    counts = sorted(len(column.values) for column in every.columns)
    monkeypatch.setattr(values, "MOST", sum(counts[:-1]))
    for state in (None, tmp_path, tmp_path):
        found = read(shop.catalog, Principal(), shop.engine, state)
        assert sum(len(column.values) for column in found.columns) <= values.MOST
        assert len(found.beyond) == 1 and not [c for c in found.columns if (c.model, c.dimension) in found.beyond]
    monkeypatch.setattr(values, "MOST", 3)
    assert ("customers", "name") in read(shop.catalog, Principal(), shop.engine).beyond
