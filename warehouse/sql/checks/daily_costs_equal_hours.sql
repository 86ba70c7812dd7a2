-- purpose: the cost of a day that is known exactly is the sum of its hours
-- returns: site, day, cost and credit of the day, and the sums of the hours
-- sources: main.hourly_costs, main.daily_costs
with hours as (
    select site_id, local_date, sum(import_cost) as import_cost, sum(export_credit) as export_credit
    from main.hourly_costs
    group by site_id, local_date
)
select
    days.site_id,
    days.local_date,
    days.import_cost,
    hours.import_cost as sum_of_hours,
    days.export_credit,
    hours.export_credit as credit_of_hours
from main.daily_costs as days
join hours on hours.site_id = days.site_id and hours.local_date = days.local_date
where days.import_cost <> hours.import_cost
    or days.export_credit <> coalesce(hours.export_credit, 0)
    or not days.is_bounded and (days.import_cost <> days.import_cost_low or days.import_cost <> days.import_cost_high)
order by days.site_id, days.local_date
