-- purpose: the prices in force on a day
-- returns: one row per stretch with one price; minute counts from the beginning of the local day
-- sources: main.hourly_costs
select
    ((epoch_us(starts_at) - epoch_us($begins_at::timestamptz)) / 60000000)::double as minute,
    buy_per_kwh::double as buy,
    sell_per_kwh::double as sell,
    label::varchar as label,
    currency::varchar as currency,
    tariff_basis::varchar as tariff_basis
from main.hourly_costs
where site_id = $site and local_date = $day and currency is not null
order by starts_at
