-- purpose: how many of the expected rows are stored; rows before the installation, in the future and at night, when some
--          equipment reports nothing, are not expected
-- grain: one row per site, series and local month that was requested, or is between months that were
-- sources: main.power, main.state_of_energy, main.energy_intervals, main.energy_periods, main.gaps, analytics.sites, meta.zone_days
create table analytics.coverage as
with stored as (
    select site_id, 'power' as series, date_trunc('month', local_date) as month, count(*) as held_rows
    from main.power
    group by all
    union all
    select site_id, 'soe' as series, date_trunc('month', local_date) as month, count(*) as held_rows
    from main.state_of_energy
    group by all
    union all
    select site_id, 'energy_interval' as series, date_trunc('month', local_date) as month, count(*) as held_rows
    from main.energy_intervals
    group by all
    union all
    select
        site_id,
        case source
            when 'calendar_history/day' then 'energy_interval'
            when 'calendar_history/month' then 'energy_day'
            when 'calendar_history/year' then 'energy_month'
            when 'calendar_history/lifetime' then 'energy_year'
        end as series,
        date_trunc('month', period_start) as month,
        count(*) as held_rows
    from main.energy_periods
    where source in (
        'calendar_history/day', 'calendar_history/month', 'calendar_history/year', 'calendar_history/lifetime'
    )
    group by all
),
missing as (
    select
        gaps.site_id,
        gaps.series,
        gaps.expected_rows,
        make_timestamp(epoch_us(gaps.gap_start) + coalesce(start_clock.offset_us, 0)) as starts,
        make_timestamp(epoch_us(gaps.gap_end) + coalesce(end_clock.offset_us, 0)) as ends
    from main.gaps as gaps
    left join analytics.sites as sites on sites.site_id = gaps.site_id
    left join meta.zone_days as start_clock on meta.is_in_force(start_clock, sites.zone, gaps.gap_start)
    left join meta.zone_days as end_clock on meta.is_in_force(end_clock, sites.zone, gaps.gap_end)
    where not meta.is_by_nature(gaps.cause)
),
-- A gap of several months counts in each by its share of the time; rows of months or years count in the month in
-- which their period begins.
spread as (
    select
        missing.site_id,
        missing.series,
        months.month,
        missing.expected_rows
        * epoch(least(missing.ends, months.month + interval 1 month) - greatest(missing.starts, months.month))
        / epoch(missing.ends - missing.starts) as missing_rows
    from missing
    cross join lateral (
        select unnest(
            generate_series(
                date_trunc('month', missing.starts),
                date_trunc('month', missing.ends - interval 1 second),
                interval 1 month
            )
        ) as month
    ) as months
),
counted as (
    select site_id, series, month::date as month, held_rows, 0.0 as missing_rows
    from stored
    union all
    select site_id, series, month::date as month, 0 as held_rows, missing_rows
    from spread
)
select
    site_id::bigint as site_id,
    series::varchar as series,
    month::date as month,
    sum(held_rows)::bigint as held_rows,
    (sum(held_rows) + round(sum(missing_rows)))::bigint as expected_rows,
    (100.0 * sum(held_rows) / (sum(held_rows) + round(sum(missing_rows))))::double as coverage_pct
from counted
group by site_id, series, month
having sum(held_rows) + round(sum(missing_rows)) > 0
order by site_id, series, month
