-- purpose: each site's equipment, and which days there are of it
-- returns: one row per site
-- sources: analytics.sites, main.sites, main.daily
with of_days as (
    select site_id, min(local_date) as first_day, max(local_date) as last_day
    from main.daily
    where status <> 'missing'
    group by site_id
)
select
    sites.site_id::varchar as site_id,
    sites.site_name::varchar as name,
    facts.timezone::varchar as timezone,
    sites.status::varchar as status,
    coalesce(sites.has_solar, false)::boolean as has_solar,
    coalesce(sites.has_battery, false)::boolean as has_battery,
    coalesce(sites.wall_connectors, 0)::integer as wall_connectors,
    sites.nameplate_energy_kwh::double as battery_kwh,
    strftime(of_days.first_day, '%Y-%m-%d')::varchar as first_day,
    strftime(of_days.last_day, '%Y-%m-%d')::varchar as last_day
from analytics.sites as sites
join main.sites as facts on facts.site_id = sites.site_id
left join of_days on of_days.site_id = sites.site_id
order by sites.site_id
