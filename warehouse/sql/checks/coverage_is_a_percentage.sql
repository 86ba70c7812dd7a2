-- purpose: the share of a day that is covered lies within 0 and 100
-- returns: site, day, the share
-- sources: main.daily
select site_id, local_date, coverage_pct
from main.daily
where coverage_pct is null or coverage_pct not between 0 and 100
order by site_id, local_date
