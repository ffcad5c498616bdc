"""Builds alder.duckdb, the warehouse of a made-up retailer: `python demo/generate.py [--out FILE] [--scale N]`.

Three years of orders up to 31 March 2026, about 50,000 of them at scale 1. There is no clock and no random state: each value is drawn by
integer arithmetic from the row's number, so that every machine builds the same rows. What is untidy is planted: customers without a
region, orders of nobody or of a customer who is gone, test orders, tills and a whole day that load late, a snapshot that was never taken.
"""

import argparse
import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import duckdb

SEEDS = Path(__file__).with_name("seeds")

START = dt.date(2023, 4, 1)
END = dt.date(2026, 3, 31)
LOADED_UNTIL = "timestamp '2026-03-31 15:00:00'"
LATE_DAY = "date '2025-11-30'"
LOST_SNAPSHOT = "date '2025-08-17'"
BLACK_FRIDAYS = ("2023-11-24", "2024-11-29", "2025-11-28")  # each with the three days after it

ORDERS, CUSTOMERS, TICKETS, SESSIONS = 50_000, 12_000, 6_000, 20_000  # at scale 1

MONTHS = [80, 78, 90, 95, 104, 100, 92, 90, 98, 106, 130, 150]  # January to December, how busy
WEEKDAYS = [95, 92, 94, 98, 110, 125, 86]  # Monday to Sunday
REGIONS = {"EU": 11, "UK": 4, "North America": 3, "Asia Pacific": 2}
PLANS = {"Solo": 499, "Duo": 999, "Family": 1499}  # monthly fee in cents
HOURS = {7: 1, 8: 2, 9: 3, 10: 4, 11: 5, 12: 5, 13: 4, 14: 4, 15: 4, 16: 5, 17: 6, 18: 6, 19: 6, 20: 6, 21: 5, 22: 3, 23: 1}
MARKETING = {"search": 30_000, "social": 22_000, "email": 4_000, "affiliates": 12_000, "print": 9_000}  # cents a day

FIRST_NAMES = "Ada Ben Carla Dimitri Elif Farid Greta Hugo Ines Jonas Kaya Liam Mira Noah Olga Paul Rosa Sami Tara Uwe Vera Will Yara Zoe"
LAST_NAMES = "Adler Bauer Costa Dubois Evans Fischer Garcia Hansen Ito Jensen Klein Lopez Meyer Novak Okafor Petit Rossi Smith Tran Weber"
ONLINE = 13
FLAGSHIPS = {"EU": 1, "UK": 9, "North America": 11}  # where people go until the store near them has opened
STORE_SHARES = {"EU": {1: 6, 2: 4, 3: 5, 4: 2, 5: 2, 6: 3, 7: 4, 8: 2}, "UK": {9: 5, 10: 3}, "North America": {11: 4, 12: 2}}


def text(value: object) -> str:
    """A value as an SQL literal."""
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def pick(what: str, row: str, weights: Mapping[str, int] | Mapping[int, int]) -> str:
    """An SQL expression that draws one of the keys, each as often as its weight says."""
    choices = [text(key) for key, weight in weights.items() for _ in range(weight)]
    return f"([{', '.join(choices)}])[1 + draw('{what}', {row}, {len(choices)})]"


def macros(con: duckdb.DuckDBPyConnection, scale: int) -> None:
    """`draw` gives a number in [0, n) that depends on nothing but what is drawn and for which row; `money` makes cents an amount."""
    con.execute("create temp macro mixed(x) as xor(x, x >> 16) * 73244475 % 4294967296")
    con.execute("create temp macro salt(what) as (md5_number_lower(what) % 4294967296)::bigint")
    con.execute("create temp macro draw(what, id, n) as mixed(mixed((id * 2654435761 + salt(what)) % 4294967296)) // 8 % n")
    con.execute("create temp macro money(cents) as (cents / 100)::decimal(12, 2)")
    con.execute(f"create temp macro home(customer) as {pick('home', 'customer', REGIONS)}")
    con.execute("create temp macro portion(n, part, whole) as (n * part // whole)::bigint")


def calendar(con: duckdb.DuckDBPyConnection, scale: int) -> None:
    """The days, how many orders, tickets and sign-ups came before each and on it, and how many customers there are by its evening."""
    fridays = " or ".join(f"day between date '{day}' and date '{day}' + 3" for day in BLACK_FRIDAYS)
    early, later = CUSTOMERS * scale // 4, CUSTOMERS * scale * 3 // 4
    con.execute(f"""
        create temp table calendar as
        with days as (
            select no, date '{START}' + no::integer as day from range({(END - START).days + 1}) r(no)
        ), marked as (
            select *, day = date '{END}' as running, {fridays} as black_friday from days
        ), weighed as (
            select *, {MONTHS}[month(day)] * {WEEKDAYS}[isodow(day)] * (1000 + no) * (90 + draw('busy', no, 21))
                    * if(black_friday, 5, 2) // if(running, 3, 1) as weight,
                (700 + no) * (80 + draw('signups', no, 41)) as pull
            from marked
        ), summed as (
            select *, sum(weight) over upto as past, sum(weight) over () as total, sum(pull) over upto as pulled, sum(pull) over () as pulls
            from weighed window upto as (order by no)
        )
        select no, day, running, black_friday, weight // 1000000 as busy,
            portion({ORDERS * scale}, past - weight, total) as orders_before, portion({ORDERS * scale}, past, total) as orders_upto,
            portion({TICKETS * scale}, past - weight, total) as tickets_before, portion({TICKETS * scale}, past, total) as tickets_upto,
            {early} + portion({later}, pulled - pull, pulls) as customers_before, {early} + portion({later}, pulled, pulls) as customers
        from summed order by no
    """)


def customers(con: duckdb.DuckDBPyConnection, scale: int) -> None:
    """A quarter signed up in the two years before, the others later, and faster with time. One in 25 has no region."""
    early = CUSTOMERS * scale // 4
    con.execute(f"""
        create table shop.customers as
        with signed_up as (
            select i + 1 as customer_id, date '{START}' - 730 + (i * 730 // {early})::integer as signed_up_on from range({early}) r(i)
            union all
            select unnest(range(customers_before + 1, customers + 1)), day from calendar
        ), named as (
            select *, {pick("first name", "customer_id", dict.fromkeys(FIRST_NAMES.split(), 1))} as first_name,
                {pick("last name", "customer_id", dict.fromkeys(LAST_NAMES.split(), 1))} as last_name
            from signed_up
        )
        select customer_id, first_name || ' ' || last_name as name,
            lower(first_name || '.' || last_name) || customer_id || '@mail.example' as email,
            '+49 30 23125 ' || lpad(draw('phone', customer_id, 1000)::varchar, 3, '0') as phone,
            if(draw('no region', customer_id, 25) = 0, null, home(customer_id)) as region,
            {pick("tier", "customer_id", {"bronze": 13, "silver": 5, "gold": 2})} as tier,
            {pick("source", "customer_id", {"search": 7, "social": 5, "email": 2, "affiliates": 3, "friends": 3})} as source,
            draw('newsletter', customer_id, 100) < 43 as newsletter, signed_up_on
        from named order by customer_id
    """)


def addresses(con: duckdb.DuckDBPyConnection, scale: int) -> None:
    """Two for each customer: the home, and another one in the same region."""
    con.execute(f"""
        create table shop.addresses as
        with places as (
            from read_csv({text(SEEDS / "places.csv")})
        ), numbered as (
            select customer_id, unnest([customer_id * 2 - 1, customer_id * 2]) as address_id, home(customer_id) as region
            from shop.customers
        )
        select address_id, customer_id, 'Alder Road ' || (1 + draw('house', address_id, 180)) as street,
            lpad(draw('postcode', address_id, 100000)::varchar, 5, '0') as postcode, city, country
        from numbered join places using (region)
        where place = draw('place', address_id, (select count(*) from places others where others.region = numbered.region))
        order by address_id
    """)


def stores(con: duckdb.DuckDBPyConnection, scale: int) -> None:
    """Twelve shops, of which two opened within the three years, and the online one."""
    con.execute(f"create table shop.stores as from read_csv({text(SEEDS / 'stores.csv')})")


def products(con: duckdb.DuckDBPyConnection, scale: int) -> None:
    """Thirty products of six categories, the best sellers first."""
    types = "{'list_price': 'decimal(12, 2)', 'unit_cost': 'decimal(12, 2)'}"
    con.execute(f"create table shop.products as from read_csv({text(SEEDS / 'products.csv')}, types = {types})")


def placed(con: duckdb.DuckDBPyConnection, scale: int) -> None:
    """Who ordered when and through which channel. Three in ten orders come from people who signed up lately."""
    con.execute(f"""
        create temp table placed as
        with numbered as (
            select unnest(range(orders_before + 1, orders_upto + 1)) as order_id, no, day, running, black_friday, customers as known
            from calendar
        ), drawn as (
            select *, if(running, 7 + draw('hour', order_id, 7), {pick("hour", "order_id", HOURS)}) as hour,
                draw('regular', order_id, 1000000) * draw('which regular', order_id, 1000000) // 1000000 as loyalty,
                case when draw('nobody', order_id, 70) = 0 then null
                    when draw('gone', order_id, 300) = 0 then 9000000 + order_id
                    when draw('newcomer', order_id, 100) < 30 then known - draw('which newcomer', order_id, greatest(known // 40, 1))
                    else 1 + loyalty * known // 1000000 end as customer_id,
                home(coalesce(customer_id, order_id)) as home, draw('channel', order_id, 100) as lot
            from numbered
        )
        select *, day + to_seconds(hour * 3600 + draw('second', order_id, 3600)) as ordered_at,
            case when lot < 34 - no // 110 and home <> 'Asia Pacific' then 'retail' when lot >= 88 - no // 60 then 'app'
                else 'web' end as channel
        from drawn
    """)


def shipped(con: duckdb.DuckDBPyConnection, scale: int) -> None:
    """Where, when and how each order ended. What would be loaded after the last load is not there yet."""
    nearest = " ".join(f"when '{region}' then {pick('store', 'order_id', shares)}" for region, shares in STORE_SHARES.items())
    flagship = " ".join(f"when '{region}' then {store}" for region, store in FLAGSHIPS.items())
    con.execute(f"""
        create temp table shipped as
        with sent as (
            select *, if(channel = 'retail', case home {nearest} end, {ONLINE}) as chosen,
                if(home in ('North America', 'Asia Pacific'), 3, 0) as far,
                if(customer_id < 9000000, customer_id * 2 - 1, null) as home_address,
                day + 3 + draw('return', order_id, 25)::integer as return_on, draw('fate', order_id, 1000) as fate
            from placed
        ), dated as (
            select sent.*, if(opened_on <= day, chosen, case home {flagship} end) as store_id,
                day + if(channel = 'retail', 0, far + {pick("days", "order_id", {1: 2, 2: 5, 3: 4, 4: 2, 5: 1, 6: 1, 8: 1})}) as arrives_on
            from sent join shop.stores on store_id = chosen
        ), decided as (
            select *, case when fate < 4 then 'test' when fate < 44 then 'cancelled' when arrives_on > date '{END}' then 'pending'
                    when fate < if(channel = 'retail', 70, 110) and return_on <= date '{END}' then 'refunded'
                    else 'completed' end as status,
                ordered_at + to_minutes(20 + draw('load', order_id, 60)) + to_days(case
                    when day = {LATE_DAY} or day >= date '{END}' - 1 and store_id % 3 = 0 then 2
                    when draw('late', order_id, 50) = 0 then 1 else 0 end) as loaded_at
            from dated
        )
        select *, status = 'completed' and fate >= 965 and return_on <= date '{END}' as partly_refunded
        from decided where loaded_at <= {LOADED_UNTIL}
    """)


def order_items(con: duckdb.DuckDBPyConnection, scale: int) -> None:
    """One to five lines an order, with what the order itself says. Prices rise three percent a year; Black Friday takes a fifth off."""
    con.execute(f"""
        create table shop.order_items as
        with numbered as (
            select *, unnest(range(1, 1 + {pick("lines", "order_id", {1: 3, 2: 3, 3: 2, 4: 1, 5: 1})})) as line,
                order_id * 10 + line as item_id
            from shipped
        ), chosen as (
            select *, draw('product', item_id, 1000) * (400 + draw('which product', item_id, 601)) // 1000 as liking,
                1 + liking * (select count(*) from shop.products) // 1000 as product_id,
                {pick("quantity", "item_id", {1: 15, 2: 4, 3: 1})} as quantity,
                case when black_friday then 20 when draw('discount', item_id, 100) < 14 then 10 else 0 end as percent
            from numbered
        ), priced as (
            select *, (list_price * 100)::bigint * (100 + 3 * (no // 365)) // 100 as price, quantity * price * percent // 100 as reduction
            from chosen join shop.products using (product_id)
        )
        select item_id, order_id, product_id, customer_id, store_id, home_address as billing_address_id,
            case when channel <> 'retail' then home_address + if(draw('gift', order_id, 4) = 0, 1, 0) end as shipping_address_id,
            ordered_at, status, channel, quantity::integer as quantity, money(price) as unit_price, money(reduction) as discount,
            money(quantity * price - reduction) as amount,
            if(status = 'refunded' or partly_refunded and line = 1, money(quantity * price - reduction), money(0)) as refunded_amount,
            unit_cost, loaded_at
        from priced order by item_id
    """)


def orders(con: duckdb.DuckDBPyConnection, scale: int) -> None:
    """One row an order: the sums of its lines, and what happened to it."""
    con.execute("""
        create table shop.orders as
        with summed as (
            select order_id, sum(amount)::decimal(12, 2) as amount, sum(refunded_amount)::decimal(12, 2) as refunded_amount,
                any_value(shipping_address_id) as shipping_address_id
            from shop.order_items group by order_id
        )
        select order_id, customer_id, store_id, home_address as billing_address_id, shipping_address_id, ordered_at, status, channel,
            amount,
            if(channel = 'retail' or amount >= 150, 0.00, if(far > 0, 12.90, 4.90))::decimal(12, 2) as shipping_fee, refunded_amount,
            if(refunded_amount > 0, return_on, null) as refunded_on, if(channel = 'retail', day, day + far::integer + 4) as promised_on,
            if(status in ('completed', 'refunded'), arrives_on, null)::date as delivered_on, loaded_at
        from shipped join summed using (order_id) order by order_id
    """)


def subscriptions(con: duckdb.DuckDBPyConnection, scale: int) -> None:
    """One customer in four subscribed within a year of signing up; about half of them have cancelled since."""
    fees = " ".join(f"when '{plan}' then {fee}" for plan, fee in PLANS.items())
    con.execute(f"""
        create table shop.subscriptions as
        with begun as (
            select customer_id, {pick("plan", "customer_id", {"Solo": 5, "Duo": 4, "Family": 2})} as plan,
                signed_up_on + (draw('weeks', customer_id, 19) * draw('times', customer_id, 20))::integer as started_on
            from shop.customers where draw('subscribes', customer_id, 4) = 0
        ), ended as (
            select *, started_on + 30 + draw('stayed', customer_id, 1400)::integer as ends_on
            from begun where started_on <= date '{END}'
        )
        select row_number() over (order by started_on, customer_id) as subscription_id, customer_id, plan,
            money(case plan {fees} end) as monthly_fee, started_on, if(ends_on <= date '{END}', ends_on, null) as cancelled_on
        from ended order by subscription_id
    """)


def balances(con: duckdb.DuckDBPyConnection, scale: int) -> None:
    """Every night, each plan in each region. Tonight's count is still to come, and one night was lost."""
    con.execute(f"""
        create table shop.balances as
        select no * 100 + dense_rank() over (order by plan, region nulls last) as balance_id, day as snapshot_on, plan, region,
            count(*)::integer as active_subscriptions, sum(monthly_fee)::decimal(12, 2) as monthly_fees,
            money(sum(1200 + draw('credit', subscription_id + no, 900))) as store_credit
        from calendar join shop.subscriptions on started_on <= day and (cancelled_on is null or cancelled_on > day)
        join shop.customers using (customer_id)
        where not running and day <> {LOST_SNAPSHOT}
        group by no, day, plan, region order by balance_id
    """)


def marketing_spend(con: duckdb.DuckDBPyConnection, scale: int) -> None:
    """What each marketing channel cost a day and the clicks that came of it; print has none."""
    channels = ", ".join(f"({no}, '{channel}', {cents * scale})" for no, (channel, cents) in enumerate(MARKETING.items(), start=1))
    con.execute(f"""
        create table shop.marketing_spend as
        with channels(channel_no, channel, base) as (values {channels}), spent as (
            select *, no * 10 + channel_no as spend_id, base * (500 + busy // 4) // 1000 * (85 + draw('spend', spend_id, 31)) // 100 cents
            from calendar cross join channels where channel <> 'print' or month(day) >= 9
        )
        select spend_id, day as spend_on, channel, money(cents) as spend,
            if(channel = 'print', null, cents // (40 + draw('click', spend_id, 25)))::bigint as clicks
        from spent order by spend_id
    """)


def tickets(con: duckdb.DuckDBPyConnection, scale: int) -> None:
    """What customers asked for help with. Four in ten leave no score."""
    con.execute(f"""
        create table shop.tickets as
        with numbered as (
            select unnest(range(tickets_before + 1, tickets_upto + 1)) as ticket_id, day, running, customers as known from calendar
        ), opened as (
            select *, 1 + draw('asks', ticket_id, known) as customer_id,
                day + to_seconds(25200 + draw('asked at', ticket_id, if(running, 25200, 57600))) as opened_at,
                {pick("contact", "ticket_id", {"email": 5, "chat": 4, "phone": 2})} as contact,
                {pick("topic", "ticket_id", {"delivery": 8, "returns": 5, "payment": 3, "product": 3, "account": 1})} as topic,
                {pick("score", "ticket_id", {5: 9, 4: 6, 3: 3, 2: 1, 1: 1})} as mood
            from numbered
        ), closed as (
            select *, 1 + draw('hours', ticket_id, 18) * draw('times', ticket_id, if(topic in ('delivery', 'returns'), 16, 9)) as hours,
                opened_at + to_hours(hours) as ends_at, ends_at < {LOADED_UNTIL} as done
            from opened
        )
        select ticket_id, customer_id, email as contact_email, contact, topic, opened_at, if(done, ends_at, null) as closed_at,
            case when done and draw('scores', ticket_id, 10) < 6 then greatest(1, mood - if(hours > 120, 1, 0))::integer end as score
        from closed join shop.customers using (customer_id) order by ticket_id
    """)


def web_sessions(con: duckdb.DuckDBPyConnection, scale: int) -> None:
    """Raw visits, in quarantine: robots are counted, and nobody has looked at the sources."""
    con.execute(f"""
        create table shop.web_sessions as
        select i + 1 as session_id, date '{START}' + draw('visit day', i, {(END - START).days + 1})::integer as visited_on,
            {pick("visit source", "i", {"search": 4, "social": 3, "direct": 3, "unknown": 1})} as source,
            draw('pages', i, 20) + 1 as pages, draw('robot', i, 9) = 0 as looks_automatic
        from range({SESSIONS * scale}) r(i) order by session_id
    """)


STEPS = (macros, calendar, customers, addresses, stores, products, placed, shipped, order_items, orders,
         subscriptions, balances, marketing_spend, tickets, web_sessions)  # fmt: skip


def build(out: Path, scale: int = 1) -> None:
    """Writes a new warehouse in place of the old one."""
    for old in (out, out.with_name(out.name + ".wal")):
        old.unlink(missing_ok=True)
    with duckdb.connect(str(out)) as con:
        con.execute("create schema shop")
        for step in STEPS:
            step(con, scale)


def main() -> None:
    """Reads the arguments and builds."""
    parser = argparse.ArgumentParser(description="Builds Alder's warehouse.")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("alder.duckdb"))
    parser.add_argument("--scale", type=int, default=1, help="how many times 50,000 orders")
    build(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
