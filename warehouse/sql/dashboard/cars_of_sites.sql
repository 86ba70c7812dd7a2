-- purpose: charging of cars at sites by month
-- returns: one row per chosen site and month with sessions
-- sources: analytics.ev_charging
select
    site_id::varchar as site_id,
    strftime(local_date, '%Y-%m')::varchar as period,
    round(sum(ev_kwh), 3)::double as ev,
    sum(sessions)::integer as sessions,
    round(sum(charging_h), 1)::double as hours
from analytics.ev_charging
where list_contains($sites, site_id) and local_date between $since and $until
group by all
order by site_id, period
