-- purpose: each site: its time zone as DuckDB spells it, its own today, its equipment
-- grain: one row per site
-- sources: main.sites, meta.zone_offsets
create view analytics.sites as
with offsets as (
    -- DuckDB reads UTC-05:30 as five hours and drops the half without an error; GMT-05:30 it reads to the minute (Q7, Q36).
    select *, regexp_replace(timezone, '^UTC([+-])', 'GMT\1') as spelt
    from main.sites
),
zoned as (
    -- A zone without offsets is taken for UTC; a check names the sites that have one.
    select offsets.*, coalesce(known.zone, 'UTC') as zone
    from offsets
    left join (select distinct zone from meta.zone_offsets) as known on known.zone = offsets.spelt
)
select
    site_id::bigint as site_id,
    site_name::varchar as site_name,
    status::varchar as status,
    zoned.zone::varchar as zone,
    make_timestamp(epoch_us(now()) + clock_now.offset_us)::date as today,
    make_timestamp(epoch_us(installed_at) + clock_then.offset_us)::date as installed_on,
    has_solar::boolean as has_solar,
    has_battery::boolean as has_battery,
    wall_connectors::integer as wall_connectors,
    (nullif(nameplate_power_w, 0) / 1000)::double as nameplate_power_kw,
    (nullif(nameplate_energy_wh, 0) / 1000)::double as nameplate_energy_kwh
from zoned
left join meta.zone_offsets as clock_now
    on clock_now.zone = zoned.zone and now() >= clock_now.begins_at and now() < clock_now.ends_at
left join meta.zone_offsets as clock_then
    on clock_then.zone = zoned.zone and installed_at >= clock_then.begins_at and installed_at < clock_then.ends_at
