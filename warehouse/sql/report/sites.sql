-- purpose: a site's equipment, and its first and last day
-- returns: one row per chosen site; first_day and last_day are NULL where no day is stored in the chosen period
-- sources: main.sites, main.daily
select
    sites.site_id::bigint as site_id,
    sites.site_name::varchar as name,
    sites.timezone::varchar as timezone,
    coalesce(sites.has_solar, false)::boolean as has_solar,
    coalesce(sites.has_battery, false)::boolean as has_battery,
    coalesce(sites.wall_connectors, 0)::integer as wall_connectors,
    (sites.nameplate_energy_wh / 1000)::double as battery_kwh,
    min(daily.local_date)::date as first_day,
    max(daily.local_date)::date as last_day
from main.sites as sites
left join main.daily as daily
    on daily.site_id = sites.site_id and daily.local_date between $since and $until
where list_contains($sites, sites.site_id)
group by all
order by site_id
