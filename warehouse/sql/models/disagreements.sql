-- purpose: where two sources of the same energy contradict each other, by how much and why
-- grain: one row per site, check, period and measure on which the two do not agree
-- sources: main.reconciliation, analytics.sites
create table analytics.disagreements as
select
    found.site_id::bigint as site_id,
    sites.site_name::varchar as site_name,
    found.check_name::varchar as check_name,
    found.granularity::varchar as granularity,
    found.period_start::date as period_start,
    found.measure::varchar as measure,
    found.left_source::varchar as left_source,
    (found.left_wh / 1000)::double as left_kwh,
    found.right_source::varchar as right_source,
    (found.right_wh / 1000)::double as right_kwh,
    (found.difference_wh / 1000)::double as difference_kwh,
    (found.tolerance_wh / 1000)::double as tolerance_kwh,
    found.verdict::varchar as verdict,
    found.cause::varchar as cause,
    found.parts_at::timestamptz as parts_at,
    timezone(coalesce(sites.zone, 'UTC'), found.parts_at)::timestamp as local_parts_at
from main.reconciliation as found
left join analytics.sites as sites on sites.site_id = found.site_id
where found.verdict <> 'agree'
order by found.site_id, found.check_name, found.granularity, found.period_start, found.measure
