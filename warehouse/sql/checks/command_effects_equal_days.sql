-- purpose: each change of a setting has one row for each length of the sides; the energies of seven days are their sum by
--          days, to a thousandth of a Wh, and a difference is given only where the sides are comparable
-- returns: site, change, side_length, status, what was expected and what was found
-- sources: main.setting_changes, main.daily, analytics.command_effects
with rows_of_changes as (
    select
        changes.site_id,
        changes.changed_at,
        changes.name,
        count(effects.side_length) as found,
        count(distinct effects.side_length) as lengths
    from main.setting_changes as changes
    left join analytics.command_effects as effects
        on effects.site_id = changes.site_id
        and effects.changed_at = changes.changed_at
        and effects.name = changes.name
        and effects.command_id is not distinct from nullif(changes.command_id, '')
    group by changes.site_id, changes.changed_at, changes.name, changes.command_id
),
sums as (
    select
        effects.site_id,
        effects.changed_at,
        effects.name,
        effects.side_length,
        effects.status,
        days.is_after,
        case when count(days.kwh) = 7 then sum(days.kwh) end as days_kwh,
        any_value(if(days.is_after, effects.after_grid_import_kwh, effects.before_grid_import_kwh)) * 7 as side_kwh
    from analytics.command_effects as effects
    join (
        select site_id, local_date, grid_energy_imported_wh / 1000 as kwh, unnest([false, true]) as is_after from main.daily
    ) as days
        on days.site_id = effects.site_id
        and days.local_date >= if(days.is_after, effects.after_from, effects.before_from)
        and days.local_date < if(days.is_after, effects.after_until, effects.before_until)
    where effects.side_length = '7 days' and effects.status <> 'not_enough_data'
    group by all
)
select site_id, changed_at, name, null as side_length, null as status, 2.0 as expected, found::double as found
from rows_of_changes
where found <> 2 or lengths <> 2
union all
select site_id, changed_at, name, side_length, status, days_kwh, side_kwh
from sums
where abs(days_kwh - side_kwh) > 0.000001 or (side_kwh is null) <> (days_kwh is null)
union all
select site_id, changed_at, name, side_length, status, null, grid_import_difference_kwh
from analytics.command_effects
where (status <> 'comparable' and grid_import_difference_kwh is not null) or (status = 'comparable') = (reason is not null)
order by site_id, changed_at, name, side_length
