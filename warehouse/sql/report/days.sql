-- purpose: each day's best estimate in whole Wh, with its status and coverage
-- returns: one row per chosen site and local day
-- sources: main.daily
select
    site_id::bigint as site_id,
    local_date::date as local_date,
    status::varchar as status,
    round(coverage_pct)::integer as coverage_pct,
    round(solar_energy_exported_wh)::bigint as solar,
    round(home_wh)::bigint as home,
    round(grid_energy_imported_wh)::bigint as grid_import,
    round(grid_export_wh)::bigint as grid_export,
    round(battery_charge_wh)::bigint as battery_charge,
    round(battery_energy_exported_wh)::bigint as battery_discharge,
    round(generator_energy_exported_wh)::bigint as generator,
    round(consumer_energy_imported_from_solar_wh)::bigint as solar_to_home,
    round(battery_energy_imported_from_solar_wh)::bigint as solar_to_battery,
    round(grid_energy_exported_from_solar_wh)::bigint as solar_to_grid,
    round(consumer_energy_imported_from_battery_wh)::bigint as battery_to_home,
    round(grid_energy_exported_from_battery_wh)::bigint as battery_to_grid,
    round(consumer_energy_imported_from_grid_wh)::bigint as grid_to_home,
    round(battery_energy_imported_from_grid_wh)::bigint as grid_to_battery,
    round(consumer_energy_imported_from_generator_wh)::bigint as generator_to_home,
    round(battery_energy_imported_from_generator_wh)::bigint as generator_to_battery,
    round(grid_energy_exported_from_generator_wh)::bigint as generator_to_grid
from main.daily
where list_contains($sites, site_id) and local_date between $since and $until
order by site_id, local_date
