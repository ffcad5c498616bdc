"""A limit that cuts between equals says so."""

from answerable.agent.ties import one_more, tied
from answerable.context.query import Column, SemanticQuery, Top

NAME, SIZE, REVENUE = (
    Column("store", "dimension", "stores.name"),
    Column("size", "dimension", "stores.size"),
    Column("revenue", "metric", "revenue"),
)
TOP_2 = SemanticQuery(metrics=("revenue",), by=("store",), order=("-revenue",), limit=2)
ROWS = [("A", 9), ("B", 7), ("C", 7), ("D", 1)]


def test_the_third_of_a_top_two_is_as_good_as_the_second() -> None:
    more = one_more(TOP_2, ROWS[:2])
    assert more is not None and more.limit == 3
    assert tied(TOP_2, [NAME, REVENUE], ROWS[:3])
    assert not tied(TOP_2.model_copy(update={"limit": 3}), [NAME, REVENUE], ROWS)


def test_nothing_was_cut_where_there_are_fewer_rows_or_no_metric_ranks_them() -> None:
    assert one_more(TOP_2, ROWS[:1]) is None
    assert one_more(TOP_2.model_copy(update={"order": ("store",)}), ROWS[:2]) is None
    assert one_more(TOP_2.model_copy(update={"limit": None}), ROWS) is None


def test_within_groups_each_group_has_its_own_last_one() -> None:
    query = SemanticQuery(metrics=("revenue",), by=("size", "store"), order=("-revenue",), limit=Top(n=1, per=("size",)))
    more = one_more(query, [("big", "A", 9), ("small", "D", 1)])
    assert more is not None and more.limit == Top(n=2, per=("size",))
    assert tied(query, [SIZE, NAME, REVENUE], [("big", "A", 9), ("big", "B", 9), ("small", "D", 1)])
    assert not tied(query, [SIZE, NAME, REVENUE], [("big", "A", 9), ("big", "B", 8), ("small", "D", 1)])
