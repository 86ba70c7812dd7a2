-- purpose: how often the API contradicted itself, for which cause, and by how much at most
-- returns: one row per chosen site, year, cause and comparison
-- sources: analytics.disagreements
select
    site_id::bigint as site_id,
    year(period_start)::integer as year,
    coalesce(cause, 'unexplained')::varchar as cause,
    check_name::varchar as check_name,
    count(*)::integer as findings,
    round(max(abs(difference_kwh)), 3)::double as largest
from analytics.disagreements
where list_contains($sites, site_id) and period_start between $since and $until
group by all
order by site_id, year, findings desc, cause, check_name
