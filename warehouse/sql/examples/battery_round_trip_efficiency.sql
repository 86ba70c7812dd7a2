-- question: how much of the energy that charged each battery did it discharge, and in how many full cycles?
-- returns: site, year, energy in and out, the change of its stored energy, the efficiency, the cycles
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
