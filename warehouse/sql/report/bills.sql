-- purpose: what each billing cycle cost, in the currency of its row
-- returns: one row per chosen site and billing cycle
-- sources: analytics.bills
select
    site_id::bigint as site_id,
    strftime(cycle_start, '%Y-%m-%d')::varchar as cycle_start,
    strftime(cycle_end, '%Y-%m-%d')::varchar as cycle_end,
    days::integer as days,
    priced_days::integer as priced_days,
    netting::varchar as netting,
    currency::varchar as currency,
    tariff_basis::varchar as tariff_basis,
    round(grid_import_kwh, 1)::double as grid_import,
    round(grid_export_kwh, 1)::double as grid_export,
    round(import_cost, 4)::double as import_cost,
    round(export_credit, 4)::double as export_credit,
    round(fixed_charges + demand_charges + coalesce(minimum_adjustment, 0), 4)::double as charges,
    is_demand_lower_bound::boolean as is_demand_lower_bound,
    round(credit_used, 4)::double as credit_used,
    is_credit_known::boolean as is_credit_known,
    round(tax, 4)::double as tax,
    round(net_cost, 4)::double as net_cost,
    round(net_cost_low, 4)::double as net_cost_low,
    round(net_cost_high, 4)::double as net_cost_high,
    round(saved_by_solar, 4)::double as saved_by_solar,
    round(saved_by_battery, 4)::double as saved_by_battery,
    round(saved_by_both, 4)::double as saved_by_both
from analytics.bills
where list_contains($sites, site_id) and cycle_start between $since and $until
order by site_id, cycle_start
