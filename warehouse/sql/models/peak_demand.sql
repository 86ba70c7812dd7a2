-- purpose: the highest demand of each month as utilities bill it: mean power over fixed windows of 15, 30 or 60 minutes
--          that begin on the site's clock (block demand intervals, ANSI C12.1), the grid's and the home's; windows that
--          are not stored from end to end are left out, and of equal ones the earliest counts
-- grain: one row per site, local month and window length of which any window is stored whole
-- sources: main.energy_intervals, analytics.sites, meta.zone_days
create table analytics.peak_demand as
-- Quarters of an hour by number since 1970: every clock in use is ahead of UTC by whole quarters (Q36), so the site's
-- quarters are UTC's, and longer windows are made of them.
with intervals as (
    select
        site_id,
        epoch_us(interval_start) // 900000000 as quarter,
        interval_s,
        epoch_us(interval_start) + interval_s::bigint * 1000000 as stored_until_us,
        grid_energy_imported_wh as import_wh,
        case
            when coalesce(
                consumer_energy_imported_from_grid_wh,
                consumer_energy_imported_from_solar_wh,
                consumer_energy_imported_from_battery_wh,
                consumer_energy_imported_from_generator_wh
            ) is not null
                then coalesce(consumer_energy_imported_from_grid_wh, 0)
                    + coalesce(consumer_energy_imported_from_solar_wh, 0)
                    + coalesce(consumer_energy_imported_from_battery_wh, 0)
                    + coalesce(consumer_energy_imported_from_generator_wh, 0)
        end as home_wh
    from main.energy_intervals
),
quarters as (
    select
        site_id,
        quarter,
        sum(interval_s) as stored_s,
        max(stored_until_us) as stored_until_us,
        case when count(import_wh) = count(*) then sum(import_wh) end as import_wh,
        case when count(home_wh) = count(*) then sum(home_wh) end as home_wh
    from intervals
    group by site_id, quarter
),
zoned as (
    select
        quarters.*,
        coalesce(sites.has_battery, false) as has_battery,
        quarters.quarter + coalesce(clock.offset_us, 0) // 900000000 as local_quarter
    from quarters
    left join analytics.sites as sites on sites.site_id = quarters.site_id
    left join meta.zone_days as clock
        on clock.zone = sites.zone
        and clock.utc_day = quarters.quarter // 96
        and make_timestamptz(quarters.quarter * 900000000) >= clock.begins_at
        and make_timestamptz(quarters.quarter * 900000000) < clock.ends_at
),
-- A day on which a site without battery reports neither import nor home energy is unknown, not without demand (Q16, Q43).
unmetered as (
    select site_id, local_quarter // 96 as local_day
    from zoned
    where not has_battery
    group by site_id, local_quarter // 96
    having coalesce(sum(import_wh), 0) + coalesce(sum(home_wh), 0) = 0
),
-- The two passes of a repeated hour have different offsets from UTC.
metered as (
    select site_id, local_quarter, local_quarter - quarter as ahead, stored_s, stored_until_us, import_wh, home_wh
    from zoned
    anti join unmetered on unmetered.site_id = zoned.site_id and unmetered.local_day = zoned.local_quarter // 96
),
halves as (
    select
        site_id,
        local_quarter // 2 * 2 as half,
        ahead,
        sum(stored_s) as stored_s,
        max(stored_until_us) as stored_until_us,
        case when count(import_wh) = count(*) then sum(import_wh) end as import_wh,
        case when count(home_wh) = count(*) then sum(home_wh) end as home_wh
    from metered
    group by site_id, local_quarter // 2 * 2, ahead
),
hours as (
    select
        site_id,
        half // 4 * 4 as hour,
        ahead,
        sum(stored_s) as stored_s,
        max(stored_until_us) as stored_until_us,
        case when count(import_wh) = count(*) then sum(import_wh) end as import_wh,
        case when count(home_wh) = count(*) then sum(home_wh) end as home_wh
    from halves
    group by site_id, half // 4 * 4, ahead
),
windows as (
    select 1 as quarters_long, site_id, local_quarter, ahead, stored_s, stored_until_us, import_wh, home_wh from metered
    union all
    select 2 as quarters_long, site_id, half, ahead, stored_s, stored_until_us, import_wh, home_wh from halves
    union all
    select 4 as quarters_long, site_id, hour, ahead, stored_s, stored_until_us, import_wh, home_wh from hours
),
-- The stored intervals begin in the window; they fill it if they are as long and end with it.
monthly as (
    select
        site_id,
        date_trunc('month', make_timestamp(local_quarter * 900000000)) as month,
        quarters_long,
        local_quarter - ahead as quarter,
        import_wh,
        home_wh
    from windows
    where stored_s = quarters_long * 900
        and stored_until_us = (local_quarter - ahead + quarters_long) * 900000000
),
peaks as (
    select site_id, month, quarters_long, max(import_wh) as import_wh, max(home_wh) as home_wh
    from monthly
    group by site_id, month, quarters_long
),
reached as (
    select
        peaks.site_id,
        peaks.month,
        peaks.quarters_long * 15 as window_minutes,
        any_value(peaks.import_wh) * 4 / any_value(peaks.quarters_long) / 1000 as peak_import_kw,
        any_value(peaks.home_wh) * 4 / any_value(peaks.quarters_long) / 1000 as peak_home_kw,
        make_timestamptz(min(quarter) filter (monthly.import_wh = peaks.import_wh) * 900000000) as import_at,
        make_timestamptz(min(quarter) filter (monthly.home_wh = peaks.home_wh) * 900000000) as home_at
    from peaks
    join monthly
        on monthly.site_id = peaks.site_id
        and monthly.month = peaks.month
        and monthly.quarters_long = peaks.quarters_long
    where monthly.import_wh = peaks.import_wh
        or monthly.home_wh = peaks.home_wh
        or coalesce(peaks.import_wh, peaks.home_wh) is null
    group by peaks.site_id, peaks.month, peaks.quarters_long
)
select
    reached.site_id::bigint as site_id,
    sites.site_name::varchar as site_name,
    reached.month::date as month,
    reached.window_minutes::integer as window_minutes,
    reached.peak_import_kw::double as peak_import_kw,
    reached.import_at::timestamptz as peak_import_at,
    make_timestamp(epoch_us(reached.import_at) + coalesce(import_clock.offset_us, 0))::timestamp as local_peak_import_at,
    reached.peak_home_kw::double as peak_home_kw,
    reached.home_at::timestamptz as peak_home_at,
    make_timestamp(epoch_us(reached.home_at) + coalesce(home_clock.offset_us, 0))::timestamp as local_peak_home_at
from reached
left join analytics.sites as sites on sites.site_id = reached.site_id
left join meta.zone_days as import_clock on meta.is_in_force(import_clock, sites.zone, reached.import_at)
left join meta.zone_days as home_clock on meta.is_in_force(home_clock, sites.zone, reached.home_at)
order by reached.site_id, reached.month, reached.window_minutes
