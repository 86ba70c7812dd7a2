-- purpose: months, years and lifetimes are the sums of their days, measure by measure, to a thousandth of a Wh, and no day
--          is in none or in two
-- returns: site, granularity, period, measure, the period's value and the sum in kWh; for counts of days, days
-- sources: main.daily, analytics.periods
with days as (
    select
        site_id,
        local_date,
        status,
        source,
        solar_energy_exported_wh as solar_wh,
        home_wh,
        grid_energy_imported_wh as grid_import_wh,
        grid_export_wh,
        battery_charge_wh,
        battery_energy_exported_wh as battery_discharge_wh
    from main.daily
),
dated as (
    select *, 'month' as granularity, date_trunc('month', local_date)::date as calendar_start from days
    union all
    select *, 'year' as granularity, date_trunc('year', local_date)::date as calendar_start from days
    union all
    select *, 'lifetime' as granularity, null as calendar_start from days
),
sums as (
    select
        site_id,
        granularity,
        calendar_start,
        (count(*) filter (status <> 'missing'))::double as days_held,
        (count(*) filter (starts_with(source, 'import:')))::double as days_imported,
        sum(solar_wh) / 1000 as solar_kwh,
        sum(home_wh) / 1000 as home_kwh,
        sum(grid_import_wh) / 1000 as grid_import_kwh,
        sum(grid_export_wh) / 1000 as grid_export_kwh,
        sum(battery_charge_wh) / 1000 as battery_charge_kwh,
        sum(battery_discharge_wh) / 1000 as battery_discharge_kwh
    from dated
    group by site_id, granularity, calendar_start
),
periods as (
    select
        site_id,
        granularity,
        case when granularity <> 'lifetime' then period_start end as calendar_start,
        days_held::double as days_held,
        days_imported::double as days_imported,
        solar_kwh,
        home_kwh,
        grid_import_kwh,
        grid_export_kwh,
        battery_charge_kwh,
        battery_discharge_kwh
    from analytics.periods
),
sums_long as (
    select * from sums unpivot include nulls (sum_of_days for measure in (columns(* exclude (site_id, granularity, calendar_start))))
),
periods_long as (
    select * from periods unpivot include nulls (period_value for measure in (columns(* exclude (site_id, granularity, calendar_start))))
)
select
    coalesce(sums_long.site_id, periods_long.site_id) as site_id,
    coalesce(sums_long.granularity, periods_long.granularity) as granularity,
    coalesce(sums_long.calendar_start, periods_long.calendar_start) as period_start,
    coalesce(sums_long.measure, periods_long.measure) as measure,
    periods_long.period_value,
    sums_long.sum_of_days
from sums_long
full join periods_long
    on periods_long.site_id = sums_long.site_id
    and periods_long.granularity = sums_long.granularity
    and periods_long.calendar_start is not distinct from sums_long.calendar_start
    and periods_long.measure = sums_long.measure
-- A period that only Tesla reports has no day, and no energy.
where abs(coalesce(periods_long.period_value, 0) - coalesce(sums_long.sum_of_days, 0)) > 0.000001
    or (
        coalesce(sums_long.measure, periods_long.measure) not in ('days_held', 'days_imported')
        and (sums_long.sum_of_days is null) <> (periods_long.period_value is null)
    )
order by site_id, granularity, period_start, measure
