-- purpose: each calendar month as the sum of its days, beside the month that Tesla's year series gives, and the difference
-- grain: one row per site and local month that the days or Tesla tell of
-- sources: analytics.periods
create view analytics.monthly as
select
    site_id,
    site_name,
    period_start as month,
    days,
    days_held,
    solar_kwh,
    home_kwh,
    grid_import_kwh,
    grid_export_kwh,
    battery_charge_kwh,
    battery_discharge_kwh,
    generator_kwh,
    solar_to_home_kwh,
    solar_to_battery_kwh,
    solar_to_grid_kwh,
    battery_to_home_kwh,
    battery_to_grid_kwh,
    grid_to_home_kwh,
    grid_to_battery_kwh,
    tesla_solar_kwh,
    tesla_home_kwh,
    tesla_grid_import_kwh,
    tesla_grid_export_kwh,
    tesla_solar_difference_kwh,
    tesla_home_difference_kwh,
    tesla_grid_import_difference_kwh,
    tesla_grid_export_difference_kwh
from analytics.periods
where granularity = 'month'
