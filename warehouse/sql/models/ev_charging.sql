-- purpose: the energy that cars were charged with at home, by day. A session over midnight gives each day its share by time; a session
--          counts on the day it began. The energy is measured by the wall connector, and is a part of the home's
-- grain: one row per site and local day on which a car charged
-- sources: analytics.ev_session_days, main.daily, analytics.sites
create table analytics.ev_charging as
with days as (
    select
        site_id,
        local_date,
        count(*) filter (has_begun) as sessions,
        sum(ev_kwh) as ev_kwh,
        sum(charging_h) as charging_h
    from analytics.ev_session_days
    group by site_id, local_date
)
select
    days.site_id::bigint as site_id,
    sites.site_name::varchar as site_name,
    days.local_date::date as local_date,
    days.sessions::bigint as sessions,
    days.ev_kwh::double as ev_kwh,
    days.charging_h::double as charging_h,
    (daily.home_wh / 1000)::double as home_kwh,
    (100 * days.ev_kwh / nullif(daily.home_wh / 1000, 0))::double as ev_share_pct
from days
left join main.daily as daily on daily.site_id = days.site_id and daily.local_date = days.local_date
left join analytics.sites as sites on sites.site_id = days.site_id
order by days.site_id, days.local_date
