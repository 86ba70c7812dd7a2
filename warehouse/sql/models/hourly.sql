-- purpose: energy by the hours of the site's own clock; an interval counts in the hour in which it begins, held_s is
--          the time of the hour for which intervals are stored
-- grain: one row per site and local hour of which any interval is stored; the hour that the clocks repeat is two rows, and
--        so are the parts of an hour within which they change (Lord Howe, Chatham)
-- sources: main.energy_intervals, analytics.sites, meta.zone_days
create table analytics.hourly as
with placed as (
    select
        intervals.* exclude (local_date),
        make_timestamp(epoch_us(intervals.interval_start) + coalesce(clock.offset_us, 0)) as local_start,
        coalesce(clock.offset_us, 0) as ahead_us,
        clock.begins_at as clock_since
    from main.energy_intervals as intervals
    left join analytics.sites as sites on sites.site_id = intervals.site_id
    left join meta.zone_days as clock on meta.is_in_force(clock, sites.zone, intervals.interval_start)
),
-- The two passes of a repeated hour have different offsets from UTC.
hours as (
    select
        site_id,
        date_trunc('hour', local_start) as local_hour,
        ahead_us,
        min(clock_since) as clock_since,
        min(interval_start) as first_start,
        sum(interval_s) as held_s,
        sum(solar_energy_exported_wh) as solar_wh,
        sum(generator_energy_exported_wh) as generator_wh,
        sum(grid_energy_imported_wh) as grid_import_wh,
        sum(grid_energy_exported_from_solar_wh) as solar_to_grid_wh,
        sum(grid_energy_exported_from_generator_wh) as generator_to_grid_wh,
        sum(grid_energy_exported_from_battery_wh) as battery_to_grid_wh,
        sum(battery_energy_exported_wh) as battery_discharge_wh,
        sum(battery_energy_imported_from_grid_wh) as grid_to_battery_wh,
        sum(battery_energy_imported_from_solar_wh) as solar_to_battery_wh,
        sum(battery_energy_imported_from_generator_wh) as generator_to_battery_wh,
        sum(consumer_energy_imported_from_grid_wh) as grid_to_home_wh,
        sum(consumer_energy_imported_from_solar_wh) as solar_to_home_wh,
        sum(consumer_energy_imported_from_battery_wh) as battery_to_home_wh,
        sum(consumer_energy_imported_from_generator_wh) as generator_to_home_wh
    from placed
    group by site_id, date_trunc('hour', local_start), ahead_us
),
totals as (
    select
        hours.*,
        sites.site_name,
        coalesce(sites.has_battery, false) as has_battery,
        list_sum([grid_to_home_wh, solar_to_home_wh, battery_to_home_wh, generator_to_home_wh]) as home_wh,
        list_sum([solar_to_grid_wh, battery_to_grid_wh, generator_to_grid_wh]) as grid_export_wh,
        list_sum([grid_to_battery_wh, solar_to_battery_wh, generator_to_battery_wh]) as battery_charge_wh,
        make_timestamptz(epoch_us(local_hour) - ahead_us) as hour_start
    from hours
    left join analytics.sites as sites on sites.site_id = hours.site_id
),
-- On a site without battery, a day without any split has no information about the home; nor, if nothing was imported either,
-- about the grid: those zeros are unknown (Q16, Q43).
unsplit as (
    select site_id, local_hour::date as local_date, coalesce(sum(grid_import_wh), 0) = 0 as is_unmetered
    from totals
    where not has_battery
    group by site_id, local_hour::date
    having coalesce(sum(home_wh), 0) + coalesce(sum(grid_export_wh), 0) + coalesce(sum(battery_charge_wh), 0) = 0
),
known as (
    select
        totals.*,
        unsplit.site_id is null as has_home,
        not coalesce(unsplit.is_unmetered, false) as has_grid_meter
    from totals
    left join unsplit on unsplit.site_id = totals.site_id and unsplit.local_date = totals.local_hour::date
)
select
    site_id::bigint as site_id,
    site_name::varchar as site_name,
    -- Where the clocks changed within the hour, the second part begins with its first interval.
    case when hour_start < clock_since then first_start else hour_start end::timestamptz as hour_start,
    local_hour::timestamp as local_hour,
    local_hour::date as local_date,
    held_s::integer as held_s,
    (solar_wh / 1000)::double as solar_kwh,
    (case when has_home then home_wh end / 1000)::double as home_kwh,
    (case when has_grid_meter then grid_import_wh end / 1000)::double as grid_import_kwh,
    (case when has_grid_meter then grid_export_wh end / 1000)::double as grid_export_kwh,
    (battery_charge_wh / 1000)::double as battery_charge_kwh,
    (battery_discharge_wh / 1000)::double as battery_discharge_kwh,
    (generator_wh / 1000)::double as generator_kwh,
    (case when has_grid_meter then solar_to_home_wh end / 1000)::double as solar_to_home_kwh,
    (solar_to_battery_wh / 1000)::double as solar_to_battery_kwh,
    (case when has_grid_meter then solar_to_grid_wh end / 1000)::double as solar_to_grid_kwh,
    (case when has_grid_meter then battery_to_home_wh end / 1000)::double as battery_to_home_kwh,
    (case when has_grid_meter then battery_to_grid_wh end / 1000)::double as battery_to_grid_kwh,
    (case when has_grid_meter then grid_to_home_wh end / 1000)::double as grid_to_home_kwh,
    (grid_to_battery_wh / 1000)::double as grid_to_battery_kwh
from known
order by site_id, hour_start
