-- purpose: what the cars took, by day. A session over midnight gives each day its share by time, as if it had charged
--          evenly, so that the day's share of what the home used is not more than was; a session counts on the day it
--          began. The energy is the wall connector's, which the home's meter sees too
-- grain: one row per site and local day on which a car charged
-- sources: main.charge_sessions, main.daily, analytics.sites
create table analytics.ev_charging as
with sessions as (
    select
        sessions.*,
        coalesce(sites.zone, 'UTC') as zone,
        timezone(coalesce(sites.zone, 'UTC'), sessions.started_at)::date as first_date,
        timezone(coalesce(sites.zone, 'UTC'), sessions.ended_at)::date as last_date
    from main.charge_sessions as sessions
    left join analytics.sites as sites on sites.site_id = sessions.site_id
),
dated as (
    select
        *,
        unnest(generate_series(first_date, last_date, interval 1 day))::date as local_date
    from sessions
),
shares as (
    select
        site_id,
        local_date,
        local_date = first_date as has_begun,
        energy_added_wh,
        duration_s,
        epoch(ended_at) - epoch(started_at) as length_s,
        epoch(least(ended_at, timezone(zone, (local_date + 1)::timestamp)))
        - epoch(greatest(started_at, timezone(zone, local_date::timestamp))) as shared_s
    from dated
),
allotted as (
    select
        *,
        case when length_s > 0 then shared_s / length_s else has_begun::integer end as share
    from shares
    where has_begun or shared_s > 0
),
days as (
    select
        site_id,
        local_date,
        count(*) filter (has_begun) as sessions,
        sum(energy_added_wh * share) / 1000 as ev_kwh,
        sum(duration_s * share) / 3600 as charging_h
    from allotted
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
