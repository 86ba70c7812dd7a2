-- purpose: each calendar month as the sum of its days: costs and savings of the days that are priced exactly, and bounds of all
--          days; without monthly and demand charges, which are on the bill
-- grain: one row per site, local month, and currency; days without a known price are a row without currency
-- sources: main.daily_costs, main.sites
create view analytics.costs_monthly as
with months as (
    select
        site_id,
        date_trunc('month', local_date)::date as month,
        currency,
        count(*) as days,
        count(import_cost - export_credit) as priced_days,
        count(*) filter (is_bounded) as bounded_days,
        count(tariff_basis) as days_with_basis,
        count(*) filter (tariff_basis = 'assumed') as assumed_days,
        sum(grid_import_wh) as grid_import_wh,
        sum(grid_export_wh) as grid_export_wh,
        sum(import_cost) as import_cost,
        sum(import_cost_low) as import_cost_low,
        sum(import_cost_high) as import_cost_high,
        sum(export_credit) as export_credit,
        sum(export_credit_low) as export_credit_low,
        sum(export_credit_high) as export_credit_high,
        sum(import_cost - export_credit) as energy_cost,
        sum(import_cost - battery_import_cost - ev_import_cost) as home_import_cost,
        sum(battery_import_cost) as battery_import_cost,
        sum(ev_import_cost) as ev_import_cost,
        sum(daily_charges) as daily_charges,
        sum(without_solar_cost - import_cost + export_credit) as saved_by_solar,
        sum(without_battery_cost - import_cost + export_credit) as saved_by_battery,
        sum(without_both_cost - import_cost + export_credit) as saved_by_both
    from main.daily_costs
    group by site_id, date_trunc('month', local_date), currency
)
select
    months.site_id::bigint as site_id,
    sites.site_name::varchar as site_name,
    months.month::date as month,
    months.currency::varchar as currency,
    case when days_with_basis < days then null when assumed_days > 0 then 'assumed' else 'in_force' end::varchar
        as tariff_basis,
    months.days::bigint as days,
    months.priced_days::bigint as priced_days,
    months.bounded_days::bigint as bounded_days,
    (months.grid_import_wh / 1000)::double as grid_import_kwh,
    (months.grid_export_wh / 1000)::double as grid_export_kwh,
    months.import_cost::decimal(28, 9) as import_cost,
    months.import_cost_low::decimal(28, 9) as import_cost_low,
    months.import_cost_high::decimal(28, 9) as import_cost_high,
    months.export_credit::decimal(28, 9) as export_credit,
    months.export_credit_low::decimal(28, 9) as export_credit_low,
    months.export_credit_high::decimal(28, 9) as export_credit_high,
    months.energy_cost::decimal(28, 9) as energy_cost,
    months.home_import_cost::decimal(28, 9) as home_import_cost,
    months.battery_import_cost::decimal(28, 9) as battery_import_cost,
    months.ev_import_cost::decimal(28, 9) as ev_import_cost,
    months.daily_charges::decimal(28, 9) as daily_charges,
    months.saved_by_solar::decimal(28, 9) as saved_by_solar,
    months.saved_by_battery::decimal(28, 9) as saved_by_battery,
    months.saved_by_both::decimal(28, 9) as saved_by_both
from months
left join main.sites as sites on sites.site_id = months.site_id
