-- purpose: what the energy of each day cost, without monthly and demand charges, which are on the bill; the two bounds between
--          which it lies where for a part of the day only a sum is known; and what panels and battery saved
-- grain: one row per site and local day with energy
-- sources: main.daily_costs, main.sites
create view analytics.costs_daily as
select
    costs.site_id::bigint as site_id,
    sites.site_name::varchar as site_name,
    costs.local_date::date as local_date,
    costs.currency::varchar as currency,
    costs.tariff_basis::varchar as tariff_basis,
    costs.is_bounded::boolean as is_bounded,
    (costs.grid_import_wh / 1000)::double as grid_import_kwh,
    (costs.grid_export_wh / 1000)::double as grid_export_kwh,
    costs.import_cost::decimal(28, 9) as import_cost,
    costs.import_cost_low::decimal(28, 9) as import_cost_low,
    costs.import_cost_high::decimal(28, 9) as import_cost_high,
    costs.export_credit::decimal(28, 9) as export_credit,
    costs.export_credit_low::decimal(28, 9) as export_credit_low,
    costs.export_credit_high::decimal(28, 9) as export_credit_high,
    (costs.import_cost - costs.export_credit)::decimal(28, 9) as energy_cost,
    (costs.import_cost - costs.battery_import_cost - costs.ev_import_cost)::decimal(28, 9) as home_import_cost,
    costs.battery_import_cost::decimal(28, 9) as battery_import_cost,
    costs.ev_import_cost::decimal(28, 9) as ev_import_cost,
    costs.daily_charges::decimal(28, 9) as daily_charges,
    (costs.without_solar_cost - costs.import_cost + costs.export_credit)::decimal(28, 9) as saved_by_solar,
    (costs.without_battery_cost - costs.import_cost + costs.export_credit)::decimal(28, 9) as saved_by_battery,
    (costs.without_both_cost - costs.import_cost + costs.export_credit)::decimal(28, 9) as saved_by_both
from main.daily_costs as costs
left join main.sites as sites on sites.site_id = costs.site_id
