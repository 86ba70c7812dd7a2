-- purpose: what is missing, and why, without what is missing by nature (nights, the future, days before the installation)
-- returns: at most five hundred rows, the newest first
-- sources: main.gaps, meta.is_by_nature
select
    series::varchar as series,
    strftime(gap_start, '%Y-%m-%d %H:%M')::varchar as gap_start,
    strftime(gap_end, '%Y-%m-%d %H:%M')::varchar as gap_end,
    cause::varchar as cause,
    expected_rows::bigint as expected_rows
from main.gaps
where
    list_contains($sites, site_id)
    and not meta.is_by_nature(cause)
    and gap_start < $until::timestamptz + interval 2 day
    and gap_end >= $since::timestamptz - interval 1 day
order by gaps.gap_start desc, series
limit 500
