-- purpose: self-consumption, the share of the solar energy that was not given to the grid, and self-sufficiency, the share
--          of what the home used that the grid did not supply (Luthander et al., Applied Energy 142, 2015, 80-94). What
--          charged the battery from the grid is the grid's, on the day it was taken and losses included, less what the
--          battery gave back to the grid. self_powered_pct is the app's figure, to which all battery energy is the
--          site's own. Percentages are of the days with all of their parts; energies of all days
-- grain: one row per site, granularity (day, month, year) and period
-- sources: main.daily, analytics.sites
create table analytics.self_sufficiency as
with days as (
    select
        site_id,
        local_date,
        date_trunc('month', local_date)::date as month,
        date_trunc('year', local_date)::date as year,
        solar_energy_exported_wh as solar_wh,
        home_wh,
        grid_energy_imported_wh as grid_import_wh,
        grid_export_wh,
        grid_energy_exported_from_solar_wh as solar_to_grid_wh,
        consumer_energy_imported_from_grid_wh as grid_to_home_wh,
        battery_energy_imported_from_grid_wh - grid_energy_exported_from_battery_wh as grid_kept_wh
    from main.daily
),
-- greatest() and least() ignore NULL, so unknown parts are looked for first. Where the home is unknown, the panels' energy
-- was not split: then exports are unknown too (Q43).
split as (
    select
        *,
        home_wh is not null and solar_wh is not null and solar_to_grid_wh is not null as has_solar_split,
        home_wh is not null and grid_to_home_wh is not null and grid_kept_wh is not null as has_home_split,
        least(grid_to_home_wh + greatest(grid_kept_wh, 0), home_wh) as grid_supplied_wh
    from days
),
periods as (
    select
        site_id,
        case grouping_id(local_date, month, year) when 3 then 'day' when 5 then 'month' else 'year' end as granularity,
        coalesce(local_date, month, year) as period_start,
        count(*) filter (has_home_split) as days,
        sum(solar_wh) as solar_wh,
        sum(home_wh) as home_wh,
        sum(grid_import_wh) as grid_import_wh,
        sum(grid_export_wh) as grid_export_wh,
        sum(solar_wh) filter (has_solar_split) as split_solar_wh,
        sum(solar_to_grid_wh) filter (has_solar_split) as exported_solar_wh,
        sum(home_wh) filter (has_home_split) as split_home_wh,
        sum(grid_supplied_wh) filter (has_home_split) as grid_supplied_wh,
        sum(grid_to_home_wh) filter (has_home_split) as grid_to_home_wh
    from split
    group by grouping sets ((site_id, local_date), (site_id, month), (site_id, year))
)
select
    periods.site_id::bigint as site_id,
    sites.site_name::varchar as site_name,
    granularity::varchar as granularity,
    period_start::date as period_start,
    days::bigint as days,
    (solar_wh / 1000)::double as solar_kwh,
    (home_wh / 1000)::double as home_kwh,
    (grid_import_wh / 1000)::double as grid_import_kwh,
    (grid_export_wh / 1000)::double as grid_export_kwh,
    (100 * (1 - exported_solar_wh / nullif(split_solar_wh, 0)))::double as self_consumption_pct,
    (100 * (1 - grid_supplied_wh / nullif(split_home_wh, 0)))::double as self_sufficiency_pct,
    (100 * (1 - grid_to_home_wh / nullif(split_home_wh, 0)))::double as self_powered_pct
from periods
left join analytics.sites as sites on sites.site_id = periods.site_id
order by periods.site_id, granularity, period_start
