-- purpose: what energy cost by the hours of the site's own clock, and what a part of it was for. An hour in which the price
--          changes is several rows, so that each row has one price; a cost is NULL where no price was known
-- grain: one row per site and part of a local hour with one price, of which any interval is stored
-- sources: main.hourly_costs, analytics.sites, meta.zone_days
create table analytics.costs_hourly as
select
    costs.site_id::bigint as site_id,
    sites.site_name::varchar as site_name,
    costs.starts_at::timestamptz as starts_at,
    make_timestamp(epoch_us(costs.starts_at) + coalesce(clock.offset_us, 0))::timestamp as local_starts_at,
    costs.local_date::date as local_date,
    costs.stored_s::integer as stored_s,
    costs.label::varchar as label,
    costs.season::varchar as season,
    costs.currency::varchar as currency,
    costs.tariff_basis::varchar as tariff_basis,
    costs.buy_per_kwh::decimal(18, 6) as buy_per_kwh,
    costs.sell_per_kwh::decimal(18, 6) as sell_per_kwh,
    (costs.grid_import_wh / 1000)::double as grid_import_kwh,
    (costs.grid_export_wh / 1000)::double as grid_export_kwh,
    costs.import_cost::decimal(28, 9) as import_cost,
    costs.export_credit::decimal(28, 9) as export_credit,
    (costs.import_cost - costs.battery_import_cost - costs.ev_import_cost)::decimal(28, 9) as home_import_cost,
    costs.battery_import_cost::decimal(28, 9) as battery_import_cost,
    costs.ev_import_cost::decimal(28, 9) as ev_import_cost
from main.hourly_costs as costs
left join analytics.sites as sites on sites.site_id = costs.site_id
left join meta.zone_days as clock on meta.is_in_force(clock, sites.zone, costs.starts_at)
order by costs.site_id, costs.starts_at
