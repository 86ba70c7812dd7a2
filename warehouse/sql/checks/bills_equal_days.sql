-- purpose: without netting, the import cost of a bill is the sum of its days, to a millionth of the currency; and billing
--          cycles do not overlap
-- returns: site, cycle, import cost, sum of the days, and when the next cycle begins
-- sources: main.bills, main.daily_costs
with following as (
    select *, lead(cycle_start) over (partition by site_id order by cycle_start) as next_start
    from main.bills
),
summed as (
    select
        following.site_id,
        following.cycle_start,
        following.cycle_end,
        following.next_start,
        following.netting,
        following.import_cost,
        sum(days.import_cost) as sum_of_days
    from following
    left join main.daily_costs as days
        on days.site_id = following.site_id and days.local_date between following.cycle_start and following.cycle_end
    group by all
)
select site_id, cycle_start, cycle_end, import_cost, sum_of_days, next_start
from summed
where next_start <= cycle_end or netting = 'none' and abs(import_cost - sum_of_days) > 0.000001
order by site_id, cycle_start
