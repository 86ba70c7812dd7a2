-- purpose: what each billing cycle cost by the rules in wattlog.toml, all charges and tax included, and what panels and battery
--          saved by the same rules; not rounded, since utilities round different lines
-- grain: one row per site and billing cycle with energy
-- sources: main.bills, main.sites
create view analytics.bills as
select
    bills.site_id::bigint as site_id,
    sites.site_name::varchar as site_name,
    bills.cycle_start::date as cycle_start,
    bills.cycle_end::date as cycle_end,
    bills.days::integer as days,
    bills.priced_days::integer as priced_days,
    bills.bounded_days::integer as bounded_days,
    bills.missing_days::integer as missing_days,
    bills.currency::varchar as currency,
    bills.tariff_basis::varchar as tariff_basis,
    bills.netting::varchar as netting,
    (bills.grid_import_wh / 1000)::double as grid_import_kwh,
    (bills.grid_export_wh / 1000)::double as grid_export_kwh,
    bills.import_cost::decimal(28, 9) as import_cost,
    bills.export_credit::decimal(28, 9) as export_credit,
    bills.fixed_charges::decimal(28, 9) as fixed_charges,
    bills.demand_charges::decimal(28, 9) as demand_charges,
    bills.is_demand_lower_bound::boolean as is_demand_lower_bound,
    bills.minimum_adjustment::decimal(28, 9) as minimum_adjustment,
    bills.credit_used::decimal(28, 9) as credit_used,
    bills.credit_carried::decimal(28, 9) as credit_carried,
    bills.credit_paid::decimal(28, 9) as credit_paid,
    bills.credit_expired::decimal(28, 9) as credit_expired,
    bills.is_credit_known::boolean as is_credit_known,
    bills.tax::decimal(28, 9) as tax,
    bills.net_cost::decimal(28, 9) as net_cost,
    bills.net_cost_low::decimal(28, 9) as net_cost_low,
    bills.net_cost_high::decimal(28, 9) as net_cost_high,
    (bills.credit_carried_wh / 1000)::double as credit_carried_kwh,
    (bills.credit_expired_wh / 1000)::double as credit_expired_kwh,
    (bills.without_solar_cost - bills.net_cost)::decimal(28, 9) as saved_by_solar,
    (bills.without_battery_cost - bills.net_cost)::decimal(28, 9) as saved_by_battery,
    (bills.without_both_cost - bills.net_cost)::decimal(28, 9) as saved_by_both
from main.bills as bills
left join main.sites as sites on sites.site_id = bills.site_id
