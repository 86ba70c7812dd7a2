-- purpose: lowest, mean and highest state of energy of each day, in tenths of a percent
-- returns: one row per chosen site and local day that has a state of energy
-- sources: main.state_of_energy
select
    site_id::bigint as site_id,
    local_date::date as local_date,
    round(10 * min(soe_pct))::bigint as soe_min,
    round(10 * avg(soe_pct))::bigint as soe_mean,
    round(10 * max(soe_pct))::bigint as soe_max
from main.state_of_energy
where list_contains($sites, site_id) and local_date between $since and $until and soe_pct is not null
group by all
order by site_id, local_date
