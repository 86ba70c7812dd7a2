-- purpose: each month in kWh beside what Tesla's own month says. Where a side does not know the home, its grid of zeros is
--          unknown, too (Q43)
-- returns: one row per chosen site and month
-- sources: analytics.monthly
with known as (
    select
        *,
        home_kwh is not null or grid_import_kwh > 0 or grid_export_kwh > 0 as has_grid_meter,
        tesla_home_kwh is not null or tesla_grid_import_kwh > 0 or tesla_grid_export_kwh > 0 as tesla_has_grid_meter
    from analytics.monthly
)
select
    site_id::bigint as site_id,
    strftime(month, '%Y-%m')::varchar as month,
    days::integer as days,
    days_held::integer as days_held,
    round(solar_kwh, 3)::double as solar,
    round(home_kwh, 3)::double as home,
    (case when has_grid_meter then round(grid_import_kwh, 3) end)::double as grid_import,
    (case when has_grid_meter then round(grid_export_kwh, 3) end)::double as grid_export,
    round(tesla_solar_kwh, 3)::double as tesla_solar,
    round(tesla_home_kwh, 3)::double as tesla_home,
    (case when tesla_has_grid_meter then round(tesla_grid_import_kwh, 3) end)::double as tesla_grid_import,
    (case when tesla_has_grid_meter then round(tesla_grid_export_kwh, 3) end)::double as tesla_grid_export,
    round(tesla_solar_difference_kwh, 3)::double as tesla_solar_difference,
    round(tesla_home_difference_kwh, 3)::double as tesla_home_difference,
    (case when has_grid_meter and tesla_has_grid_meter then round(tesla_grid_import_difference_kwh, 3) end)::double
        as tesla_grid_import_difference,
    (case when has_grid_meter and tesla_has_grid_meter then round(tesla_grid_export_difference_kwh, 3) end)::double
        as tesla_grid_export_difference
from known
where list_contains($sites, site_id) and month between $since and $until
order by site_id, month
