-- purpose: what a site is, and what day it is there: its clock's zone as DuckDB understands it, its own today, what is
--          installed
-- grain: one row per site
-- sources: main.sites
create view analytics.sites as
with zoned as (
    select
        *,
        -- DuckDB reads UTC-05:30 as five hours and drops the half in silence; GMT-05:30 it reads to the minute (Q7, Q36).
        coalesce(regexp_replace(timezone, '^UTC([+-])', 'GMT\1'), 'UTC') as zone
    from main.sites
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
