-- purpose: each calendar year as the sum of its days, with the year of Tesla's lifetime series, and the difference
-- grain: one row per site and local year of the days or of Tesla's series
-- sources: analytics.periods
create view analytics.yearly as
select
    site_id,
    site_name,
    year(period_start)::integer as year,
    * exclude (site_id, site_name, granularity, period_start, period_end)
from analytics.periods
where granularity = 'year'
