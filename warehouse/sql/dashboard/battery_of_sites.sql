-- purpose: use, efficiency, and capacity of the batteries of sites
-- returns: one row per chosen site with a battery, and month or year; the capacity of a year is that of its newest month
-- sources: analytics.battery_cycles, analytics.battery_health
with capacities as (
    select site_id, 'month' as granularity, month as period_start, capacity_kwh, of_nameplate_pct
    from analytics.battery_health
    union all
    select
        site_id,
        'year',
        date_trunc('year', month)::date,
        arg_max(capacity_kwh, month) filter (capacity_kwh is not null),
        arg_max(of_nameplate_pct, month) filter (of_nameplate_pct is not null)
    from analytics.battery_health
    group by site_id, date_trunc('year', month)
)
select
    used.site_id::varchar as site_id,
    left(strftime(used.period_start, '%Y-%m'), if(used.granularity = 'year', 4, 7))::varchar as period,
    round(used.charge_kwh, 3)::double as charge,
    round(used.discharge_kwh, 3)::double as discharge,
    round(used.equivalent_full_cycles, 2)::double as cycles,
    round(used.round_trip_efficiency_pct, 2)::double as efficiency,
    round(capacities.capacity_kwh, 3)::double as capacity,
    round(capacities.of_nameplate_pct, 1)::double as of_nameplate
from analytics.battery_cycles as used
left join capacities
    on capacities.site_id = used.site_id
    and capacities.granularity = used.granularity
    and capacities.period_start = used.period_start
where
    list_contains($sites, used.site_id)
    and used.granularity in ('month', 'year')
    and used.period_start between $since and $until
order by used.site_id, period
