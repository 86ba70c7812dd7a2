-- purpose: a site has one set of settings at a time, and only the newest has no end
-- returns: site, from when, until when, when the next begins
-- sources: main.site_settings
with followed as (
    select
        site_id,
        valid_from,
        valid_to,
        lead(valid_from) over (partition by site_id order by valid_from) as next_from
    from main.site_settings
)
select site_id, valid_from, valid_to, next_from
from followed
where valid_to <= valid_from
    or (next_from <> valid_from and coalesce(valid_to > next_from, true))
order by site_id, valid_from
