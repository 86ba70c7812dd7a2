-- purpose: what sites paid by month, each month with the billing cycles that begin in it
-- returns: one row per chosen site, month and currency; an amount is the sum of the bills of which it is known
-- sources: analytics.bills
select
    site_id::varchar as site_id,
    strftime(cycle_start, '%Y-%m')::varchar as period,
    currency::varchar as currency,
    count(*)::integer as bills,
    count(net_cost)::integer as known_bills,
    round(sum(net_cost), 4)::double as net_cost,
    round(sum(import_cost), 4)::double as import_cost,
    round(sum(export_credit), 4)::double as export_credit,
    round(sum(saved_by_solar), 4)::double as saved_by_solar,
    round(sum(saved_by_battery), 4)::double as saved_by_battery
from analytics.bills
where list_contains($sites, site_id) and cycle_start between $since and $until and currency is not null
group by all
order by all
