-- purpose: how reliable the days of sites are by month: days by status, comparisons that disagree, and gaps that are losses
-- returns: one row per chosen site and month with any of these; gaps count in the month of UTC in which they begin
-- sources: main.daily, analytics.disagreements, main.gaps, meta.is_by_nature
with counted as (
    select site_id, date_trunc('month', local_date)::date as month, status as what, count(*) as found
    from main.daily
    where local_date between $since and $until
    group by all
    union all
    select site_id, date_trunc('month', period_start)::date, 'differences', count(*)
    from analytics.disagreements
    where period_start between $since and $until
    group by all
    union all
    select site_id, date_trunc('month', period_start)::date, 'unexplained', count(*)
    from analytics.disagreements
    where period_start between $since and $until and coalesce(cause, 'unexplained') = 'unexplained'
    group by all
    union all
    select site_id, date_trunc('month', gap_start)::date, 'gaps', count(*)
    from main.gaps
    where gap_start >= $since::timestamptz and gap_start < $until::timestamptz + interval 1 day and not meta.is_by_nature(cause)
    group by all
)
select
    site_id::varchar as site_id,
    strftime(month, '%Y-%m')::varchar as period,
    coalesce(sum(found) filter (what = 'agreed'), 0)::integer as agreed,
    coalesce(sum(found) filter (what = 'single_source'), 0)::integer as single_source,
    coalesce(sum(found) filter (what = 'filled'), 0)::integer as filled,
    coalesce(sum(found) filter (what = 'adjusted'), 0)::integer as adjusted,
    coalesce(sum(found) filter (what = 'provisional'), 0)::integer as provisional,
    coalesce(sum(found) filter (what = 'missing'), 0)::integer as missing,
    coalesce(sum(found) filter (what = 'differences'), 0)::integer as differences,
    coalesce(sum(found) filter (what = 'unexplained'), 0)::integer as unexplained,
    coalesce(sum(found) filter (what = 'gaps'), 0)::integer as gaps
from counted
where list_contains($sites, site_id)
group by all
order by site_id, period
