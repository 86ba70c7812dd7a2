-- purpose: the zone of every site is one that DuckDB knows; where it is not, models tell hours and months by UTC
-- returns: site, its zone, the zone that models take
-- sources: main.sites, analytics.sites
select site_id, timezone, zone
from main.sites
join analytics.sites using (site_id)
where timezone is not null and regexp_replace(timezone, '^UTC([+-])', 'GMT\1') <> zone
order by site_id
