-- purpose: what there is of each site: its equipment, its days, the energy of its newest thirty days, and what needs attention
-- returns: one row per site; energies in Wh; `newest_*` has the newest thirty days that are stored, oldest first
-- sources: analytics.sites, main.sites, main.daily, main.gaps, analytics.disagreements
with ranked as (
    select
        *,
        row_number() over (partition by site_id order by local_date desc) as place
    from main.daily
    where status <> 'missing'
),
of_days as (
    select
        site_id,
        min(local_date) as first_day,
        max(local_date) as last_day,
        count(*) as days_stored,
        sum(solar_energy_exported_wh) filter (place <= 30) as solar_wh,
        sum(home_wh) filter (place <= 30) as home_wh,
        sum(grid_energy_imported_wh) filter (place <= 30) as grid_import_wh,
        list(round(solar_energy_exported_wh)::bigint order by local_date) filter (place <= 30) as newest_solar,
        list(round(home_wh)::bigint order by local_date) filter (place <= 30) as newest_home
    from ranked
    group by site_id
),
of_gaps as (
    select site_id, count(*) as gaps
    from main.gaps
    where cause not in ('night', 'future', 'before_install')
    group by site_id
),
of_differences as (
    select site_id, count(*) as unexplained
    from analytics.disagreements
    where coalesce(cause, 'unexplained') = 'unexplained'
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
    strftime(sites.today, '%Y-%m-%d')::varchar as today,
    strftime(of_days.first_day, '%Y-%m-%d')::varchar as first_day,
    strftime(of_days.last_day, '%Y-%m-%d')::varchar as last_day,
    coalesce(of_days.days_stored, 0)::integer as days_stored,
    round(of_days.solar_wh)::bigint as solar,
    round(of_days.home_wh)::bigint as home,
    round(of_days.grid_import_wh)::bigint as grid_import,
    of_days.newest_solar::bigint[] as newest_solar,
    of_days.newest_home::bigint[] as newest_home,
    coalesce(of_gaps.gaps, 0)::integer as gaps,
    coalesce(of_differences.unexplained, 0)::integer as unexplained
from analytics.sites as sites
join main.sites as facts on facts.site_id = sites.site_id
left join of_days on of_days.site_id = sites.site_id
left join of_gaps on of_gaps.site_id = sites.site_id
left join of_differences on of_differences.site_id = sites.site_id
order by sites.site_id
