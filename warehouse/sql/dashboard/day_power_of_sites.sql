-- purpose: mean power of sites of one time zone together, by the intervals of a day that all of them have
-- returns: one row per interval with the columns of dashboard/day_power.sql, and of how many sites it is; in W
-- sources: main.power
select
    ((epoch_us(interval_start) - epoch_us($begins_at::timestamptz)) / 60000000)::double as minute,
    (interval_s / 60)::double as length,
    round(sum(solar_w), 1)::double as solar,
    round(sum(home_w), 1)::double as home,
    round(sum(grid_w), 1)::double as grid,
    round(sum(battery_w), 1)::double as battery,
    round(sum(generator_w), 1)::double as generator,
    count(*)::integer as sites
from main.power
where list_contains($sites, site_id) and local_date = $day
group by interval_start, interval_s
order by interval_start, interval_s
