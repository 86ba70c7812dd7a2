-- purpose: what a site is, and what day it is there: its clock's zone as DuckDB understands it, its own today, what is
--          installed
-- grain: one row per site
-- sources: main.sites
create view analytics.sites as
with offsets as (
    -- DuckDB reads UTC-05:30 as five hours and drops the half in silence; GMT-05:30 it reads to the minute (Q7, Q36).
    select *, regexp_replace(timezone, '^UTC([+-])', 'GMT\1') as told
    from main.sites
),
zoned as (
    -- A zone younger than DuckDB's own list would fail every model of every site; a check says which it is.
    select
        offsets.*,
        case
            when regexp_matches(told, '^GMT[+-]\d\d:\d\d$') or known.name is not null then told
            else 'UTC'
        end as zone
    from offsets
    left join pg_timezone_names() as known on known.name = offsets.told
)
select
    site_id::bigint as site_id,
    site_name::varchar as site_name,
    status::varchar as status,
    zone::varchar as zone,
    timezone(zone, now())::date as today,
    timezone(zone, installed_at)::date as installed_on,
    has_solar::boolean as has_solar,
    has_battery::boolean as has_battery,
    wall_connectors::integer as wall_connectors,
    (nullif(nameplate_power_w, 0) / 1000)::double as nameplate_power_kw,
    (nullif(nameplate_energy_wh, 0) / 1000)::double as nameplate_energy_kwh
from zoned
