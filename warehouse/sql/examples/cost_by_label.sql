-- question: what did each kind of hour cost in each month: how much was imported, at what mean price?
-- returns: site, month, label, energy from the grid, its cost, the mean price of a kWh, and what exports brought
-- sources: analytics.costs_hourly
select
    site_name,
    date_trunc('month', local_date)::date as month,
    label,
    currency,
    round(sum(grid_import_kwh), 3) as grid_import_kwh,
    sum(import_cost)::decimal(18, 2) as import_cost,
    round(sum(import_cost)::double / nullif(sum(grid_import_kwh) filter (import_cost is not null), 0), 5) as mean_price,
    sum(export_credit)::decimal(18, 2) as export_credit
from analytics.costs_hourly
where currency is not null
group by site_id, site_name, date_trunc('month', local_date), label, currency
order by site_name, month, import_cost desc
