-- purpose: what happened on a day: outages, charge sessions, and changes of settings
-- returns: one row per event that touches the day; minutes count from the beginning of the local day, and end_minute is NULL
--          for what has no duration
-- sources: main.backup_events, main.charge_sessions, main.setting_changes, main.commands
with events as (
    select 'outage' as kind, started_at, ended_at, null::varchar as what, null::double as kwh
    from main.backup_events
    where site_id = $site
    union all
    select 'session', started_at, ended_at, null, energy_added_wh / 1000
    from main.charge_sessions
    where site_id = $site
    union all
    select 'setting', changed_at, null, name || ': ' || coalesce(value_before, '–') || ' → ' || coalesce(value_after, '–'), null
    from main.setting_changes
    where site_id = $site and command_id = ''
    union all
    select 'command', requested_at, null, name || ' ' || value_asked || ' (' || outcome || ')', null
    from main.commands
    where site_id = $site and vehicle is null
)
select
    kind::varchar as kind,
    ((epoch_us(started_at) - epoch_us($begins_at::timestamptz)) / 60000000)::double as minute,
    ((epoch_us(ended_at) - epoch_us($begins_at::timestamptz)) / 60000000)::double as end_minute,
    what::varchar as what,
    round(kwh, 3)::double as kwh
from events
where started_at < $ends_at::timestamptz and coalesce(ended_at, started_at) >= $begins_at::timestamptz
order by started_at, kind, what
