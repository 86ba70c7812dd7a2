-- purpose: hours have the energy and the time of their intervals, each counted once, to a thousandth of a Wh and to the second;
--          where an hour is unknown, its intervals were zero (Q43)
-- returns: site, measure, the sum over hours and the sum over intervals
-- sources: main.energy_intervals, analytics.hourly
with hours as (
    select
        site_id,
        sum(held_s)::double as held_s,
        sum(solar_kwh) as solar_kwh,
        sum(grid_import_kwh) as grid_import_kwh,
        sum(battery_discharge_kwh) as battery_discharge_kwh
    from analytics.hourly
    group by site_id
),
intervals as (
    select
        site_id,
        sum(interval_s)::double as held_s,
        sum(solar_energy_exported_wh) / 1000 as solar_kwh,
        sum(grid_energy_imported_wh) / 1000 as grid_import_kwh,
        sum(battery_energy_exported_wh) / 1000 as battery_discharge_kwh
    from main.energy_intervals
    group by site_id
),
hours_long as (
    select * from hours unpivot include nulls (hours_sum for measure in (columns(* exclude (site_id))))
),
intervals_long as (
    select * from intervals unpivot include nulls (intervals_sum for measure in (columns(* exclude (site_id))))
)
select
    coalesce(hours_long.site_id, intervals_long.site_id) as site_id,
    coalesce(hours_long.measure, intervals_long.measure) as measure,
    hours_long.hours_sum,
    intervals_long.intervals_sum
from hours_long
full join intervals_long
    on intervals_long.site_id = hours_long.site_id and intervals_long.measure = hours_long.measure
where (hours_long.hours_sum is null) <> (intervals_long.intervals_sum is null)
    and intervals_long.intervals_sum is distinct from 0
    or abs(hours_long.hours_sum - intervals_long.intervals_sum) > 0.000001
order by site_id, measure
