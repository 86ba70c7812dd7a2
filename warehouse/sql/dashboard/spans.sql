-- purpose: the newest day, the day before, the month and the year up to it, each beside the same days of the year before
-- returns: one row per span, in Wh; days_stored counts days of sites, and an energy is NULL where none of them has it
-- sources: main.daily
with newest as (
    select max(local_date) as day
    from main.daily
    where list_contains($sites, site_id) and status <> 'missing'
),
named as (
    select 1 as place, 'day' as span, day as since, day as until from newest
    union all
    select 2, 'day_before', day - 1, day - 1 from newest
    union all
    select 3, 'month', date_trunc('month', day)::date, day from newest
    union all
    select
        4,
        'month_of_last_year',
        (date_trunc('month', day) - interval 1 year)::date,
        (day - interval 1 year)::date
    from newest
    union all
    select 5, 'year', date_trunc('year', day)::date, day from newest
    union all
    select 6, 'last_year', (date_trunc('year', day) - interval 1 year)::date, (day - interval 1 year)::date from newest
)
select
    named.span::varchar as span,
    strftime(named.since, '%Y-%m-%d')::varchar as since,
    strftime(named.until, '%Y-%m-%d')::varchar as until,
    ((named.until - named.since + 1) * len($sites))::integer as days,
    (count(daily.local_date) filter (daily.status <> 'missing'))::integer as days_stored,
    round(sum(daily.solar_energy_exported_wh))::bigint as solar,
    round(sum(daily.home_wh))::bigint as home,
    round(sum(daily.grid_energy_imported_wh))::bigint as grid_import,
    round(sum(daily.grid_export_wh))::bigint as grid_export,
    round(sum(daily.battery_charge_wh))::bigint as battery_charge,
    round(sum(daily.battery_energy_exported_wh))::bigint as battery_discharge
from named
left join main.daily as daily
    on list_contains($sites, daily.site_id) and daily.local_date between named.since and named.until
where named.since is not null
group by named.place, named.span, named.since, named.until
order by named.place
