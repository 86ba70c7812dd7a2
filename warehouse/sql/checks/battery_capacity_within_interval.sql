-- purpose: a capacity lies within its interval, and its discharges are a part of what the battery discharged in the month
-- returns: months of which either is not so
-- sources: analytics.battery_capacity, main.energy_intervals
with discharged as (
    select site_id, date_trunc('month', local_date)::date as month, sum(battery_energy_exported_wh) / 1000 as kwh
    from main.energy_intervals
    group by all
)
select capacity.site_id, capacity.month, capacity.capacity_kwh, capacity.span_kwh, discharged.kwh as discharged_kwh
from analytics.battery_capacity as capacity
left join discharged on discharged.site_id = capacity.site_id and discharged.month = capacity.month
where
    capacity.capacity_kwh is not null
    and (
        capacity.capacity_kwh not between capacity.capacity_low_kwh and capacity.capacity_high_kwh
        or capacity.span_kwh > coalesce(discharged.kwh, 0) + 0.001
    )
