-- purpose: mean state of energy of each hour of the site's clock, in whole percent
-- returns: one row per chosen site, local day and hour that has a state of energy
-- sources: main.state_of_energy, analytics.sites, meta.zone_days
select
    soe.site_id::bigint as site_id,
    soe.local_date::date as local_date,
    hour(make_timestamp(epoch_us(soe.interval_start) + coalesce(clock.offset_us, 0)))::integer as hour,
    round(avg(soe.soe_pct))::bigint as soe
from main.state_of_energy as soe
left join analytics.sites as sites on sites.site_id = soe.site_id
left join meta.zone_days as clock on meta.is_in_force(clock, sites.zone, soe.interval_start)
where list_contains($sites, soe.site_id) and soe.local_date between $since and $until and soe.soe_pct is not null
group by all
order by site_id, local_date, hour
