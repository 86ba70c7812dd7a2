-- purpose: the energy that a day's cost is of is that of its intervals, each counted once, to a hundredth of a Wh
-- returns: site, day, imports and exports that are priced, and those of the intervals
-- sources: main.energy_intervals, main.daily_costs
with intervals as (
    select
        site_id,
        local_date,
        sum(grid_energy_imported_wh) as import_wh,
        sum(
            coalesce(grid_energy_exported_from_solar_wh, 0)
            + coalesce(grid_energy_exported_from_battery_wh, 0)
            + coalesce(grid_energy_exported_from_generator_wh, 0)
        ) as export_wh
    from main.energy_intervals
    where grid_energy_imported_wh is not null
    group by site_id, local_date
)
select
    costs.site_id,
    costs.local_date,
    costs.grid_import_wh as priced_import_wh,
    intervals.import_wh,
    costs.grid_export_wh as priced_export_wh,
    intervals.export_wh
from main.daily_costs as costs
join intervals on intervals.site_id = costs.site_id and intervals.local_date = costs.local_date
where abs(costs.grid_import_wh - intervals.import_wh) > 0.01 or abs(costs.grid_export_wh - intervals.export_wh) > 0.01
order by costs.site_id, costs.local_date
