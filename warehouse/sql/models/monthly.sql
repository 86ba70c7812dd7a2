-- purpose: each calendar month as the sum of its days, with the month of Tesla's year series, and the difference
-- grain: one row per site and local month of the days or of Tesla's series
-- sources: analytics.periods
create view analytics.monthly as
select
    site_id,
    site_name,
    period_start as month,
    * exclude (site_id, site_name, granularity, period_start, period_end)
from analytics.periods
where granularity = 'month'
