-- purpose: share of solar energy used on site, and share of the home's energy that did not come from the grid
-- returns: one row per chosen site and month, and per year that lies wholly in the chosen period
-- sources: analytics.self_sufficiency
select
    site_id::bigint as site_id,
    case granularity when 'year' then strftime(period_start, '%Y') else strftime(period_start, '%Y-%m') end as period,
    round(self_sufficiency_pct, 1)::double as self_sufficiency,
    round(self_consumption_pct, 1)::double as self_consumption
from analytics.self_sufficiency
where
    list_contains($sites, site_id)
    and period_start >= $since
    and (
        (granularity = 'month' and period_start <= $until)
        or (granularity = 'year' and period_start + interval 1 year <= $until::timestamp + interval 1 day)
    )
order by site_id, granularity, period_start
