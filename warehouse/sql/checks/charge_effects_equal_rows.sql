-- purpose: each command to a car that begins, ends or changes a charge has one row in charge_effects; a difference is given only where
--          both sides are comparable, and it is that of the six five-minute rows around the command
-- returns: command, status, the difference in W, and the same from the rows
-- sources: main.commands, main.energy_intervals, analytics.charge_effects
with effects as (
    select
        commands.command_id,
        count(found.command_id) as rows_found,
        any_value(found.site_id) as site_id,
        any_value(found.status) as status,
        any_value(found.reason) as reason,
        any_value(found.home_difference_w) as difference_w,
        time_bucket(interval 5 minute, commands.requested_at) as row_start
    from main.commands as commands
    left join analytics.charge_effects as found on found.command_id = commands.command_id
    where commands.vehicle is not null and commands.name in ('charge', 'amps')
    group by commands.command_id, commands.requested_at
),
sums as (
    select
        effects.command_id,
        sum(
            list_sum([
                intervals.consumer_energy_imported_from_grid_wh,
                intervals.consumer_energy_imported_from_solar_wh,
                intervals.consumer_energy_imported_from_battery_wh,
                intervals.consumer_energy_imported_from_generator_wh
            ]) * if(intervals.interval_start < effects.row_start, -4, 4)
        ) as by_rows_w
    from effects
    join main.energy_intervals as intervals
        on intervals.site_id = effects.site_id
        and intervals.interval_s = 300
        and (
            intervals.interval_start >= effects.row_start - interval 15 minute and intervals.interval_start < effects.row_start
            or intervals.interval_start >= effects.row_start + interval 10 minute
                and intervals.interval_start < effects.row_start + interval 25 minute
        )
    group by effects.command_id
)
select effects.command_id, effects.status, effects.difference_w, sums.by_rows_w
from effects
left join sums on sums.command_id = effects.command_id
where effects.rows_found <> 1
    or (effects.status = 'comparable') <> (effects.difference_w is not null)
    or (effects.status = 'comparable') = (effects.reason is not null)
    or effects.status = 'comparable' and (sums.by_rows_w is null or abs(effects.difference_w - sums.by_rows_w) > 0.001)
order by effects.command_id
