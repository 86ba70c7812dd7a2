-- purpose: an interval begins on the site's calendar day that its row is filed under; sites whose zone is unknown are
--          left out
-- returns: table, site, interval, the day filed and the day by the site's clock
-- sources: main.energy_intervals, main.power, main.state_of_energy, main.sites, analytics.sites
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
        timezone(clocks.zone, intervals.interval_start)::date as date_by_site_clock
    from intervals
    join main.sites as sites on sites.site_id = intervals.site_id
    join analytics.sites as clocks on clocks.site_id = intervals.site_id
    where sites.timezone is not null
)
select table_name, site_id, interval_start, local_date, date_by_site_clock
from dated
where local_date is distinct from date_by_site_clock
order by table_name, site_id, interval_start
