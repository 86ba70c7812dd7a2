-- question: how much energy were cars charged with each month, and what share of the home's energy on those days is that?
-- returns: site, month, sessions, energy, hours of charging, share of the home's energy on the days on which it is known
-- sources: analytics.ev_charging
select
    site_name,
    date_trunc('month', local_date)::date as month,
    sum(sessions)::bigint as sessions,
    round(sum(ev_kwh), 3) as ev_kwh,
    round(sum(charging_h), 3) as charging_h,
    100 * sum(ev_kwh) filter (home_kwh is not null) / sum(home_kwh) as ev_share_pct
from analytics.ev_charging
group by site_id, site_name, date_trunc('month', local_date)
order by site_name, month
