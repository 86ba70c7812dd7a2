-- purpose: each calendar year as the sum of its days, beside the year that Tesla's lifetime series gives, and the difference
-- grain: one row per site and local year that the days or Tesla tell of
-- sources: analytics.periods
create view analytics.yearly as
select
    site_id,
    site_name,
    year(period_start)::integer as year,
    * exclude (site_id, site_name, granularity, period_start, period_end)
from analytics.periods
where granularity = 'year'
