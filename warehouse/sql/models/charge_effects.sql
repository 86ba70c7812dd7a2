-- purpose: what beginning, ending, or changing a charge did to the home: its mean power in the three five-minute rows before the row
--          of the command, and in three after it, the first full one left out, since a car takes some time. The power of the home
--          has that of its wall connectors in it. What was to be expected is current times voltage times phases of the car's own
--          readings. Where it cannot be said what the command did, status and reason say why, and there is no difference
-- grain: one row per command to a car that begins, ends or changes a charge
-- sources: main.commands, main.wall_connector_states, main.charge_sessions, main.vehicle_states, main.energy_intervals, main.backup_events, main.live_status, main.site_settings
create view analytics.charge_effects as
with charges as (
    select command_id, vehicle, name, value_asked, requested_at, outcome
    from main.commands
    where vehicle is not null and name in ('charge', 'amps')
),
-- The site is the one at which a snapshot of that time has the car plugged in, and no other site has it.
plugged as (
    select
        charges.command_id,
        case when count(distinct states.site_id) = 1 then min(states.site_id) end as site_id,
        case when count(distinct states.din_hash) = 1 then min(states.din_hash) end as din_hash
    from charges
    join main.wall_connector_states as states
        on states.vehicle = charges.vehicle
        and states.observed_at between charges.requested_at - interval 15 minute and charges.requested_at + interval 15 minute
    group by charges.command_id
),
placed as (
    select
        charges.*,
        plugged.site_id,
        plugged.din_hash,
        time_bucket(interval 5 minute, charges.requested_at) as row_start
    from charges
    left join plugged on plugged.command_id = charges.command_id
),
windows as (
    select
        *,
        row_start - interval 15 minute as before_from,
        row_start as before_until,
        row_start + interval 10 minute as after_from,
        row_start + interval 25 minute as after_until
    from placed
),
rows as (
    select
        windows.command_id,
        intervals.interval_start,
        intervals.interval_start < windows.before_until as is_before,
        intervals._fetched_at >= intervals.interval_start + interval 20 minute as is_late_enough,
        list_sum([
            intervals.consumer_energy_imported_from_grid_wh,
            intervals.consumer_energy_imported_from_solar_wh,
            intervals.consumer_energy_imported_from_battery_wh,
            intervals.consumer_energy_imported_from_generator_wh
        ]) as home_wh
    from windows
    join main.energy_intervals as intervals
        on intervals.site_id = windows.site_id
        and intervals.interval_start >= windows.before_from
        and intervals.interval_start < windows.after_until
    where intervals.interval_s = 300
        and (intervals.interval_start < windows.before_until or intervals.interval_start >= windows.after_from)
),
means as (
    select
        command_id,
        count(home_wh) filter (is_before) as before_rows,
        count(home_wh) filter (not is_before) as after_rows,
        bool_and(is_late_enough) as is_late_enough,
        sum(home_wh order by interval_start) filter (is_before) * 4 as before_w,
        sum(home_wh order by interval_start) filter (not is_before) * 4 as after_w
    from rows
    group by command_id
),
-- Two phases mean three (Q101). A car that does not charge takes nothing.
readings as (
    select
        windows.command_id,
        states._fetched_at < windows.requested_at as is_before,
        states._fetched_at,
        case
            when states.charging_state = 'Charging'
                then states.charger_current_a * states.charger_voltage_v
                    * case states.charger_phases when 2 then 3 else states.charger_phases end
            when states.charging_state in ('Stopped', 'Complete', 'Disconnected') then 0
        end as power_w
    from windows
    join main.vehicle_states as states on states.vehicle = windows.vehicle and states._run_id = windows.command_id
),
expected as (
    select
        command_id,
        arg_max(power_w, _fetched_at) filter (not is_before) - arg_max(power_w, _fetched_at) filter (is_before) as expected_w
    from readings
    group by command_id
),
connectors as (
    select
        windows.command_id,
        avg(states.power_w) filter (states.observed_at < windows.before_until) as before_w,
        avg(states.power_w) filter (states.observed_at >= windows.after_from) as after_w
    from windows
    join main.wall_connector_states as states
        on states.site_id = windows.site_id
        and states.vehicle = windows.vehicle
        and states.observed_at >= windows.before_from
        and states.observed_at < windows.after_until
    group by windows.command_id
),
-- A snapshot rarely falls into the quarter hours compared: the run takes its own at the command. The session of the connector
-- has a mean power, too, which is that of the quarter hour if it covers it and no command changed the charge within it.
sessions as (
    select
        windows.command_id,
        max(charged.energy_added_wh * 3600 / charged.duration_s) filter (
            charged.started_at <= windows.before_from and charged.ended_at >= windows.before_until
        ) as before_w,
        max(charged.energy_added_wh * 3600 / charged.duration_s) filter (
            charged.started_at <= windows.after_from and charged.ended_at >= windows.after_until
        ) as after_w
    from windows
    join main.charge_sessions as charged
        on charged.site_id = windows.site_id
        and charged.din_hash = windows.din_hash
        and charged.started_at < windows.after_until
        and charged.ended_at > windows.before_from
    where charged.duration_s > 0
        and not exists (
            select 1
            from charges as inside
            where inside.vehicle = windows.vehicle
                and inside.requested_at > charged.started_at + interval 5 minute
                and inside.requested_at < charged.ended_at - interval 5 minute
        )
    group by windows.command_id
),
judged as (
    select
        windows.*,
        means.before_w,
        means.after_w,
        expected.expected_w,
        coalesce(connectors.before_w, sessions.before_w) as connector_before_w,
        coalesce(connectors.after_w, sessions.after_w) as connector_after_w,
        case
            when windows.outcome <> 'done' then 'it is not confirmed that the car did it'
            when windows.site_id is null then 'no snapshot of that time says at which site the car was plugged in'
            when exists (
                select 1
                from main.commands as other
                where other.command_id <> windows.command_id
                    and (other.vehicle is not null or other.site_id = windows.site_id)
                    and other.outcome not in ('rejected', 'refused', 'retry_later', 'needs_owner')
                    and other.requested_at >= windows.before_from
                    and other.requested_at < windows.after_until
            ) then 'another command is in the time compared'
            when exists (
                select 1
                from main.site_settings as changed
                where changed.site_id = windows.site_id
                    and changed.valid_from >= windows.before_from
                    and changed.valid_from < windows.after_until
            ) then 'a setting of the site was seen to have changed in the time compared'
            when exists (
                select 1
                from main.backup_events as outage
                where outage.site_id = windows.site_id
                    and outage.started_at < windows.after_until
                    and outage.ended_at > windows.before_from
            ) then 'an outage is in the time compared'
            when exists (
                select 1
                from main.live_status as seen
                where seen.site_id = windows.site_id
                    and seen.storm_mode_active
                    and seen.observed_at >= windows.before_from
                    and seen.observed_at < windows.after_until
            ) then 'storm watch was active in the time compared'
            when coalesce(means.before_rows, 0) < 3 or coalesce(means.after_rows, 0) < 3
                then format(
                    'energy is stored of {} rows of five minutes before and {} after, of 3 each',
                    coalesce(means.before_rows, 0), coalesce(means.after_rows, 0)
                )
            when not means.is_late_enough then 'the rows were requested within 15 minutes, and may change'
        end as reason
    from windows
    left join means on means.command_id = windows.command_id
    left join expected on expected.command_id = windows.command_id
    left join connectors on connectors.command_id = windows.command_id
    left join sessions on sessions.command_id = windows.command_id
)
select
    command_id::varchar as command_id,
    site_id::bigint as site_id,
    vehicle::varchar as vehicle,
    requested_at::timestamptz as requested_at,
    name::varchar as name,
    value_asked::varchar as value_asked,
    case when reason is null then 'comparable' else 'not_enough_data' end::varchar as status,
    reason::varchar as reason,
    (case when reason is null then before_w end)::double as before_home_w,
    (case when reason is null then after_w end)::double as after_home_w,
    (case when reason is null then after_w - before_w end)::double as home_difference_w,
    expected_w::double as expected_difference_w,
    connector_before_w::double as before_connector_w,
    connector_after_w::double as after_connector_w
from judged
order by requested_at, command_id
