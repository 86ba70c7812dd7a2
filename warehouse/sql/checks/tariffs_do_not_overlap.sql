-- purpose: a site has one tariff at a time, apart from those that tools write (Q137) and from prices by interval
-- returns: site, from when, until when, when the next begins
-- sources: main.tariffs
with followed as (
    select
        site_id,
        valid_from,
        valid_to,
        lead(valid_from) over (partition by site_id order by valid_from, kind) as next_from
    from main.tariffs
    where kind <> 'prices' and not is_synthetic
)
select site_id, valid_from, valid_to, next_from
from followed
where valid_to < valid_from
    or (next_from is not null and coalesce(valid_to > next_from, true))
order by site_id, valid_from
