-- purpose: the energy that cars were charged with, by day. A session over midnight gives each day its share by time, as if it had charged
--          evenly, so that the share of the day's home energy is not too high; a session counts on the day it
--          began. The energy is measured by the wall connector, and is a part of the home's
-- grain: one row per site and local day on which a car charged
-- sources: main.charge_sessions, main.daily, analytics.sites, meta.zone_days, meta.zone_offsets
create table analytics.ev_charging as
with sessions as (
    select
        sessions.*,
        coalesce(sites.zone, 'UTC') as zone,
        make_timestamp(epoch_us(sessions.started_at) + coalesce(start_clock.offset_us, 0))::date as first_date,
        make_timestamp(epoch_us(sessions.ended_at) + coalesce(end_clock.offset_us, 0))::date as last_date
    from main.charge_sessions as sessions
    left join analytics.sites as sites on sites.site_id = sessions.site_id
    left join meta.zone_days as start_clock on meta.is_in_force(start_clock, sites.zone, sessions.started_at)
    left join meta.zone_days as end_clock on meta.is_in_force(end_clock, sites.zone, sessions.ended_at)
),
-- No car charges for a year: a session of more days is a fault, and counts as a whole on the day it began. One day more is
-- considered, since a clock that was set back over midnight shows the day before, although the day has begun.
dated as (
    select
        *,
        unnest(
            generate_series(first_date, if(last_date - first_date > 366, first_date, last_date) + 1, interval 1 day)
        )::date as local_date
    from sessions
),
-- A day begins at the first instant at which its clock shows midnight or later: clocks skip midnight, and repeat it.
midnights as (
    select zone, local_date, epoch_us(local_date::timestamp) as midnight_us from dated
    union
    select zone, local_date + 1, epoch_us((local_date + 1)::timestamp) from dated
),
beginnings as (
    select
        midnights.zone,
        midnights.local_date,
        make_timestamptz(min(greatest(epoch_us(clock.begins_at), midnight_us - clock.offset_us))) as begins_at
    from midnights
    join meta.zone_offsets as clock
        on clock.zone = midnights.zone
        and midnight_us - clock.offset_us < epoch_us(clock.ends_at)
        -- Midnight is in this stretch of the clock, or in the gap before it: later ones would only cost memory.
        and epoch_us(clock.begins_at) <= midnight_us - clock.offset_us + 172800000000
    group by midnights.zone, midnights.local_date
),
shares as (
    select
        dated.site_id,
        dated.local_date,
        started_at >= day.begins_at and started_at < next_day.begins_at as has_begun,
        energy_added_wh,
        duration_s,
        epoch(ended_at) - epoch(started_at) as length_s,
        epoch(least(ended_at, next_day.begins_at)) - epoch(greatest(started_at, day.begins_at)) as shared_s
    from dated
    join beginnings as day on day.zone = dated.zone and day.local_date = dated.local_date
    join beginnings as next_day on next_day.zone = dated.zone and next_day.local_date = dated.local_date + 1
),
allotted as (
    select
        *,
        case when length_s > 0 and length_s < 366 * 86400 then shared_s / length_s else has_begun::integer end as share
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
