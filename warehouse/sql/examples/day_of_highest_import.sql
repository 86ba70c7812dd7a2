-- question: on which day of this year did each site import most from the grid?
-- returns: site, day, energy imported, solar energy, home energy, self-sufficiency
-- sources: analytics.self_sufficiency, analytics.sites
select site_name, period_start as day, grid_import_kwh, solar_kwh, home_kwh, self_sufficiency_pct
from analytics.self_sufficiency
join analytics.sites using (site_id, site_name)
where granularity = 'day' and year(period_start) = year(today) and grid_import_kwh is not null
qualify row_number() over (partition by site_id order by grid_import_kwh desc, period_start) = 1
order by site_name
