-- purpose: each grid outage, by the site's clock
-- returns: one row per chosen site and outage
-- sources: analytics.outages
select
    site_id::bigint as site_id,
    strftime(local_started_at, '%Y-%m-%d')::varchar as day,
    strftime(local_started_at, '%H:%M')::varchar as time,
    round(duration_s)::bigint as duration,
    round(home_kwh, 2)::double as home,
    round(battery_discharge_kwh, 2)::double as battery_discharge,
    round(begin_soe_pct)::integer as soe_start,
    round(end_soe_pct)::integer as soe_end
from analytics.outages
where list_contains($sites, site_id) and local_started_at::date between $since and $until
order by site_id, started_at
