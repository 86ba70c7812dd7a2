-- purpose: a day whose source is its intervals is their sum, flow by flow, to a thousandth of a Wh; zeros of
--          intervals that nothing measured are unknown in the day (Q43)
-- returns: site, day, flow, the day's value and the sum in Wh
-- sources: main.daily, main.energy_intervals
with days as (
    select
        site_id,
        local_date,
        home_wh is null as is_home_unknown,
        columns('_energy_.*_wh$')
    from main.daily
    where source = 'energy_intervals'
),
summed as (
    select
        intervals.site_id,
        intervals.local_date,
        sum(columns(intervals.* exclude (site_id, interval_start, interval_s, local_date, _fetched_at, _raw_id, _run_id)))
    from main.energy_intervals as intervals
    semi join days on days.site_id = intervals.site_id and days.local_date = intervals.local_date
    group by intervals.site_id, intervals.local_date
),
days_long as (
    select * from days
    unpivot include nulls (day_wh for flow in (columns(* exclude (site_id, local_date, is_home_unknown))))
),
sums_long as (
    select * from summed unpivot include nulls (sum_wh for flow in (columns(* exclude (site_id, local_date))))
)
select days_long.site_id, days_long.local_date, days_long.flow, days_long.day_wh, sums_long.sum_wh
from days_long
left join sums_long
    on sums_long.site_id = days_long.site_id
    and sums_long.local_date = days_long.local_date
    and sums_long.flow = days_long.flow
where (days_long.day_wh is null) <> (sums_long.sum_wh is null)
    and not (is_home_unknown and sums_long.sum_wh = 0)
    or abs(days_long.day_wh - sums_long.sum_wh) > 0.001
order by days_long.site_id, days_long.local_date, days_long.flow
