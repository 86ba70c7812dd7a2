-- purpose: the battery's capacity by month, with its interval, beside the first year and the rated energy
-- returns: one row per chosen site and month
-- sources: analytics.battery_health
select
    site_id::varchar as site_id,
    strftime(month, '%Y-%m')::varchar as month,
    round(capacity_kwh, 3)::double as capacity,
    round(capacity_low_kwh, 3)::double as low,
    round(capacity_high_kwh, 3)::double as high,
    spans::integer as spans,
    round(live_capacity_kwh, 3)::double as live,
    nameplate_energy_kwh::double as nameplate,
    round(of_nameplate_pct, 1)::double as of_nameplate,
    round(of_first_year_pct, 1)::double as of_first_year
from analytics.battery_health
where list_contains($sites, site_id)
order by site_id, month
