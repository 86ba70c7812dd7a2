-- purpose: mean power of each hour of the site's clock, in tens of watts: before April 2024 a day has power in
--          5-minute intervals and energy in one row (Q10); an hour that occurs twice in autumn counts as one hour
-- returns: one row per chosen site, local day and hour that has power; grid + import − export, battery + discharge − charge
-- sources: main.power, analytics.sites, meta.zone_days
with quarters as (
    select
        site_id,
        local_date,
        epoch_us(interval_start) // 900000000 as quarter,  -- twice as quick as time_bucket, and zones are whole quarters
        sum(solar_w * interval_s) as solar_ws,
        sum(home_w * interval_s) as home_ws,
        sum(grid_w * interval_s) as grid_ws,
        sum(battery_w * interval_s) as battery_ws,
        sum(interval_s) filter (where solar_w is not null) as solar_s,
        sum(interval_s) filter (where home_w is not null) as home_s,
        sum(interval_s) filter (where grid_w is not null) as grid_s,
        sum(interval_s) filter (where battery_w is not null) as battery_s
    from main.power
    where list_contains($sites, site_id) and local_date between $since and $until
    group by all
)
select
    quarters.site_id::bigint as site_id,
    quarters.local_date::date as local_date,
    ((quarters.quarter + coalesce(clock.offset_us, 0) // 900000000) // 4 % 24)::integer as hour,
    round(sum(solar_ws) / sum(solar_s) / 10)::bigint as solar,
    round(sum(home_ws) / sum(home_s) / 10)::bigint as home,
    round(sum(grid_ws) / sum(grid_s) / 10)::bigint as grid,
    round(sum(battery_ws) / sum(battery_s) / 10)::bigint as battery
from quarters
left join analytics.sites as sites on sites.site_id = quarters.site_id
left join meta.zone_days as clock
    on clock.zone = sites.zone
    and clock.utc_day = quarters.quarter // 96
    and make_timestamptz(quarters.quarter * 900000000) >= clock.begins_at
    and make_timestamptz(quarters.quarter * 900000000) < clock.ends_at
group by all
order by site_id, local_date, hour
