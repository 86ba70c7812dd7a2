-- purpose: each calendar month as the sum of its days, beside the month that Tesla's year series gives, and the difference
-- grain: one row per site and local month that the days or Tesla tell of
-- sources: analytics.periods
create view analytics.monthly as
select
    site_id,
    site_name,
    period_start as month,
    * exclude (site_id, site_name, granularity, period_start, period_end)
from analytics.periods
where granularity = 'month'
