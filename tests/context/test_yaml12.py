"""YAML 1.2: its words are words, its numbers numbers, and every key has its line."""

from __future__ import annotations

from typing import Any

import pytest
from answerable.context.yaml12 import read, scalar


@pytest.mark.parametrize(
    "word", ["on", "off", "yes", "no", "y", "n", "On", "NO", "tRUE", "nULL", "2025-01-31", "1:30", "1_000", "0b1", "+", ".", "e3"]
)
def test_what_is_no_number_boolean_or_null_in_yaml_1_2_is_a_word(word: str) -> None:
    assert scalar(word) == word


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("NULL", None), ("true", True), ("True", True), ("false", False), ("FALSE", False),
        ("0", 0), ("-7", -7), ("+7", 7), ("010", 10), ("0o10", 8), ("0x1F", 31), ("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("-2e3", -2000.0),
    ],
)  # fmt: skip
def test_plain_scalars_follow_the_core_schema(text: str, value: Any) -> None:
    assert scalar(text) == value and type(scalar(text)) is type(value)


def test_quoted_scalars_are_texts() -> None:
    document = read("a: 'true'\nb: \"1\"\nc: |\n  null\nd: ''\n", "x.yml")
    assert document.data == {"a": "true", "b": "1", "c": "null\n", "d": ""}


def test_keys_are_texts_whatever_they_look_like() -> None:
    assert read("true: [yes]\n1: a\non: customer_id\n", "x.yml").data == {"true": ["yes"], "1": "a", "on": "customer_id"}


def test_every_key_and_entry_has_its_line() -> None:
    document = read("metrics:\n  revenue:\n    expr: sum(amount)\n    tags:\n      - board\n      - sales\n", "models/orders.yml")
    assert str(document.where(("metrics", "revenue"))) == "models/orders.yml:2"
    assert document.where(("metrics", "revenue", "tags", 1)).line == 6


def test_a_path_without_a_line_is_where_the_nearest_thing_around_it_is() -> None:
    document = read("a:\n  b: {c: 1}\n", "x.yml")
    assert document.where(("a", "b", "nowhere", "deeper")).line == 2
    assert document.where(("nowhere",)).line == 1


def test_an_empty_document_is_nothing_and_no_mistake() -> None:
    document = read("# only a comment\n", "x.yml")
    assert document.data is None and document.complaints == []


def test_a_key_without_a_value_is_remembered_where_a_comma_made_it() -> None:
    document = read("flow: {description: Money, after refunds}\nblock:\n  empty:\n", "x.yml")
    assert document.valueless == {("flow", "after refunds")}


def test_of_a_key_said_twice_the_first_counts_and_the_second_is_told() -> None:
    document = read("a: 1\nb: 2\na: 3\n", "x.yml")
    assert document.data == {"a": 1, "b": 2}
    assert [str(c) for c in document.complaints] == ["x.yml:3: a is said twice. Mend: keep one"]


@pytest.mark.parametrize("text", ["a: [1, 2", "a: 'open", "a: b: c", "\ta: 1", "a: \x01", "a: *nowhere", "- a\nb: 1"])
def test_what_is_no_yaml_is_a_complaint_and_never_raised(text: str) -> None:
    document = read(text, "x.yml")
    assert document.data is None and len(document.complaints) == 1


def test_an_anchor_stands_for_what_it_names() -> None:
    assert read("a: &unit {unit: EUR}\nb: *unit\n", "x.yml").data["b"] == {"unit": "EUR"}


@pytest.mark.parametrize(
    "text",
    ["a: &a [*a, *a]\n", "".join(f"k{n}: &k{n} [{f'*k{n - 1}, *k{n - 1}' if n else 1}]\n" for n in range(40)), "[" * 90 + "]" * 90],
    ids=["itself", "doubling", "deep"],
)
def test_a_document_that_unfolds_without_end_is_a_complaint(text: str) -> None:
    assert [c.what for c in read(text, "f.yml").complaints] == ["it unfolds into more than it could mean"]
