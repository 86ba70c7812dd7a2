-- purpose: the energy of each site's newest thirty stored days, how many days there are, and what needs attention
-- returns: one row per site; energies in Wh; `newest_*` has those days, oldest first
-- sources: main.sites, main.daily, main.gaps, analytics.disagreements, meta.is_by_nature
with of_days as (
    select
        site_id,
        count(*) as days_stored,
        max(
            struct_pack(
                local_date := local_date,
                solar := solar_energy_exported_wh,
                home := home_wh,
                grid_import := grid_energy_imported_wh
            ),
            30
        ) as newest
    from main.daily
    where status <> 'missing'
    group by site_id
),
of_gaps as (
    select site_id, count(*) as gaps
    from main.gaps
    where not meta.is_by_nature(cause)
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
    coalesce(of_days.days_stored, 0)::integer as days_stored,
    round(list_sum(list_transform(of_days.newest, lambda day: day.solar)))::bigint as solar,
    round(list_sum(list_transform(of_days.newest, lambda day: day.home)))::bigint as home,
    round(list_sum(list_transform(of_days.newest, lambda day: day.grid_import)))::bigint as grid_import,
    list_transform(list_reverse(of_days.newest), lambda day: round(day.solar)::bigint)::bigint[] as newest_solar,
    list_transform(list_reverse(of_days.newest), lambda day: round(day.home)::bigint)::bigint[] as newest_home,
    coalesce(of_gaps.gaps, 0)::integer as gaps,
    coalesce(of_differences.unexplained, 0)::integer as unexplained
from main.sites as sites
left join of_days on of_days.site_id = sites.site_id
left join of_gaps on of_gaps.site_id = sites.site_id
left join of_differences on of_differences.site_id = sites.site_id
order by sites.site_id
