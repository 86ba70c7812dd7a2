-- purpose: no stored interval of the series begins in a gap
-- returns: site, series, gap, its cause, the first interval within it
-- sources: main.gaps, main.power, main.state_of_energy, main.energy_intervals
with stored as (
    select 'power' as series, site_id, interval_start from main.power
    union all
    select 'soe' as series, site_id, interval_start from main.state_of_energy
    union all
    select 'energy_interval' as series, site_id, interval_start from main.energy_intervals
)
select gaps.site_id, gaps.series, gaps.gap_start, gaps.gap_end, gaps.cause, stored.interval_start
from main.gaps as gaps
asof join stored
    on stored.site_id = gaps.site_id
    and stored.series = gaps.series
    and gaps.gap_start <= stored.interval_start
where stored.interval_start < gaps.gap_end
order by gaps.site_id, gaps.series, gaps.gap_start
