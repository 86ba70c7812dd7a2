-- purpose: the typical day of each calendar month: mean energy by hour of the site's clock, over hours that are stored whole
--          (a load profile: the mean of the same hour over the days of a class, as utilities publish it)
-- grain: one row per site, month of the year and hour of the day
-- sources: analytics.hourly
create table analytics.hourly_profile as
select
    site_id::bigint as site_id,
    any_value(site_name)::varchar as site_name,
    month(local_hour)::integer as month_of_year,
    hour(local_hour)::integer as hour_of_day,
    count(distinct local_date)::bigint as days,
    avg(solar_kwh)::double as solar_kwh,
    avg(home_kwh)::double as home_kwh,
    avg(grid_import_kwh)::double as grid_import_kwh,
    avg(grid_export_kwh)::double as grid_export_kwh,
    avg(battery_charge_kwh)::double as battery_charge_kwh,
    avg(battery_discharge_kwh)::double as battery_discharge_kwh,
    avg(generator_kwh)::double as generator_kwh,
    avg(solar_to_home_kwh)::double as solar_to_home_kwh,
    avg(solar_to_battery_kwh)::double as solar_to_battery_kwh,
    avg(solar_to_grid_kwh)::double as solar_to_grid_kwh,
    avg(battery_to_home_kwh)::double as battery_to_home_kwh,
    avg(battery_to_grid_kwh)::double as battery_to_grid_kwh,
    avg(grid_to_home_kwh)::double as grid_to_home_kwh,
    avg(grid_to_battery_kwh)::double as grid_to_battery_kwh
from analytics.hourly
where held_s = 3600
group by site_id, month(local_hour), hour(local_hour)
order by site_id, month_of_year, hour_of_day
