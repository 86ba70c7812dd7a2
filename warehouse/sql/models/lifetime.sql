-- purpose: the whole history as the sum of its days, with the sum of the years of Tesla's lifetime series
-- grain: one row per site
-- sources: analytics.periods
create view analytics.lifetime as
select
    site_id,
    site_name,
    period_start as first_day,
    period_end as last_day,
    * exclude (site_id, site_name, granularity, period_start, period_end)
from analytics.periods
where granularity = 'lifetime'
