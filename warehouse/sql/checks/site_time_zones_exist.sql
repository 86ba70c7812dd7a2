-- purpose: the zone of every site is in the time zone database; where it is not, models give hours and months by UTC
-- returns: site, its zone, the zone that models use
-- sources: main.sites, analytics.sites
select site_id, timezone, zone
from main.sites
join analytics.sites using (site_id)
where timezone is not null and regexp_replace(timezone, '^UTC([+-])', 'GMT\1') <> zone
order by site_id
