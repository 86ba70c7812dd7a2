-- question: how much of its capacity has the battery lost since its first year?
-- returns: site, year, mean capacity of its months, capacity by that of the first year and by rated energy
-- sources: analytics.battery_health
select
    site_name,
    year(month) as year,
    round(avg(capacity_kwh), 2) as capacity_kwh,
    round(avg(of_first_year_pct), 1) as of_first_year_pct,
    round(avg(of_nameplate_pct), 1) as of_nameplate_pct,
    count(capacity_kwh) as months
from analytics.battery_health
group by site_name, year(month)
order by site_name, year
