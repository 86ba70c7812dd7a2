-- purpose: no two intervals of a site and series cover the same time, so that no second counts twice (Q10, Q21)
-- returns: table, site, interval, when it ends, when the next one begins
-- sources: main.energy_intervals, main.power, main.prices, main.state_of_energy
with intervals as (
    select 'energy_intervals' as table_name, site_id, interval_start, interval_s from main.energy_intervals
    union all
    select 'power' as table_name, site_id, interval_start, interval_s from main.power
    union all
    select 'prices' as table_name, site_id, interval_start, interval_s from main.prices
    union all
    select 'state_of_energy' as table_name, site_id, interval_start, interval_s from main.state_of_energy
),
followed as (
    select
        table_name,
        site_id,
        interval_start,
        interval_start + to_seconds(interval_s) as interval_end,
        lead(interval_start) over (partition by table_name, site_id order by interval_start) as next_start
    from intervals
)
select table_name, site_id, interval_start, interval_end, next_start
from followed
where next_start < interval_end and next_start <> interval_start
order by table_name, site_id, interval_start
