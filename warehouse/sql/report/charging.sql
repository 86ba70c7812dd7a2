-- purpose: energy that the wall connectors supplied to cars
-- returns: one row per chosen site and month with a charge
-- sources: analytics.ev_charging
select
    site_id::bigint as site_id,
    strftime(local_date, '%Y-%m')::varchar as month,
    sum(sessions)::integer as sessions,
    round(sum(ev_kwh), 3)::double as ev,
    round(sum(charging_h), 1)::double as hours
from analytics.ev_charging
where list_contains($sites, site_id) and local_date between $since and $until
group by all
order by site_id, month
