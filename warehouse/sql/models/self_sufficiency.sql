-- purpose: self-consumption, the share of the solar energy that was not given to the grid, and self-sufficiency, the share
--          of what the home used that the grid did not supply (Luthander et al., Applied Energy 142, 2015, 80-94). What
--          charged the battery from the grid is the grid's, on the day it was taken and losses included, less what the
--          battery gave back to the grid. self_powered_pct is the app's figure, to which all battery energy is the
--          site's own. Percentages stand on the days that tell all of their parts; energies on all days
-- grain: one row per site, granularity (day, month, year) and period
-- sources: analytics.daily
create table analytics.self_sufficiency as
with days as (
    select
        *,
        date_trunc('month', local_date)::date as month,
        date_trunc('year', local_date)::date as year,
        -- A home that is unknown was not split off what the panels gave: then exports are unknown too (Q43).
        case when home_kwh is not null and solar_to_grid_kwh is not null then solar_kwh end as counted_solar_kwh,
        -- greatest() and least() pass over NULL, so what is unknown is asked for first.
        case
            when grid_to_battery_kwh - battery_to_grid_kwh is not null
                then grid_to_home_kwh + greatest(grid_to_battery_kwh - battery_to_grid_kwh, 0)
        end as grid_supplied_kwh
    from analytics.daily
),
counted as (
    select
        *,
        case when grid_supplied_kwh is not null then home_kwh end as counted_home_kwh,
        case when home_kwh is not null and grid_supplied_kwh is not null then least(grid_supplied_kwh, home_kwh) end as counted_grid_kwh
    from days
),
periods as (
    select
        site_id,
        any_value(site_name) as site_name,
        case grouping_id(local_date, month, year) when 3 then 'day' when 5 then 'month' else 'year' end as granularity,
        coalesce(local_date, month, year) as period_start,
        count(counted_home_kwh) as days,
        sum(solar_kwh) as solar_kwh,
        sum(home_kwh) as home_kwh,
        sum(grid_import_kwh) as grid_import_kwh,
        sum(grid_export_kwh) as grid_export_kwh,
        sum(counted_solar_kwh) as counted_solar_kwh,
        sum(solar_to_grid_kwh) filter (counted_solar_kwh is not null) as exported_solar_kwh,
        sum(counted_home_kwh) as counted_home_kwh,
        sum(counted_grid_kwh) as counted_grid_kwh,
        sum(grid_to_home_kwh) filter (counted_home_kwh is not null) as grid_to_home_kwh
    from counted
    group by grouping sets ((site_id, local_date), (site_id, month), (site_id, year))
)
select
    site_id::bigint as site_id,
    site_name::varchar as site_name,
    granularity::varchar as granularity,
    period_start::date as period_start,
    days::bigint as days,
    solar_kwh::double as solar_kwh,
    home_kwh::double as home_kwh,
    grid_import_kwh::double as grid_import_kwh,
    grid_export_kwh::double as grid_export_kwh,
    (100 * (1 - exported_solar_kwh / nullif(counted_solar_kwh, 0)))::double as self_consumption_pct,
    (100 * (1 - counted_grid_kwh / nullif(counted_home_kwh, 0)))::double as self_sufficiency_pct,
    (100 * (1 - grid_to_home_kwh / nullif(counted_home_kwh, 0)))::double as self_powered_pct
from periods
order by site_id, granularity, period_start
