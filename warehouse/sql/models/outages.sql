-- purpose: each time the site ran without the grid: how long (an interruption's duration, as IEEE 1366 counts it), what the
--          home used, what the battery and the panels gave meanwhile, and the battery's state before and after. Intervals
--          that the outage shares count by the share of their time; an energy is NULL unless intervals of the whole outage are stored
-- grain: one row per site and outage
-- sources: main.backup_events, main.energy_intervals, main.state_of_energy, analytics.sites, meta.zone_days
create table analytics.outages as
with events as (
    select
        events.site_id,
        sites.site_name,
        events.started_at,
        events.ended_at,
        events.duration_s,
        make_timestamp(epoch_us(events.started_at) + coalesce(start_clock.offset_us, 0)) as local_started_at,
        make_timestamp(epoch_us(events.ended_at) + coalesce(end_clock.offset_us, 0)) as local_ended_at
    from main.backup_events as events
    left join analytics.sites as sites on sites.site_id = events.site_id
    left join meta.zone_days as start_clock on meta.is_in_force(start_clock, sites.zone, events.started_at)
    left join meta.zone_days as end_clock on meta.is_in_force(end_clock, sites.zone, events.ended_at)
),
-- Joined by days first: an outage overlaps some hundred intervals, not all of its site's. As a lateral join, the days were
-- joined last.
days as materialized (
    select
        site_id,
        started_at,
        ended_at,
        unnest(generate_series(local_started_at::date, local_ended_at::date, interval 1 day))::date as local_date
    from events
),
shares as (
    select
        events.site_id,
        events.started_at,
        epoch(least(events.ended_at, intervals.interval_start + to_seconds(intervals.interval_s)))
        - epoch(greatest(events.started_at, intervals.interval_start)) as shared_s,
        intervals.interval_s,
        list_sum([
            intervals.consumer_energy_imported_from_grid_wh,
            intervals.consumer_energy_imported_from_solar_wh,
            intervals.consumer_energy_imported_from_battery_wh,
            intervals.consumer_energy_imported_from_generator_wh
        ]) as home_wh,
        intervals.battery_energy_exported_wh as battery_discharge_wh,
        intervals.solar_energy_exported_wh as solar_wh
    from days as events
    join main.energy_intervals as intervals
        on intervals.site_id = events.site_id
        and intervals.local_date = events.local_date
        and intervals.interval_start < events.ended_at
        and intervals.interval_start + to_seconds(intervals.interval_s) > events.started_at
),
energies as (
    select
        site_id,
        started_at,
        sum(shared_s) filter (home_wh is not null) as home_s,
        sum(shared_s) filter (battery_discharge_wh is not null) as battery_s,
        sum(shared_s) filter (solar_wh is not null) as solar_s,
        sum(home_wh * shared_s / interval_s) as home_wh,
        sum(battery_discharge_wh * shared_s / interval_s) as battery_discharge_wh,
        sum(solar_wh * shared_s / interval_s) as solar_wh
    from shares
    group by site_id, started_at
),
-- An interval that contains the beginning or the end of an outage begins on that day or on the day before.
soe_of_days as (
    select stored.*
    from main.state_of_energy as stored
    semi join (
        select site_id, local_date from days
        union
        select site_id, local_started_at::date - 1 as local_date from events
    ) as near on near.site_id = stored.site_id and near.local_date = stored.local_date
),
begun as (
    select events.*, soe.soe_pct as begin_soe_pct, soe.interval_start as begin_seen, soe.interval_s as begin_s
    from events
    asof left join soe_of_days as soe
        on soe.site_id = events.site_id and events.started_at >= soe.interval_start
),
ended as (
    select begun.*, soe.soe_pct as end_soe_pct, soe.interval_start as end_seen, soe.interval_s as end_s
    from begun
    asof left join soe_of_days as soe
        on soe.site_id = begun.site_id and begun.ended_at >= soe.interval_start
)
select
    ended.site_id::bigint as site_id,
    ended.site_name::varchar as site_name,
    ended.started_at::timestamptz as started_at,
    ended.ended_at::timestamptz as ended_at,
    ended.local_started_at::timestamp as local_started_at,
    ended.local_ended_at::timestamp as local_ended_at,
    ended.local_started_at::date as local_date,
    ended.duration_s::double as duration_s,
    (ended.duration_s / 3600)::double as duration_h,
    (case when energies.home_s >= ended.duration_s - 1 then energies.home_wh end / 1000)::double
        as home_kwh,
    (case when energies.battery_s >= ended.duration_s - 1 then energies.battery_discharge_wh end / 1000)::double
        as battery_discharge_kwh,
    (case when energies.solar_s >= ended.duration_s - 1 then energies.solar_wh end / 1000)::double as solar_kwh,
    case when ended.started_at < ended.begin_seen + to_seconds(ended.begin_s) then ended.begin_soe_pct end::double
        as begin_soe_pct,
    case when ended.ended_at < ended.end_seen + to_seconds(ended.end_s) then ended.end_soe_pct end::double
        as end_soe_pct
from ended
left join energies on energies.site_id = ended.site_id and energies.started_at = ended.started_at
order by ended.site_id, ended.started_at
