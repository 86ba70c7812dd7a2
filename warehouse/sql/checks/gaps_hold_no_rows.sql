-- purpose: where a gap is, nothing is held: no interval of the series begins in it
-- returns: site, series, gap, its cause, the first interval within it
-- sources: main.gaps, main.power, main.state_of_energy, main.energy_intervals
with held as (
    select 'power' as series, site_id, interval_start from main.power
    union all
    select 'soe' as series, site_id, interval_start from main.state_of_energy
    union all
    select 'energy_interval' as series, site_id, interval_start from main.energy_intervals
)
select gaps.site_id, gaps.series, gaps.gap_start, gaps.gap_end, gaps.cause, held.interval_start
from main.gaps as gaps
asof join held
    on held.site_id = gaps.site_id
    and held.series = gaps.series
    and gaps.gap_start <= held.interval_start
where held.interval_start < gaps.gap_end
order by gaps.site_id, gaps.series, gaps.gap_start
