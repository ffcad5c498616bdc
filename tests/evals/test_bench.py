"""What the bench measures is right before it is fast: the shop's eleven questions, at a hundredth of its size."""

from decimal import Decimal
from pathlib import Path

import pytest
from answerable.context.catalog import Catalog
from answerable.context.compiler import compile_query
from answerable.context.errors import Unreachable
from answerable.context.query import SemanticQuery
from answerable.evals.bench.scale import project, wide
from answerable.evals.bench.shop.eleven import built, is_right, loaded, questions, same, warehouse


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    built(folder, 10_000)
    return folder


@pytest.fixture(scope="module")
def catalog(small: Path) -> Catalog:
    return loaded(small)


def test_the_eleven_questions_are_right_beside_sql_by_hand(small: Path, catalog: Catalog) -> None:
    asked = questions(catalog)
    with warehouse(small) as connection:
        assert [q.words for q in asked if not is_right(connection, q, catalog)] == []
    assert len(asked) == 11


def test_there_are_orphans_and_null_keys_of_every_kind(small: Path) -> None:
    with warehouse(small) as connection:
        for key, table in {"order_id": "orders", "product_id": "products", "customer_id": "customers"}.items():
            lost = f"count(*) filter ({key} not in (select {key} from shop.{table}))"
            found = connection.execute(f"select {lost}, count(*) filter ({key} is null) from shop.order_items").fetchall()
            assert all(50 < count < 200 for count in found[0])


def test_a_fee_of_an_order_is_not_split_by_what_its_items_are(catalog: Catalog) -> None:
    with pytest.raises(Unreachable):
        compile_query(SemanticQuery(metrics=("shipping_fees",), by=("products.category",)), catalog)


def test_rows_are_the_same_up_to_the_type_and_the_last_digits_of_numbers() -> None:
    assert same([(None, Decimal("0.3"))], [(None, 0.1 + 0.2)])
    assert not same([("a", 1)], [("a", 1.01)])
    assert not same([("a", None)], [("a", 0)])
    assert not same([("a", 1)], [])


def test_the_generated_projects_are_projects(tmp_path: Path) -> None:
    assert len(loaded(project(30, tmp_path / "thirty")).metrics) == 30
    assert len(loaded(wide(tmp_path / "wide")).metrics) == 210
