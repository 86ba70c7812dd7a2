-- purpose: how many differences each cause has, and the largest of them
-- returns: one row per chosen site, year, cause and check
-- sources: analytics.disagreements
select
    site_id::bigint as site_id,
    year(period_start)::integer as year,
    coalesce(cause, 'unexplained')::varchar as cause,
    check_name::varchar as check_name,
    count(*)::integer as differences,
    round(max(abs(difference_kwh)), 3)::double as largest
from analytics.disagreements
where list_contains($sites, site_id) and period_start between $since and $until
group by all
order by site_id, year, differences desc, cause, check_name
