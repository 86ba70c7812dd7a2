-- purpose: the best estimate of each day in kWh, with the site's name, its status and how much of the day is covered
-- grain: one row per site and local day
-- sources: main.daily, main.sites
create view analytics.daily as
select
    daily.site_id::bigint as site_id,
    sites.site_name::varchar as site_name,
    daily.local_date::date as local_date,
    daily.status::varchar as status,
    daily.source::varchar as source,
    daily.coverage_pct::double as coverage_pct,
    (daily.solar_energy_exported_wh / 1000)::double as solar_kwh,
    (daily.home_wh / 1000)::double as home_kwh,
    (daily.grid_energy_imported_wh / 1000)::double as grid_import_kwh,
    (daily.grid_export_wh / 1000)::double as grid_export_kwh,
    (daily.battery_charge_wh / 1000)::double as battery_charge_kwh,
    (daily.battery_energy_exported_wh / 1000)::double as battery_discharge_kwh,
    (daily.generator_energy_exported_wh / 1000)::double as generator_kwh,
    (daily.consumer_energy_imported_from_solar_wh / 1000)::double as solar_to_home_kwh,
    (daily.battery_energy_imported_from_solar_wh / 1000)::double as solar_to_battery_kwh,
    (daily.grid_energy_exported_from_solar_wh / 1000)::double as solar_to_grid_kwh,
    (daily.consumer_energy_imported_from_battery_wh / 1000)::double as battery_to_home_kwh,
    (daily.grid_energy_exported_from_battery_wh / 1000)::double as battery_to_grid_kwh,
    (daily.consumer_energy_imported_from_grid_wh / 1000)::double as grid_to_home_kwh,
    (daily.battery_energy_imported_from_grid_wh / 1000)::double as grid_to_battery_kwh
from main.daily as daily
left join main.sites as sites on sites.site_id = daily.site_id
