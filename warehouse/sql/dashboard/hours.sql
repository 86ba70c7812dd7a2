-- purpose: energy by the hours of each site's clock, in Wh, with the columns of report/days.sql
-- returns: one row per chosen site and local hour; `pass` is 2 for the second of two hours with the same name
-- sources: analytics.hourly
select
    site_id::bigint as site_id,
    strftime(local_hour, '%Y-%m-%d %H:%M')::varchar as period,
    (row_number() over (partition by site_id, local_hour order by hour_start))::integer as pass,
    (held_s >= 3600)::boolean as is_whole,
    round(1000 * solar_kwh)::bigint as solar,
    round(1000 * home_kwh)::bigint as home,
    round(1000 * grid_import_kwh)::bigint as grid_import,
    round(1000 * grid_export_kwh)::bigint as grid_export,
    round(1000 * battery_charge_kwh)::bigint as battery_charge,
    round(1000 * battery_discharge_kwh)::bigint as battery_discharge,
    round(1000 * generator_kwh)::bigint as generator,
    round(1000 * solar_to_home_kwh)::bigint as solar_to_home,
    round(1000 * solar_to_battery_kwh)::bigint as solar_to_battery,
    round(1000 * solar_to_grid_kwh)::bigint as solar_to_grid,
    round(1000 * battery_to_home_kwh)::bigint as battery_to_home,
    round(1000 * battery_to_grid_kwh)::bigint as battery_to_grid,
    round(1000 * grid_to_home_kwh)::bigint as grid_to_home,
    round(1000 * grid_to_battery_kwh)::bigint as grid_to_battery,
    -- the home's energy has four sources, and the model has three of them
    case
        when generator_kwh > 0
            then round(1000 * (home_kwh - solar_to_home_kwh - battery_to_home_kwh - grid_to_home_kwh))
    end::bigint as generator_to_home
from analytics.hourly
where list_contains($sites, site_id) and local_date between $since and $until
order by site_id, period, pass
