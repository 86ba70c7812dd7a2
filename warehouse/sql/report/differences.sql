-- purpose: the largest differences of each year one by one
-- returns: at most a hundred rows per chosen site and year, those without a difference (one side is missing) last
-- sources: analytics.disagreements
select
    site_id::bigint as site_id,
    strftime(period_start, '%Y-%m-%d')::varchar as day,
    granularity::varchar as granularity,
    check_name::varchar as check_name,
    measure::varchar as measure,
    left_source::varchar as left_source,
    round(left_kwh, 3)::double as left_value,
    right_source::varchar as right_source,
    round(right_kwh, 3)::double as right_value,
    round(difference_kwh, 3)::double as difference,
    verdict::varchar as verdict,
    coalesce(cause, 'unexplained')::varchar as cause,
    strftime(local_diverges_at, '%H:%M')::varchar as diverges_at
from analytics.disagreements
where list_contains($sites, site_id) and period_start between $since and $until
qualify row_number() over (
    partition by site_id, year(period_start)
    order by abs(difference_kwh) desc nulls last, period_start, check_name, measure
) <= 100
order by site_id, period_start, check_name, measure
