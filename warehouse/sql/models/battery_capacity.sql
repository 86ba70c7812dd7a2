-- purpose: how much energy the full battery holds, by month. Two independent figures: what live status gives as the energy of
--          the full pack, and the energy that the battery discharged between two points of the state of energy, divided by how
--          far it fell. Discharges of ten points or more of one day count, in which the battery was hardly charged, each by its
--          span; there must be five of them and a hundred points in all. The interval has the truth in 95 of 100 months, where
--          nothing but rounding to whole percents and what differs between discharges is wrong
-- grain: one row per site and local month with either figure
-- sources: main.live_status, main.state_of_energy, main.energy_intervals, analytics.sites, meta.zone_days
create table analytics.battery_capacity as
with readings as (
    select
        live.site_id,
        date_trunc('month', make_timestamp(epoch_us(live.observed_at) + coalesce(clock.offset_us, 0)))::date as month,
        median(live.total_pack_energy_wh) as live_wh,
        count(*) as live_readings
    from main.live_status as live
    left join analytics.sites as sites on sites.site_id = live.site_id
    left join meta.zone_days as clock on meta.is_in_force(clock, sites.zone, live.observed_at)
    where live.total_pack_energy_wh > 0
    group by all
),
quarters as (
    select
        site_id,
        epoch_us(interval_start) // 900000000 as quarter,
        sum(interval_s) as stored_s,
        sum(battery_energy_exported_wh) as discharge_wh,
        sum(
            coalesce(battery_energy_imported_from_grid_wh, 0)
            + coalesce(battery_energy_imported_from_solar_wh, 0)
            + coalesce(battery_energy_imported_from_generator_wh, 0)
        ) as charge_wh
    from main.energy_intervals
    where battery_energy_exported_wh is not null
    group by all
),
points as (
    select
        site_id,
        local_date,
        epoch_us(interval_start) // 900000000 as quarter,
        soe_pct,
        lead(epoch_us(interval_start)) over newer - epoch_us(interval_start) as length_us,
        lead(soe_pct) over newer as next_pct
    from main.state_of_energy
    where soe_pct is not null and epoch_us(interval_start) % 900000000 = 0
    window newer as (partition by site_id order by interval_start)
),
-- Quarter hours in which the battery was not charged: standing by, it takes a few Wh.
slots as (
    select points.*, quarters.discharge_wh - quarters.charge_wh as wh
    from points
    join quarters on quarters.site_id = points.site_id and quarters.quarter = points.quarter
    where points.length_us = 900000000 and quarters.stored_s = 900 and quarters.charge_wh <= 5
),
numbered as (
    select *, quarter - row_number() over (partition by site_id, local_date order by quarter) as run
    from slots
),
spans as (
    select
        site_id,
        date_trunc('month', local_date)::date as month,
        arg_min(soe_pct, quarter) - arg_max(next_pct, quarter) as points,
        sum(wh) as wh
    from numbered
    group by site_id, local_date, run
    having points >= 10 and sum(wh) > 0
),
ratios as (
    select
        site_id,
        month,
        count(*) as spans,
        sum(points) as points,
        sum(wh) as wh,
        sum(wh) / sum(points) as wh_per_point,
        sum(wh * wh) as wh_squared,
        sum(wh * points) as wh_points,
        sum(points * points) as points_squared
    from spans
    group by all
    having count(*) >= 5 and sum(points) >= 100
),
-- The error of a ratio of sums: of its residuals, or of two roundings to whole percents in each span, whichever is larger.
errors as (
    select
        ratios.*,
        sqrt(
            greatest(
                (wh_squared - 2 * wh_per_point * wh_points + wh_per_point * wh_per_point * points_squared)
                * spans / (spans - 1),
                spans * wh_per_point * wh_per_point / 6
            )
        ) / points as error_wh
    from ratios
),
estimates as (
    select
        *,
        100 * wh_per_point as capacity_wh,
        -- 1.96 standard errors, and more where there are few spans: Student's t, by the expansion of Cornish and Fisher
        100 * error_wh * (1.96 + 2.372 / (spans - 1) + 2.823 / ((spans - 1) * (spans - 1))) as margin_wh
    from errors
)
select
    coalesce(estimates.site_id, readings.site_id)::bigint as site_id,
    coalesce(estimates.month, readings.month)::date as month,
    (readings.live_wh / 1000)::double as live_capacity_kwh,
    coalesce(readings.live_readings, 0)::bigint as live_readings,
    coalesce(estimates.spans, 0)::bigint as spans,
    estimates.points::double as span_pct,
    (estimates.wh / 1000)::double as span_kwh,
    (estimates.capacity_wh / 1000)::double as capacity_kwh,
    ((estimates.capacity_wh - estimates.margin_wh) / 1000)::double as capacity_low_kwh,
    ((estimates.capacity_wh + estimates.margin_wh) / 1000)::double as capacity_high_kwh
from estimates
full join readings on readings.site_id = estimates.site_id and readings.month = estimates.month
order by 1, 2
