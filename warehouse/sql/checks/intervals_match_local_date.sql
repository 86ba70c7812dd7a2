-- purpose: the local date of an interval is the site's calendar day on which it begins; sites whose zone is unknown are
--          left out
-- returns: table, site, interval, its local date and the day by the site's clock
-- sources: main.energy_intervals, main.power, main.state_of_energy, main.sites, analytics.sites, meta.zone_days
with intervals as (
    select 'energy_intervals' as table_name, site_id, interval_start, local_date from main.energy_intervals
    union all
    select 'power' as table_name, site_id, interval_start, local_date from main.power
    union all
    select 'state_of_energy' as table_name, site_id, interval_start, local_date from main.state_of_energy
),
dated as (
    select
        intervals.*,
        make_timestamp(epoch_us(intervals.interval_start) + coalesce(clock.offset_us, 0))::date as date_by_site_clock
    from intervals
    join main.sites as sites on sites.site_id = intervals.site_id
    join analytics.sites as zones on zones.site_id = intervals.site_id
    left join meta.zone_days as clock on meta.is_in_force(clock, zones.zone, intervals.interval_start)
    where sites.timezone is not null
)
select table_name, site_id, interval_start, local_date, date_by_site_clock
from dated
where local_date is distinct from date_by_site_clock
order by table_name, site_id, interval_start
