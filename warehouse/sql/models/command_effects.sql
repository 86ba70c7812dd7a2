-- purpose: the flows before and after each change of a setting, wattlog's or another's, in kWh a day. Side length `24 hours` has the 24 hours
--          from the next full hour on and the same hours of the same weekday a week before, `7 days` the seven whole days before and
--          after the change, each weekday once, so that neither the hour nor the weekday is read as an effect. The weather and what the
--          home needs are left out of the claim: solar of both sides stands beside it, and there is a difference only where
--          solar differs by at most 20 % or 0.5 kWh a day. Where it cannot be said what differs, status and reason say why
-- grain: one row per change of a setting and length of the sides (24 hours, 7 days)
-- sources: main.setting_changes, main.daily, main.state_of_energy, main.live_status, analytics.sites, analytics.hourly, analytics.outages, analytics.battery_cycles, meta.zone_days, meta.zone_offsets
create table analytics.command_effects as
with changes as (
    select
        row_number() over (order by changed.site_id, changed.changed_at, changed.name, changed.command_id) as change_no,
        changed.*,
        sites.site_name,
        coalesce(sites.has_solar, false) as has_solar,
        make_timestamp(epoch_us(changed.changed_at) + coalesce(clock.offset_us, 0)) as local_changed_at,
        make_timestamp(epoch_us(changed.not_before) + coalesce(earlier_clock.offset_us, 0)) as local_not_before
    from main.setting_changes as changed
    left join analytics.sites as sites on sites.site_id = changed.site_id
    left join meta.zone_offsets as clock
        on clock.zone = sites.zone and changed.changed_at >= clock.begins_at and changed.changed_at < clock.ends_at
    left join meta.zone_offsets as earlier_clock
        on earlier_clock.zone = sites.zone
        and changed.not_before >= earlier_clock.begins_at
        and changed.not_before < earlier_clock.ends_at
),
-- Of the changes around a change, the nearest instants at which another one may have happened.
surrounded as (
    select
        *,
        date_diff('day', local_not_before::date, local_changed_at::date) as unknown_days,
        max(local_changed_at) over (
            partition by site_id order by change_no rows between unbounded preceding and 1 preceding
        ) as other_before,
        min(local_not_before) over (
            partition by site_id order by change_no rows between 1 following and unbounded following
        ) as other_after,
        date_trunc('hour', local_changed_at + interval 1 hour - interval 1 microsecond) as next_hour,
        date_trunc('day', local_changed_at + interval 1 day - interval 1 microsecond) as next_day
    from changes
),
pairs as (
    select
        *,
        '24 hours' as side_length,
        next_hour as after_from,
        -- The same weekday, before the last instant at which the value before was seen.
        next_hour - interval 7 day * greatest(
            1, ceil(epoch(next_hour + interval 1 day - local_not_before) / 604800)::integer
        ) as before_from,
        interval 1 day as length
    from surrounded
    union all
    select
        *,
        '7 days' as side_length,
        next_day as after_from,
        date_trunc('day', local_not_before) - interval 7 day as before_from,
        interval 7 day as length
    from surrounded
),
sides as (
    select change_no, site_id, side_length, false as is_after, before_from as from_at, before_from + length as until_at from pairs
    union all
    select change_no, site_id, side_length, true as is_after, after_from as from_at, after_from + length as until_at from pairs
),
-- A day whose estimate is not final, or which lacks some of its intervals, is not whole (Q12, Q14).
days as materialized (
    select
        dated.*,
        daily.status not in ('missing', 'provisional')
            and (daily.coverage_pct = 0 or daily.coverage_pct >= 98) is true as is_whole,
        coalesce(daily.grid_services_energy_imported_wh, 0)
            + coalesce(daily.grid_services_energy_exported_wh, 0) as grid_services_wh,
        daily.solar_energy_exported_wh / 1000 as solar_kwh,
        daily.home_wh / 1000 as home_kwh,
        daily.grid_energy_imported_wh / 1000 as grid_import_kwh,
        daily.grid_export_wh / 1000 as grid_export_kwh,
        daily.battery_charge_wh / 1000 as battery_charge_kwh,
        daily.battery_energy_exported_wh / 1000 as battery_discharge_kwh
    from (
        select
            *,
            unnest(generate_series(from_at::date, (until_at - interval 1 microsecond)::date, interval 1 day))::date
                as local_date
        from sides
    ) as dated
    left join main.daily as daily on daily.site_id = dated.site_id and daily.local_date = dated.local_date
),
hours as (
    select
        days.change_no,
        days.is_after,
        hourly.held_s = 3600 and days.is_whole as is_whole,
        hourly.solar_kwh,
        hourly.home_kwh,
        hourly.grid_import_kwh,
        hourly.grid_export_kwh,
        hourly.battery_charge_kwh,
        hourly.battery_discharge_kwh
    from days
    join analytics.hourly as hourly
        on hourly.site_id = days.site_id
        and hourly.local_date = days.local_date
        and hourly.local_hour >= days.from_at
        and hourly.local_hour < days.until_at
    where days.side_length = '24 hours'
),
-- Joined by days first, so that the clock is looked up for these rows alone.
soe_rows as materialized (
    select days.change_no, days.is_after, days.from_at, days.until_at, stored.*
    from days
    join main.state_of_energy as stored on stored.site_id = days.site_id and stored.local_date = days.local_date
    where days.side_length = '24 hours' and stored.soe_pct is not null
),
-- The state of energy of a side by time; NULL unless all of it is stored.
soe as (
    select
        placed.change_no,
        '24 hours' as side_length,
        placed.is_after,
        case when sum(placed.interval_s) = 86400 then sum(placed.soe_pct * placed.interval_s) / 86400 end as mean_soe_pct
    from (
        select
            soe_rows.*,
            make_timestamp(epoch_us(soe_rows.interval_start) + coalesce(clock.offset_us, 0)) as local_start
        from soe_rows
        left join analytics.sites as sites on sites.site_id = soe_rows.site_id
        left join meta.zone_days as clock on meta.is_in_force(clock, sites.zone, soe_rows.interval_start)
    ) as placed
    where placed.local_start >= placed.from_at and placed.local_start < placed.until_at
    group by placed.change_no, placed.is_after
    union all
    select
        days.change_no,
        '7 days' as side_length,
        days.is_after,
        case when count(cycles.mean_soe_pct) = 7 then avg(cycles.mean_soe_pct) end as mean_soe_pct
    from days
    join analytics.battery_cycles as cycles
        on cycles.site_id = days.site_id and cycles.granularity = 'day' and cycles.period_start = days.local_date
    where days.side_length = '7 days'
    group by days.change_no, days.is_after
),
outages as (
    select distinct sides.change_no, sides.side_length
    from sides
    join analytics.outages as outages
        on outages.site_id = sides.site_id
        and outages.local_started_at < sides.until_at
        and outages.local_ended_at > sides.from_at
),
storms as (
    select distinct sides.change_no, sides.side_length
    from sides
    join (
        select
            seen.site_id,
            make_timestamp(epoch_us(seen.observed_at) + coalesce(clock.offset_us, 0)) as local_observed_at
        from main.live_status as seen
        left join analytics.sites as sites on sites.site_id = seen.site_id
        left join meta.zone_offsets as clock
            on clock.zone = sites.zone and seen.observed_at >= clock.begins_at and seen.observed_at < clock.ends_at
        where seen.storm_mode_active
    ) as active
        on active.site_id = sides.site_id
        and active.local_observed_at >= sides.from_at
        and active.local_observed_at < sides.until_at
),
grid_services as (
    select distinct change_no, side_length from days where grid_services_wh > 0
),
energies as (
    select
        change_no,
        '24 hours' as side_length,
        is_after,
        count(*) filter (is_whole) as whole_parts,
        count(*) = 24 and bool_and(is_whole) as is_whole,
        count(*) > 24 as has_clock_change,
        case when count(solar_kwh) = 24 then sum(solar_kwh) end as solar_kwh,
        case when count(home_kwh) = 24 then sum(home_kwh) end as home_kwh,
        case when count(grid_import_kwh) = 24 then sum(grid_import_kwh) end as grid_import_kwh,
        case when count(grid_export_kwh) = 24 then sum(grid_export_kwh) end as grid_export_kwh,
        case when count(battery_charge_kwh) = 24 then sum(battery_charge_kwh) end as battery_charge_kwh,
        case when count(battery_discharge_kwh) = 24 then sum(battery_discharge_kwh) end as battery_discharge_kwh
    from hours
    group by change_no, is_after
    union all
    select
        change_no,
        '7 days' as side_length,
        is_after,
        count(*) filter (is_whole) as whole_parts,
        count(*) filter (is_whole) = 7 as is_whole,
        false as has_clock_change,
        case when count(solar_kwh) = 7 then sum(solar_kwh) / 7 end as solar_kwh,
        case when count(home_kwh) = 7 then sum(home_kwh) / 7 end as home_kwh,
        case when count(grid_import_kwh) = 7 then sum(grid_import_kwh) / 7 end as grid_import_kwh,
        case when count(grid_export_kwh) = 7 then sum(grid_export_kwh) / 7 end as grid_export_kwh,
        case when count(battery_charge_kwh) = 7 then sum(battery_charge_kwh) / 7 end as battery_charge_kwh,
        case when count(battery_discharge_kwh) = 7 then sum(battery_discharge_kwh) / 7 end as battery_discharge_kwh
    from days
    where side_length = '7 days'
    group by change_no, is_after
),
measured as (
    select
        sides.*,
        coalesce(energies.whole_parts, 0) as whole_parts,
        coalesce(energies.is_whole, false) as is_whole,
        energies.* exclude (change_no, side_length, is_after, whole_parts, is_whole),
        soe.mean_soe_pct
    from sides
    left join energies
        on energies.change_no = sides.change_no and energies.side_length = sides.side_length and energies.is_after = sides.is_after
    left join soe on soe.change_no = sides.change_no and soe.side_length = sides.side_length and soe.is_after = sides.is_after
),
judged as (
    select
        pairs.*,
        before,
        after,
        case
            when pairs.outcome <> 'applied' then 'it is not confirmed that the setting was changed'
            when pairs.unknown_days > 7
                then format('on which of {} days the setting was changed is not known', pairs.unknown_days + 1)
            when pairs.other_before > pairs.before_from or pairs.other_after < pairs.after_from + pairs.length
                then 'another change of a setting is in the time compared'
            when outages.change_no is not null then 'an outage is in the time compared'
            when storms.change_no is not null then 'storm watch was active in the time compared'
            when grid_services.change_no is not null then 'the battery gave grid services in the time compared'
            when before.has_clock_change or after.has_clock_change then 'the clocks changed in the time compared'
            when not (before.is_whole and after.is_whole)
                then format(
                    'complete and final energy is stored of {} {} before and {} after, of {} each',
                    before.whole_parts, if(pairs.side_length = '24 hours', 'hours', 'days'), after.whole_parts,
                    if(pairs.side_length = '24 hours', 24, 7)
                )
            when pairs.has_solar and (before.solar_kwh is null or after.solar_kwh is null) then 'solar is not known on both sides'
        end as lack
    from pairs
    join measured as before on before.change_no = pairs.change_no and before.side_length = pairs.side_length and not before.is_after
    join measured as after on after.change_no = pairs.change_no and after.side_length = pairs.side_length and after.is_after
    left join outages on outages.change_no = pairs.change_no and outages.side_length = pairs.side_length
    left join storms on storms.change_no = pairs.change_no and storms.side_length = pairs.side_length
    left join grid_services on grid_services.change_no = pairs.change_no and grid_services.side_length = pairs.side_length
),
stated as (
    select
        *,
        case
            when lack is not null then 'not_enough_data'
            when abs(after.solar_kwh - before.solar_kwh) > greatest(0.2 * greatest(before.solar_kwh, after.solar_kwh), 0.5)
                then 'solar_differs'
            else 'comparable'
        end as verdict
    from judged
)
select
    site_id::bigint as site_id,
    site_name::varchar as site_name,
    changed_at::timestamptz as changed_at,
    local_changed_at::timestamp as local_changed_at,
    not_before::timestamptz as not_before,
    name::varchar as name,
    value_before::varchar as value_before,
    value_after::varchar as value_after,
    nullif(command_id, '')::varchar as command_id,
    origin::varchar as origin,
    side_length::varchar as side_length,
    before_from::timestamp as before_from,
    (before_from + length)::timestamp as before_until,
    after_from::timestamp as after_from,
    (after_from + length)::timestamp as after_until,
    verdict::varchar as status,
    case
        when verdict = 'solar_differs'
            then format(
                'solar was {:.1f} kWh a day before and {:.1f} after, so what differs may be due to the weather',
                before.solar_kwh, after.solar_kwh
            )
        else lack
    end::varchar as reason,
    (case when lack is null then before.solar_kwh end)::double as before_solar_kwh,
    (case when lack is null then after.solar_kwh end)::double as after_solar_kwh,
    (case when lack is null then before.home_kwh end)::double as before_home_kwh,
    (case when lack is null then after.home_kwh end)::double as after_home_kwh,
    (case when lack is null then before.grid_import_kwh end)::double as before_grid_import_kwh,
    (case when lack is null then after.grid_import_kwh end)::double as after_grid_import_kwh,
    (case when lack is null then before.grid_export_kwh end)::double as before_grid_export_kwh,
    (case when lack is null then after.grid_export_kwh end)::double as after_grid_export_kwh,
    (case when lack is null then before.battery_charge_kwh end)::double as before_battery_charge_kwh,
    (case when lack is null then after.battery_charge_kwh end)::double as after_battery_charge_kwh,
    (case when lack is null then before.battery_discharge_kwh end)::double as before_battery_discharge_kwh,
    (case when lack is null then after.battery_discharge_kwh end)::double as after_battery_discharge_kwh,
    (case when lack is null then before.mean_soe_pct end)::double as before_mean_soe_pct,
    (case when lack is null then after.mean_soe_pct end)::double as after_mean_soe_pct,
    (case when verdict = 'comparable' then after.home_kwh - before.home_kwh end)::double as home_difference_kwh,
    (case when verdict = 'comparable' then after.grid_import_kwh - before.grid_import_kwh end)::double
        as grid_import_difference_kwh,
    (case when verdict = 'comparable' then after.grid_export_kwh - before.grid_export_kwh end)::double
        as grid_export_difference_kwh,
    (case when verdict = 'comparable' then after.battery_charge_kwh - before.battery_charge_kwh end)::double
        as battery_charge_difference_kwh,
    (case when verdict = 'comparable' then after.battery_discharge_kwh - before.battery_discharge_kwh end)::double
        as battery_discharge_difference_kwh,
    (case when verdict = 'comparable' then after.mean_soe_pct - before.mean_soe_pct end)::double
        as mean_soe_difference_pct
from stated
order by site_id, changed_at, name, command_id, side_length
