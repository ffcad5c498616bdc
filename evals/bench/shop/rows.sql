-- The shop's rows, for as many order items as the variable `items` says. No clock and no random state: each value is drawn from the
-- row's number. About one item in a hundred names a product, an order or a customer that is not there, and as many name none; one
-- customer in ten has never ordered.
create schema shop;
create temp macro mixed(x) as xor(x, x >> 16) * 73244475 % 4294967296;
create temp macro draw(salt, id, n) as mixed(mixed((id * 2654435761 + salt * 40503) % 4294967296)) // 8 % n;
create temp macro money(cents) as (cents / 100)::decimal(12, 2);
create temp macro portion(parts) as greatest(getvariable('items') // parts, 10);
-- a key between 1 and `n`; one in 100 is of nothing, one in 100 null
create temp macro key(salt, id, n) as case draw(salt + 1, id, 100) when 0 then null when 1 then -1 - draw(salt, id, 50) else 1 + draw(salt, id, n) end;
create temp macro buyer(salt, id) as key(salt, id, portion(20) * 9 // 10);

create table shop.products as
select i as product_id, 'product ' || i as name, ['bread', 'cheese', 'fruit', 'tea', 'wine', null][1 + draw(1, i, 6)] as category,
    money(50 + draw(2, i, 2000)) as unit_cost
from range(1, portion(500) + 1) r(i);

create table shop.customers as
select i as customer_id, ['home', 'office', 'school', null][1 + draw(3, i, 4)] as segment,
    ['north', 'east', 'south', 'west', null][1 + draw(4, i, 5)] as region, date '2023-01-01' + draw(5, i, 900)::integer as signed_up_on
from range(1, portion(20) + 1) r(i);

create table shop.orders as
select i as order_id, buyer(10, i) as customer_id, timestamp '2023-01-01' + to_seconds(draw(6, i, 1035 * 86400)) as ordered_at,
    money(draw(7, i, 900)) as shipping_fee
from range(1, portion(3) + 1) r(i);

create table shop.order_items as
with named as (
    select i as item_id, key(20, i, portion(3)) as named_order, key(30, i, portion(500)) as product_id, buyer(40, i) as own_customer,
        1 + draw(8, i, 5) as quantity, 300 + draw(9, i, 4000) as cents
    from range(1, getvariable('items') + 1) r(i)
)
select item_id, named_order as order_id, product_id,
    if(order_id is null, own_customer, customer_id) as customer_id,  -- an item of a lost order still knows its buyer
    coalesce(ordered_at, timestamp '2023-01-01' + to_seconds(draw(11, item_id, 1035 * 86400))) as sold_at,
    quantity, money(quantity * cents) as amount
from named left join shop.orders on order_id = named_order
order by item_id;

create table shop.returns as
select i as return_id, key(50, i, portion(500)) as product_id, buyer(60, i) as customer_id,
    timestamp '2023-01-10' + to_seconds(draw(12, i, 1035 * 86400)) as returned_at, money(200 + draw(13, i, 9000)) as refund
from range(1, portion(25) + 1) r(i);
