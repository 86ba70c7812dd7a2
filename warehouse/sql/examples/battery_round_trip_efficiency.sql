-- question: how much of what charged each battery did it give back, and how many full cycles did it do?
-- returns: site, year, energy in and out, what it holds more at the end, the efficiency, the cycles
-- sources: analytics.battery_cycles
select
    site_name,
    year(period_start) as year,
    charge_kwh,
    discharge_kwh,
    stored_change_kwh,
    round_trip_efficiency_pct,
    equivalent_full_cycles
from analytics.battery_cycles
where granularity = 'year'
order by site_name, year
