-- purpose: energy by the hours of the site's own clock; an interval counts in the hour in which it begins, and held_s says
--          how much of the hour is held
-- grain: one row per site and local hour of which any interval is held; the hour that the clocks repeat is two rows, and
--        so are the parts of an hour within which they change (Lord Howe, Chatham)
-- sources: main.energy_intervals, analytics.sites
create table analytics.hourly as
with placed as (
    select
        intervals.* exclude (local_date),
        timezone(coalesce(sites.zone, 'UTC'), intervals.interval_start) as local_start
    from main.energy_intervals as intervals
    left join analytics.sites as sites on sites.site_id = intervals.site_id
),
-- What the clock is ahead of UTC tells the two passes of a repeated hour apart.
hours as (
    select
        site_id,
        date_trunc('hour', local_start) as local_hour,
        epoch_us(local_start) - epoch_us(interval_start) as ahead_us,
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
    group by site_id, date_trunc('hour', local_start), epoch_us(local_start) - epoch_us(interval_start)
),
totals as (
    select
        hours.*,
        sites.site_name,
        coalesce(sites.zone, 'UTC') as zone,
        coalesce(sites.has_battery, false) as has_battery,
        list_sum([grid_to_home_wh, solar_to_home_wh, battery_to_home_wh, generator_to_home_wh]) as home_wh,
        list_sum([solar_to_grid_wh, battery_to_grid_wh, generator_to_grid_wh]) as grid_export_wh,
        list_sum([grid_to_battery_wh, solar_to_battery_wh, generator_to_battery_wh]) as battery_charge_wh,
        make_timestamptz(epoch_us(local_hour) - ahead_us) as hour_start
    from hours
    left join analytics.sites as sites on sites.site_id = hours.site_id
),
-- A day without a single split on a site without battery tells nothing of the home (Q43).
unsplit as (
    select site_id, local_hour::date as local_date
    from totals
    where not has_battery
    group by site_id, local_hour::date
    having coalesce(sum(home_wh), 0) + coalesce(sum(grid_export_wh), 0) + coalesce(sum(battery_charge_wh), 0) = 0
)
select
    totals.site_id::bigint as site_id,
    totals.site_name::varchar as site_name,
    -- Where the clocks changed within the hour it has no beginning of its own on either side: the first interval is it.
    case when timezone(totals.zone, totals.hour_start) = totals.local_hour then totals.hour_start else totals.first_start
    end::timestamptz as hour_start,
    totals.local_hour::timestamp as local_hour,
    totals.local_hour::date as local_date,
    totals.held_s::integer as held_s,
    (totals.solar_wh / 1000)::double as solar_kwh,
    (case when unsplit.site_id is null then totals.home_wh end / 1000)::double as home_kwh,
    (totals.grid_import_wh / 1000)::double as grid_import_kwh,
    (totals.grid_export_wh / 1000)::double as grid_export_kwh,
    (totals.battery_charge_wh / 1000)::double as battery_charge_kwh,
    (totals.battery_discharge_wh / 1000)::double as battery_discharge_kwh,
    (totals.generator_wh / 1000)::double as generator_kwh,
    (totals.solar_to_home_wh / 1000)::double as solar_to_home_kwh,
    (totals.solar_to_battery_wh / 1000)::double as solar_to_battery_kwh,
    (totals.solar_to_grid_wh / 1000)::double as solar_to_grid_kwh,
    (totals.battery_to_home_wh / 1000)::double as battery_to_home_kwh,
    (totals.battery_to_grid_wh / 1000)::double as battery_to_grid_kwh,
    (totals.grid_to_home_wh / 1000)::double as grid_to_home_kwh,
    (totals.grid_to_battery_wh / 1000)::double as grid_to_battery_kwh
from totals
left join unsplit on unsplit.site_id = totals.site_id and unsplit.local_date = totals.local_hour::date
order by totals.site_id, hour_start
