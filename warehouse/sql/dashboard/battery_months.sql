-- purpose: the battery's use and efficiency by month and year
-- returns: one row per chosen site, granularity (month, year) and period
-- sources: analytics.battery_cycles
select
    site_id::varchar as site_id,
    granularity::varchar as granularity,
    strftime(period_start, '%Y-%m')::varchar as period,
    round(equivalent_full_cycles, 2)::double as cycles,
    round(charge_kwh, 3)::double as charge,
    round(discharge_kwh, 3)::double as discharge,
    round(round_trip_efficiency_pct, 2)::double as efficiency
from analytics.battery_cycles
where list_contains($sites, site_id) and granularity in ('month', 'year')
order by site_id, granularity, period_start
