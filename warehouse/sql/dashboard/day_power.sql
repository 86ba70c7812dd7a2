-- purpose: mean power of each interval of a day, as reported
-- returns: one row per interval; minute counts from the beginning of the local day; grid + import, battery + discharge, in W
-- sources: main.power
select
    ((epoch_us(interval_start) - epoch_us($begins_at::timestamptz)) / 60000000)::double as minute,
    (interval_s / 60)::double as length,
    round(solar_w, 1)::double as solar,
    round(home_w, 1)::double as home,
    round(grid_w, 1)::double as grid,
    round(battery_w, 1)::double as battery,
    round(generator_w, 1)::double as generator
from main.power
where site_id = $site and local_date = $day
order by interval_start
