-- question: what did the grid and the battery do differently in the week after each change of a setting?
-- returns: site, when it changed, setting and values, what was more or less than in the week before, per day, or why that is not known
-- sources: analytics.command_effects
select
    site_name,
    local_changed_at,
    name,
    value_before,
    value_after,
    status,
    round(grid_import_difference_kwh, 2) as grid_import_difference_kwh,
    round(grid_export_difference_kwh, 2) as grid_export_difference_kwh,
    round(battery_discharge_difference_kwh, 2) as battery_discharge_difference_kwh,
    reason
from analytics.command_effects
where side_length = '7 days'
order by site_name, local_changed_at, name
