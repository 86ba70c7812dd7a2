-- purpose: calendar months, calendar years and the whole history as sums of `daily`, with Tesla's own figure of each;
--          the difference is given where all days of Tesla's figure are stored
-- grain: one row per site, granularity (month, year, lifetime) and calendar period of either
-- sources: main.daily, main.energy_periods, analytics.sites, meta.zone_days
create table analytics.periods as
with days as (
    select
        *,
        date_trunc('month', local_date)::date as month,
        date_trunc('year', local_date)::date as year
    from main.daily
),
-- The lifetime has no first day on the calendar: it is joined by a day before every other.
ours as (
    select
        site_id,
        case grouping_id(month, year) when 1 then 'month' when 2 then 'year' else 'lifetime' end as granularity,
        coalesce(month, year, date '0001-01-01') as period_key,
        min(local_date) as first_day,
        max(local_date) as last_day,
        count(*) filter (status <> 'missing') as days_held,
        count(*) filter (starts_with(source, 'import:')) as days_imported,
        count(solar_energy_exported_wh) as solar_days,
        count(home_wh) as home_days,
        count(grid_energy_imported_wh) as grid_import_days,
        count(grid_export_wh) as grid_export_days,
        sum(solar_energy_exported_wh) as solar_wh,
        sum(home_wh) as home_wh,
        sum(grid_energy_imported_wh) as grid_import_wh,
        sum(grid_export_wh) as grid_export_wh,
        sum(battery_charge_wh) as battery_charge_wh,
        sum(battery_energy_exported_wh) as battery_discharge_wh,
        sum(generator_energy_exported_wh) as generator_wh,
        sum(consumer_energy_imported_from_solar_wh) as solar_to_home_wh,
        sum(battery_energy_imported_from_solar_wh) as solar_to_battery_wh,
        sum(grid_energy_exported_from_solar_wh) as solar_to_grid_wh,
        sum(consumer_energy_imported_from_battery_wh) as battery_to_home_wh,
        sum(grid_energy_exported_from_battery_wh) as battery_to_grid_wh,
        sum(consumer_energy_imported_from_grid_wh) as grid_to_home_wh,
        sum(battery_energy_imported_from_grid_wh) as grid_to_battery_wh
    from days
    group by grouping sets ((site_id, month), (site_id, year), (site_id))
),
reported as (
    select
        periods.site_id,
        periods.granularity,
        periods.period_start,
        make_timestamp(epoch_us(periods._fetched_at) + coalesce(clock.offset_us, 0))::date as requested_on,
        solar_energy_exported_wh as solar_wh,
        list_sum([
            consumer_energy_imported_from_grid_wh,
            consumer_energy_imported_from_solar_wh,
            consumer_energy_imported_from_battery_wh,
            consumer_energy_imported_from_generator_wh
        ]) as home_wh,
        grid_energy_imported_wh as grid_import_wh,
        list_sum([
            grid_energy_exported_from_solar_wh,
            grid_energy_exported_from_battery_wh,
            grid_energy_exported_from_generator_wh
        ]) as grid_export_wh,
        coalesce(sites.has_battery, false) as has_battery
    from main.energy_periods as periods
    left join analytics.sites as sites on sites.site_id = periods.site_id
    left join meta.zone_days as clock on meta.is_in_force(clock, sites.zone, periods._fetched_at)
    where (periods.granularity = 'month' and periods.source = 'calendar_history/year')
        or (periods.granularity = 'year' and periods.source = 'calendar_history/lifetime')
),
-- On a solar-only site that reports neither home nor export, the home is unknown; and, if its import is zero too, the grid
-- (Q43).
known as (
    select * replace (
        case when has_battery or home_wh > 0 or grid_export_wh > 0 then home_wh end as home_wh,
        case when has_battery or home_wh > 0 or grid_export_wh > 0 or grid_import_wh > 0 then grid_import_wh end
            as grid_import_wh,
        case when has_battery or home_wh > 0 or grid_export_wh > 0 or grid_import_wh > 0 then grid_export_wh end
            as grid_export_wh
    )
    from reported
),
tesla as (
    select site_id, granularity, period_start as period_key, requested_on, solar_wh, home_wh, grid_import_wh, grid_export_wh
    from known
    union all
    select
        site_id,
        'lifetime' as granularity,
        date '0001-01-01' as period_key,
        max(requested_on) as requested_on,
        case when count(solar_wh) = count(*) then sum(solar_wh) end as solar_wh,
        case when count(home_wh) = count(*) then sum(home_wh) end as home_wh,
        case when count(grid_import_wh) = count(*) then sum(grid_import_wh) end as grid_import_wh,
        case when count(grid_export_wh) = count(*) then sum(grid_export_wh) end as grid_export_wh
    from known
    where granularity = 'year'
    group by site_id
),
joined as (
    select
        ours.* exclude (site_id, granularity, period_key),
        coalesce(ours.site_id, tesla.site_id) as site_id,
        coalesce(ours.granularity, tesla.granularity) as granularity,
        nullif(coalesce(ours.period_key, tesla.period_key), date '0001-01-01') as calendar_start,
        tesla.requested_on,
        tesla.solar_wh as tesla_solar_wh,
        tesla.home_wh as tesla_home_wh,
        tesla.grid_import_wh as tesla_grid_import_wh,
        tesla.grid_export_wh as tesla_grid_export_wh,
        max(ours.last_day) over (partition by coalesce(ours.site_id, tesla.site_id)) as newest_day
    from ours
    full join tesla using (site_id, granularity, period_key)
),
-- The days of a period are those of the calendar, from the installation to the newest day of either side.
dated as (
    select
        joined.*,
        sites.site_name,
        coalesce(greatest(calendar_start, sites.installed_on), first_day) as period_start,
        least(
            case granularity
                when 'month' then (calendar_start + interval 1 month - interval 1 day)::date
                when 'year' then (calendar_start + interval 1 year - interval 1 day)::date
            end,
            greatest(newest_day, requested_on)
        ) as period_end
    from joined
    left join analytics.sites as sites on sites.site_id = joined.site_id
),
counted as (
    select
        *,
        greatest(date_diff('day', period_start, period_end) + 1, 0) as days,
        coalesce(last_day <= requested_on, false) as is_whole
    from dated
)
select
    site_id::bigint as site_id,
    site_name::varchar as site_name,
    granularity::varchar as granularity,
    coalesce(calendar_start, period_start)::date as period_start,
    period_end::date as period_end,
    days::bigint as days,
    coalesce(days_held, 0)::bigint as days_held,
    coalesce(days_imported, 0)::bigint as days_imported,
    (solar_wh / 1000)::double as solar_kwh,
    (home_wh / 1000)::double as home_kwh,
    (grid_import_wh / 1000)::double as grid_import_kwh,
    (grid_export_wh / 1000)::double as grid_export_kwh,
    (battery_charge_wh / 1000)::double as battery_charge_kwh,
    (battery_discharge_wh / 1000)::double as battery_discharge_kwh,
    (generator_wh / 1000)::double as generator_kwh,
    (solar_to_home_wh / 1000)::double as solar_to_home_kwh,
    (solar_to_battery_wh / 1000)::double as solar_to_battery_kwh,
    (solar_to_grid_wh / 1000)::double as solar_to_grid_kwh,
    (battery_to_home_wh / 1000)::double as battery_to_home_kwh,
    (battery_to_grid_wh / 1000)::double as battery_to_grid_kwh,
    (grid_to_home_wh / 1000)::double as grid_to_home_kwh,
    (grid_to_battery_wh / 1000)::double as grid_to_battery_kwh,
    (tesla_solar_wh / 1000)::double as tesla_solar_kwh,
    (tesla_home_wh / 1000)::double as tesla_home_kwh,
    (tesla_grid_import_wh / 1000)::double as tesla_grid_import_kwh,
    (tesla_grid_export_wh / 1000)::double as tesla_grid_export_kwh,
    case when is_whole and solar_days >= days then (tesla_solar_wh - solar_wh) / 1000 end::double
        as tesla_solar_difference_kwh,
    case when is_whole and home_days >= days then (tesla_home_wh - home_wh) / 1000 end::double
        as tesla_home_difference_kwh,
    case when is_whole and grid_import_days >= days then (tesla_grid_import_wh - grid_import_wh) / 1000 end::double
        as tesla_grid_import_difference_kwh,
    case when is_whole and grid_export_days >= days then (tesla_grid_export_wh - grid_export_wh) / 1000 end::double
        as tesla_grid_export_difference_kwh
from counted
order by site_id, granularity, calendar_start
