-- purpose: what the energy of each label of a tariff cost
-- returns: one row per chosen site, month, currency, and label
-- sources: analytics.costs_hourly
select
    site_id::bigint as site_id,
    strftime(local_date, '%Y-%m')::varchar as month,
    currency::varchar as currency,
    label::varchar as label,
    round(sum(grid_import_kwh), 3)::double as grid_import,
    round(sum(grid_export_kwh), 3)::double as grid_export,
    round(sum(import_cost), 4)::double as import_cost,
    round(sum(export_credit), 4)::double as export_credit,
    round(sum(battery_import_cost), 4)::double as battery_import_cost,
    round(sum(ev_import_cost), 4)::double as ev_import_cost
from analytics.costs_hourly
where list_contains($sites, site_id) and local_date between $since and $until and currency is not null
group by all
order by site_id, month, currency, label
