-- purpose: on a battery site the parts of every row add up to its totals, to a thousandth of a Wh; rows with a missing
--          part are not compared, and solar-only sites report no parts (Q43)
-- returns: site, interval, which identity, both sides in Wh
-- sources: main.energy_intervals, main.sites
with battery_rows as (
    select intervals.*
    from main.energy_intervals as intervals
    join main.sites as sites on sites.site_id = intervals.site_id
    where sites.has_battery
),
sides as (
    select
        site_id,
        interval_start,
        'solar' as whole,
        solar_energy_exported_wh as whole_wh,
        consumer_energy_imported_from_solar_wh
        + battery_energy_imported_from_solar_wh
        + grid_energy_exported_from_solar_wh as parts_wh
    from battery_rows
    union all
    select
        site_id,
        interval_start,
        'grid import' as whole,
        grid_energy_imported_wh as whole_wh,
        consumer_energy_imported_from_grid_wh + battery_energy_imported_from_grid_wh as parts_wh
    from battery_rows
    union all
    select
        site_id,
        interval_start,
        'battery discharge' as whole,
        battery_energy_exported_wh as whole_wh,
        consumer_energy_imported_from_battery_wh + grid_energy_exported_from_battery_wh as parts_wh
    from battery_rows
)
select site_id, interval_start, whole, whole_wh, parts_wh
from sides
where abs(whole_wh - parts_wh) > 0.001
order by site_id, interval_start, whole
