-- purpose: values that a later response changed
-- returns: at most five hundred rows, the newest first
-- sources: main.revisions
select
    series::varchar as series,
    strftime(interval_start, '%Y-%m-%d %H:%M')::varchar as interval_start,
    measure::varchar as measure,
    strftime(seen_at, '%Y-%m-%d %H:%M')::varchar as seen_at,
    old_value::double as old_value,
    new_value::double as new_value
from main.revisions
where
    list_contains($sites, site_id)
    and interval_start < $until::timestamptz + interval 2 day
    and interval_start >= $since::timestamptz - interval 1 day
order by revisions.seen_at desc, revisions.interval_start desc, series, measure
limit 500
