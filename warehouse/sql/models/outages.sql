-- purpose: each time the site ran without the grid: how long (an interruption's duration, as IEEE 1366 counts it), what the
--          home used, what the battery and the panels gave meanwhile, and the battery's state before and after. Intervals
--          that the outage shares count by the share of their time; an energy is NULL unless the whole outage is held
-- grain: one row per site and outage
-- sources: main.backup_events, main.energy_intervals, main.state_of_energy, analytics.sites
create table analytics.outages as
with events as (
    select
        events.site_id,
        sites.site_name,
        events.started_at,
        events.ended_at,
        events.duration_s,
        timezone(coalesce(sites.zone, 'UTC'), events.started_at) as local_started_at,
        timezone(coalesce(sites.zone, 'UTC'), events.ended_at) as local_ended_at
    from main.backup_events as events
    left join analytics.sites as sites on sites.site_id = events.site_id
),
-- By their days first: an outage meets some hundred intervals, not all of its site's.
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
    from events
    cross join lateral (
        select unnest(generate_series(local_started_at::date, local_ended_at::date, interval 1 day))::date as local_date
    ) as days
    join main.energy_intervals as intervals
        on intervals.site_id = events.site_id
        and intervals.local_date = days.local_date
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
begun as (
    select events.*, soe.soe_pct as begin_soe_pct, soe.interval_start as begin_seen, soe.interval_s as begin_s
    from events
    asof left join main.state_of_energy as soe
        on soe.site_id = events.site_id and events.started_at >= soe.interval_start
),
ended as (
    select begun.*, soe.soe_pct as end_soe_pct, soe.interval_start as end_seen, soe.interval_s as end_s
    from begun
    asof left join main.state_of_energy as soe
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
