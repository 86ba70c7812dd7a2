-- purpose: each charge session at home by day: one over midnight gives each day its share by time, as if it had charged evenly, so that
--          the share of the day's home energy is not too high. A session has a car only where a snapshot taken while it lasted says
--          which one was plugged in at that connector, and all such snapshots say the same; else it is not known
-- grain: one row per site, charge session and local day
-- sources: main.charge_sessions, main.wall_connector_states, analytics.sites, meta.zone_days, meta.zone_offsets
create view analytics.ev_session_days as
with plugged as (
    select
        sessions.site_id,
        sessions.started_at,
        sessions.target_id,
        case when count(distinct states.vehicle) = 1 then min(states.vehicle) end as vehicle
    from main.charge_sessions as sessions
    join main.wall_connector_states as states
        on states.site_id = sessions.site_id
        and states.din_hash = sessions.din_hash
        and states.observed_at between sessions.started_at and sessions.ended_at
    group by sessions.site_id, sessions.started_at, sessions.target_id
),
sessions as (
    select
        sessions.*,
        plugged.vehicle,
        coalesce(sites.zone, 'UTC') as zone,
        make_timestamp(epoch_us(sessions.started_at) + coalesce(start_clock.offset_us, 0))::date as first_date,
        make_timestamp(epoch_us(sessions.ended_at) + coalesce(end_clock.offset_us, 0))::date as last_date
    from main.charge_sessions as sessions
    left join plugged
        on plugged.site_id = sessions.site_id
        and plugged.started_at = sessions.started_at
        and plugged.target_id = sessions.target_id
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
        dated.started_at,
        dated.target_id,
        dated.vehicle,
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
)
select
    site_id::bigint as site_id,
    local_date::date as local_date,
    started_at::timestamptz as started_at,
    target_id::varchar as target_id,
    vehicle::varchar as vehicle,
    has_begun::boolean as has_begun,
    (energy_added_wh * share / 1000)::double as ev_kwh,
    (duration_s * share / 3600)::double as charging_h
from allotted
order by site_id, local_date, started_at, target_id
