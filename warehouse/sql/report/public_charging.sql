-- purpose: energy and cost of charging at public chargers; a sum is NULL where a part of it is not known
-- returns: one row per month, car and currency; it is about the account, and so the same for each site
-- sources: main.public_charging
select
    strftime(local_date, '%Y-%m')::varchar as month,
    vehicle::varchar as vehicle,
    currency::varchar as currency,
    count(*)::integer as sessions,
    round(sum(energy_kwh), 3)::double as energy,
    count(energy_kwh)::integer as measured,
    case when count(total_due) = count(*) then round(sum(total_due), 4) end::double as cost
from main.public_charging
where local_date between $since and $until
group by all
order by month, vehicle, currency
