-- purpose: mean state of energy of each hour of the site's clock, in whole percent
-- returns: one row per chosen site, local day and hour that has a state of energy
-- sources: main.state_of_energy, analytics.sites
select
    soe.site_id::bigint as site_id,
    soe.local_date::date as local_date,
    hour(timezone(coalesce(sites.zone, 'UTC'), soe.interval_start))::integer as hour,
    round(avg(soe.soe_pct))::bigint as soe
from main.state_of_energy as soe
left join analytics.sites as sites on sites.site_id = soe.site_id
where list_contains($sites, soe.site_id) and soe.local_date between $since and $until and soe.soe_pct is not null
group by all
order by site_id, local_date, hour
