-- purpose: the energy of the days on which cars charged is that of the sessions, to a thousandth of a Wh, and each session counts once
-- returns: site, the sum over days and the sum over sessions in kWh
-- sources: main.charge_sessions, analytics.ev_charging
with days as (
    select site_id, sum(ev_kwh) as days_kwh, sum(sessions) as days_sessions from analytics.ev_charging group by site_id
),
sessions as (
    select site_id, sum(energy_added_wh) / 1000 as sessions_kwh, count(*) as sessions
    from main.charge_sessions
    group by site_id
)
select coalesce(days.site_id, sessions.site_id) as site_id, days_kwh, sessions_kwh, days_sessions, sessions
from days
full join sessions on sessions.site_id = days.site_id
where abs(days_kwh - sessions_kwh) > 0.000001
    or days_sessions is distinct from sessions
order by site_id
