-- purpose: the battery's capacity by month beside its own first year and its rated energy, and the round-trip efficiency of
--          the year. The first year is the twelve months from the first with a capacity; months count by the span of their
--          discharges. Rated energy is the present one: where batteries were added, months before have fewer
-- grain: one row per site and local month of which a capacity is known
-- sources: analytics.battery_capacity, analytics.battery_cycles, analytics.sites
create view analytics.battery_health as
with firsts as (
    select
        capacity.site_id,
        sum(capacity.capacity_kwh * capacity.span_pct) / sum(capacity.span_pct) as first_year_kwh
    from analytics.battery_capacity as capacity
    join (
        select site_id, min(month) as first_month
        from analytics.battery_capacity
        where capacity_kwh is not null
        group by site_id
    ) as begins on begins.site_id = capacity.site_id
    where capacity.month < begins.first_month + interval 12 month
    group by capacity.site_id
),
years as (
    select site_id, year(period_start) as year, round_trip_efficiency_pct
    from analytics.battery_cycles
    where granularity = 'year'
)
select
    capacity.site_id::bigint as site_id,
    sites.site_name::varchar as site_name,
    capacity.month::date as month,
    capacity.capacity_kwh::double as capacity_kwh,
    capacity.capacity_low_kwh::double as capacity_low_kwh,
    capacity.capacity_high_kwh::double as capacity_high_kwh,
    capacity.spans::bigint as spans,
    capacity.span_pct::double as span_pct,
    capacity.live_capacity_kwh::double as live_capacity_kwh,
    capacity.live_readings::bigint as live_readings,
    sites.nameplate_energy_kwh::double as nameplate_energy_kwh,
    (100 * capacity.capacity_kwh / sites.nameplate_energy_kwh)::double as of_nameplate_pct,
    firsts.first_year_kwh::double as first_year_kwh,
    (100 * capacity.capacity_kwh / firsts.first_year_kwh)::double as of_first_year_pct,
    years.round_trip_efficiency_pct::double as year_round_trip_efficiency_pct
from analytics.battery_capacity as capacity
left join analytics.sites as sites on sites.site_id = capacity.site_id
left join firsts on firsts.site_id = capacity.site_id
left join years on years.site_id = capacity.site_id and years.year = year(capacity.month)
