-- purpose: how many comparisons were made, to distinguish "no difference" from "nothing was compared"
-- returns: one row per chosen site and year
-- sources: main.reconciliation
select
    site_id::bigint as site_id,
    year(period_start)::integer as year,
    count(*)::bigint as compared
from main.reconciliation
where list_contains($sites, site_id) and period_start between $since and $until and verdict is not null
group by all
order by site_id, year
