"""What the asker may not see does not change what they get: two databases that differ only in it give equal answers and equal errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from answerable.context.errors import AnswerableError
from hypothesis import given as drawn
from hypothesis import strategies as st
from stars import STARS, Row, Star, World, world

TEXTS = ["c.name", "c.tier", "k.status", "o.status", "cast(c.member as text)", "upper(c.name)"]
NUMERIC = {"x": "3", "O'Neil": "4", "": "5"}
NUMBERS = [
    "c.customer_id",
    "o.order_id",
    "k.minutes",
    "k.call_id",
    "o.amount",
    "length(c.name)",
    "cast(c.name as int)",
    "sqrt(k.minutes)",
    "10 / k.minutes",
    "c.score * 4611686018427387904",
    "cast(c.score as tinyint)",
]


@st.composite
def queries(draw: st.DrawFn) -> str:
    """A small SELECT over orders, customers and calls; its casts would fail on rows that are hidden."""
    number, text = st.sampled_from(NUMBERS), st.sampled_from(TEXTS)
    test = st.one_of(
        st.builds("{} {} {}".format, number, st.sampled_from(["<", ">=", "="]), st.integers(-2, 5)),
        st.builds("{} {} '{}'".format, text, st.sampled_from(["=", "<>", ">"]), st.sampled_from(["gold", "silver", "a", "x***"])),
        st.builds("{} is null".format, st.one_of(number, text)),
        st.builds("{} in (select {} from customers c2)".format, text, st.sampled_from(["c2.name", "c2.tier"])),
        st.just("exists (select 1 from calls k2 where k2.buyer = c.customer_id)"),
        st.just("k.minutes > (select avg(k2.minutes) from calls k2)"),
        st.just("c.score > 3"),
    )
    where = " and ".join(draw(st.lists(test, min_size=1, max_size=2)))
    joins = draw(st.sampled_from(["left join", "join", "full join"])), draw(st.sampled_from(["left join", "join"]))
    source = f"orders o {joins[0]} customers c on o.buyer = c.customer_id {joins[1]} calls k on k.buyer = c.customer_id where {where}"
    shape = draw(st.sampled_from(["rows", "count", "groups", "union", "cte", "window"]))
    column, value = draw(text), draw(number)
    match shape:
        case "rows":
            return f"select {column}, {value}, c.* from {source}"
        case "count":
            return f"select count(*), count(distinct {column}), sum({value}), max({column}) from {source}"
        case "groups":
            return f"select {column} as g, count(*), min({value}) from {source} group by g having count(*) > 1"
        case "union":
            return f"select {column} from {source} union select name from customers except select status from orders"
        case "cte":
            return f"with customers as (select * from customers where tier is not null) select {value} from {source}"
        case _:
            return f"select {column}, rank() over (partition by {draw(text)} order by {value}) from {source}"


def outcome(asked: World, question: Any) -> Any:
    try:
        return list(map(repr, asked.ask(question, "some", tier="gold", least=0)))
    except AnswerableError as error:
        return type(error).__name__, str(error)


# -- policies, and whom and what they hide ------------------------------------------------------------------------------------------

SEEN: dict[str | None, Callable[[Row], bool]] = {
    "tier = 'gold'": lambda row: row["tier"] == "gold",
    "tier = {user.tier}": lambda row: row["tier"] == "gold",
    "score > {user.least} or tier is null": lambda row: row["tier"] is None or (row["score"] is not None and row["score"] > 0),
    "region.size > 2": lambda row: row["size"] is not None and row["size"] > 2,
    None: lambda row: True,
}
"""Rows of customers that a policy leaves, by its condition."""
SEEN_CALLS: dict[str | None, Callable[[Row, Row | None], bool]] = {
    "customer.tier = 'gold'": lambda row, customer: customer is not None and customer["tier"] == "gold",
    "minutes >= 1 and status <> 'b'": lambda row, customer: row["minutes"] is not None and row["minutes"] >= 1 and row["status"] == "a",
    None: lambda row, customer: True,
}


@dataclass(frozen=True)
class Rights:
    """What the group `some` sees, as its policies say it."""

    customers: str | None
    calls: str | None
    masks: tuple[str, ...]
    deny: tuple[str, ...]

    @property
    def policies(self) -> dict[str, Any]:
        masks = {name: "null" if name == "member" else "redact" for name in self.masks if name not in self.deny}
        return {
            "customers": {"some": {**({"rows": self.customers} if self.customers else {}), "mask": masks, "deny": list(self.deny)}},
            "calls": {"some": {"rows": self.calls} if self.calls else {}},
            "orders": {"some": {"mask": {"amount": "null"}}},
        }

    @property
    def hidden(self) -> tuple[str, ...]:
        """Columns of customers of which nothing is seen, and on which no policy depends."""
        read = self.customers or ""
        return tuple(name for name in {*self.masks, *self.deny} if name not in read)


RIGHTS = st.builds(
    Rights,
    customers=st.sampled_from(list(SEEN)),
    calls=st.sampled_from(list(SEEN_CALLS)),
    masks=st.sampled_from([(), ("member",), ("score", "member"), ("name",)]),
    deny=st.sampled_from([(), ("score",), ("member",)]),
)


def split(star: Star, rights: Rights) -> tuple[list[Row], list[Row], list[Row], list[Row]]:
    """The customers and calls that are seen, and those that are hidden."""
    sizes = {row["region_id"]: row["size"] for row in star.regions}
    people = {row["customer_id"]: row for row in star.customers}
    open_ = [row for row in star.customers if SEEN[rights.customers]({**row, "size": sizes.get(row["region"])})]
    calls = [row for row in star.calls if SEEN_CALLS[rights.calls](row, people.get(row["buyer"]))]
    return open_, [r for r in star.customers if r not in open_], calls, [r for r in star.calls if r not in calls]


def numeric(star: Star, rights: Rights) -> Star:
    """The star with a number for the name of each customer who may be seen, so that an error could only come from those who may not."""
    open_ = split(star, rights)[0]
    customers = ({**row, "name": NUMERIC.get(row["name"], row["name"])} if row in open_ else row for row in star.customers)
    return replace(star, customers=tuple(customers))


def other(star: Star, twin: Star, rights: Rights) -> Star:
    """The star with everything that the group may not see taken from its twin, as far as no policy's verdict hangs on it."""
    open_, hidden, calls, hidden_calls = split(star, rights)
    cells = {name: (twin.customers[0][name] if twin.customers else None) for name in rights.hidden}
    seen = [{**row, **cells} for row in open_]
    rest = [{**row, "name": "hidden", "member": None} for row in hidden] if twin.customers else hidden
    kept = [row for row in hidden_calls if row["call_id"] % 2 or not twin.calls]
    order = {row["customer_id"]: n for n, row in enumerate(star.customers)}
    customers = sorted([*seen, *rest], key=lambda row: order[row["customer_id"]])
    order = {row["call_id"]: n for n, row in enumerate(star.calls)}
    return Star(
        star.regions,
        tuple(customers),
        tuple({**row, "amount": 7} for row in star.orders),
        tuple(sorted([*calls, *kept], key=lambda row: order[row["call_id"]])),
    )


PLANS = st.fixed_dictionaries(
    {
        "metrics": st.lists(
            st.sampled_from(["orders", "amount_sum", "gold_orders", "calls", "minutes"]), min_size=1, max_size=2, unique=True
        ),
        "by": st.lists(st.sampled_from(["customer.name", "customer.tier", "customer.region.name"]), max_size=2, unique=True),
        "where": st.lists(
            st.sampled_from(["customer.name > 'w'", "customer.tier <> 'gold'", "cast(customer.name as int) > 0", "customer.score > 1"]),
            max_size=1,
        ),
    }
)


@drawn(STARS, STARS, RIGHTS, st.lists(st.one_of(queries(), PLANS), min_size=3, max_size=8))
def test_two_databases_that_differ_only_in_what_the_asker_may_not_see_give_equal_answers(
    star: Star, twin: Star, rights: Rights, questions: list[Any]
) -> None:
    star = numeric(star, rights)
    with world(star, **rights.policies) as one, world(other(star, twin, rights), **rights.policies) as two:
        for question in questions:
            assert outcome(one, question) == outcome(two, question), (question, rights)
