-- purpose: each day's best estimate in whole Wh, with its status and how much of it is covered. Where the home is unknown,
--          a grid and parts that are all zero are unknown, too: the API fills them with zeros (Q43)
-- returns: one row per chosen site and local day
-- sources: main.daily
with known as (
    select
        *,
        home_wh is not null or grid_energy_imported_wh > 0 or grid_export_wh > 0 as has_grid_meter
    from main.daily
)
select
    site_id::bigint as site_id,
    local_date::date as local_date,
    status::varchar as status,
    round(coverage_pct)::integer as coverage_pct,
    round(solar_energy_exported_wh)::bigint as solar,
    round(home_wh)::bigint as home,
    (case when has_grid_meter then round(grid_energy_imported_wh) end)::bigint as grid_import,
    (case when has_grid_meter then round(grid_export_wh) end)::bigint as grid_export,
    round(battery_charge_wh)::bigint as battery_charge,
    round(battery_energy_exported_wh)::bigint as battery_discharge,
    round(generator_energy_exported_wh)::bigint as generator,
    (case when has_grid_meter then round(consumer_energy_imported_from_solar_wh) end)::bigint as solar_to_home,
    (case when has_grid_meter then round(battery_energy_imported_from_solar_wh) end)::bigint as solar_to_battery,
    (case when has_grid_meter then round(grid_energy_exported_from_solar_wh) end)::bigint as solar_to_grid,
    (case when has_grid_meter then round(consumer_energy_imported_from_battery_wh) end)::bigint as battery_to_home,
    (case when has_grid_meter then round(grid_energy_exported_from_battery_wh) end)::bigint as battery_to_grid,
    (case when has_grid_meter then round(consumer_energy_imported_from_grid_wh) end)::bigint as grid_to_home,
    (case when has_grid_meter then round(battery_energy_imported_from_grid_wh) end)::bigint as grid_to_battery,
    (case when has_grid_meter then round(consumer_energy_imported_from_generator_wh) end)::bigint as generator_to_home,
    (case when has_grid_meter then round(battery_energy_imported_from_generator_wh) end)::bigint as generator_to_battery,
    (case when has_grid_meter then round(grid_energy_exported_from_generator_wh) end)::bigint as generator_to_grid
from known
where list_contains($sites, site_id) and local_date between $since and $until
order by site_id, local_date
