-- purpose: a cost is the energy times its price, to a millionth of the currency
-- returns: site, beginning, energies, prices, cost and credit
-- sources: main.hourly_costs
select site_id, starts_at, grid_import_wh, buy_per_kwh, import_cost, grid_export_wh, sell_per_kwh, export_credit
from main.hourly_costs
where abs(import_cost::double - grid_import_wh * buy_per_kwh::double / 1000) > 0.000001
    or abs(export_credit::double - grid_export_wh * sell_per_kwh::double / 1000) > 0.000001
    or (import_cost is null) <> (buy_per_kwh is null)
    or (export_credit is null) <> (sell_per_kwh is null)
order by site_id, starts_at
