-- question: how self-sufficient was each site yesterday, by its own calendar?
-- returns: site, day, home energy, grid import, the shares
-- sources: analytics.self_sufficiency, analytics.sites
select site_name, period_start as day, home_kwh, grid_import_kwh, self_sufficiency_pct, self_powered_pct
from analytics.self_sufficiency
join analytics.sites using (site_id, site_name)
where granularity = 'day' and period_start = today - 1
order by site_name
