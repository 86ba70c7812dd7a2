-- question: how many hours was each site off grid, in how many outages, and how long was the longest?
-- returns: site, year, outages, hours, hours of the longest one, energy the home used meanwhile as far as it is stored
-- sources: analytics.outages
select
    site_name,
    year(local_started_at) as year,
    count(*) as outages,
    round(sum(duration_h), 3) as hours_off_grid,
    max(duration_h) as longest_h,
    round(sum(home_kwh), 3) as home_kwh
from analytics.outages
group by site_id, site_name, year(local_started_at)
order by site_name, year
