-- question: what did charging cost each month, at home and at public chargers, and per kWh?
-- returns: month, car, currency, energy and cost at home and elsewhere, cost of a kWh where all of it is known
-- sources: analytics.ev_charging_monthly
select
    month,
    vehicle,
    currency,
    round(home_kwh, 3) as home_kwh,
    round(home_cost, 2) as home_cost,
    round(public_kwh, 3) as public_kwh,
    round(public_cost, 2) as public_cost,
    round(total_cost / nullif(total_kwh, 0), 4)::double as cost_per_kwh
from analytics.ev_charging_monthly
where currency is not null
order by month, vehicle, currency
