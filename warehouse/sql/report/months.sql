-- purpose: each month in kWh, and Tesla's own figure for it
-- returns: one row per chosen site and month
-- sources: analytics.monthly
select
    site_id::bigint as site_id,
    strftime(month, '%Y-%m')::varchar as month,
    days::integer as days,
    days_held::integer as days_stored,
    days_imported::integer as days_imported,
    round(solar_kwh, 3)::double as solar,
    round(home_kwh, 3)::double as home,
    round(grid_import_kwh, 3)::double as grid_import,
    round(grid_export_kwh, 3)::double as grid_export,
    round(tesla_solar_kwh, 3)::double as tesla_solar,
    round(tesla_home_kwh, 3)::double as tesla_home,
    round(tesla_grid_import_kwh, 3)::double as tesla_grid_import,
    round(tesla_grid_export_kwh, 3)::double as tesla_grid_export,
    round(tesla_solar_difference_kwh, 3)::double as tesla_solar_difference,
    round(tesla_home_difference_kwh, 3)::double as tesla_home_difference,
    round(tesla_grid_import_difference_kwh, 3)::double as tesla_grid_import_difference,
    round(tesla_grid_export_difference_kwh, 3)::double as tesla_grid_export_difference
from analytics.monthly
where list_contains($sites, site_id) and month between $since and $until
order by site_id, month
