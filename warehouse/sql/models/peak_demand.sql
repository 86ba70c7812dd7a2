-- purpose: the highest demand of each month as utilities bill it: mean power over fixed windows of 15, 30 or 60 minutes
--          that begin on the site's clock (block demand intervals, ANSI C12.1), the grid's and the home's; windows that
--          are not held from end to end are left out, and of equals the earliest counts
-- grain: one row per site, local month and window length of which any window is held whole
-- sources: main.energy_intervals, analytics.sites
create table analytics.peak_demand as
with placed as (
    select
        intervals.site_id,
        intervals.interval_start,
        intervals.interval_s,
        timezone(coalesce(sites.zone, 'UTC'), intervals.interval_start) as local_start,
        intervals.grid_energy_imported_wh as import_wh,
        case
            when coalesce(
                intervals.consumer_energy_imported_from_grid_wh,
                intervals.consumer_energy_imported_from_solar_wh,
                intervals.consumer_energy_imported_from_battery_wh,
                intervals.consumer_energy_imported_from_generator_wh
            ) is not null
                then coalesce(intervals.consumer_energy_imported_from_grid_wh, 0)
                    + coalesce(intervals.consumer_energy_imported_from_solar_wh, 0)
                    + coalesce(intervals.consumer_energy_imported_from_battery_wh, 0)
                    + coalesce(intervals.consumer_energy_imported_from_generator_wh, 0)
        end as home_wh,
        coalesce(sites.has_battery, false) as has_battery
    from main.energy_intervals as intervals
    left join analytics.sites as sites on sites.site_id = intervals.site_id
),
-- Longer windows are made of quarters. The two passes of a repeated hour differ in what the clock is ahead of UTC.
quarters as (
    select
        site_id,
        time_bucket(interval 15 minutes, local_start) as local_start,
        epoch_us(local_start) - epoch_us(interval_start) as ahead_us,
        any_value(has_battery) as has_battery,
        sum(interval_s) as held_s,
        max(epoch_us(local_start) + interval_s * 1000000) as held_until_us,
        case when count(import_wh) = count(*) then sum(import_wh) end as import_wh,
        case when count(home_wh) = count(*) then sum(home_wh) end as home_wh
    from placed
    group by site_id, time_bucket(interval 15 minutes, local_start), epoch_us(local_start) - epoch_us(interval_start)
),
-- A day on which a site without battery tells of neither import nor home is not one without demand (Q16, Q43).
unmetered as (
    select site_id, local_start::date as local_date
    from quarters
    where not has_battery
    group by site_id, local_start::date
    having coalesce(sum(import_wh), 0) + coalesce(sum(home_wh), 0) = 0
),
metered as (
    select quarters.* exclude (has_battery)
    from quarters
    anti join unmetered on unmetered.site_id = quarters.site_id and unmetered.local_date = quarters.local_start::date
),
lengths as (
    select unnest([15, 30, 60])::integer as window_minutes
),
windows as (
    select
        site_id,
        window_minutes,
        time_bucket(to_minutes(window_minutes), local_start) as local_window,
        ahead_us,
        case when count(import_wh) = count(*) then sum(import_wh) end * 60 / window_minutes / 1000 as import_kw,
        case when count(home_wh) = count(*) then sum(home_wh) end * 60 / window_minutes / 1000 as home_kw
    from metered
    cross join lengths
    group by site_id, window_minutes, time_bucket(to_minutes(window_minutes), local_start), ahead_us
    having sum(held_s) = window_minutes * 60
        and max(held_until_us) = epoch_us(local_window) + window_minutes::bigint * 60000000
),
peaks as (
    select
        site_id,
        date_trunc('month', local_window) as month,
        window_minutes,
        max(import_kw) as peak_import_kw,
        max(home_kw) as peak_home_kw
    from windows
    group by site_id, date_trunc('month', local_window), window_minutes
),
reached as (
    select
        peaks.site_id,
        peaks.month,
        peaks.window_minutes,
        any_value(peaks.peak_import_kw) as peak_import_kw,
        any_value(peaks.peak_home_kw) as peak_home_kw,
        min(epoch_us(local_window) - ahead_us) filter (import_kw = peak_import_kw) as import_us,
        min(epoch_us(local_window) - ahead_us) filter (home_kw = peak_home_kw) as home_us
    from peaks
    join windows
        on windows.site_id = peaks.site_id
        and windows.window_minutes = peaks.window_minutes
        and date_trunc('month', windows.local_window) = peaks.month
        and (windows.import_kw = peaks.peak_import_kw or windows.home_kw = peaks.peak_home_kw)
    group by peaks.site_id, peaks.month, peaks.window_minutes
)
select
    reached.site_id::bigint as site_id,
    sites.site_name::varchar as site_name,
    reached.month::date as month,
    reached.window_minutes::integer as window_minutes,
    reached.peak_import_kw::double as peak_import_kw,
    make_timestamptz(reached.import_us)::timestamptz as peak_import_at,
    timezone(coalesce(sites.zone, 'UTC'), make_timestamptz(reached.import_us))::timestamp as local_peak_import_at,
    reached.peak_home_kw::double as peak_home_kw,
    make_timestamptz(reached.home_us)::timestamptz as peak_home_at,
    timezone(coalesce(sites.zone, 'UTC'), make_timestamptz(reached.home_us))::timestamp as local_peak_home_at
from reached
left join analytics.sites as sites on sites.site_id = reached.site_id
order by reached.site_id, reached.month, reached.window_minutes
