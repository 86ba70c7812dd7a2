-- purpose: each charge session at a site's wall connectors, by the site's clock
-- returns: at most five hundred rows, the newest first
-- sources: main.charge_sessions, analytics.sites, meta.zone_days
select
    strftime(make_timestamp(epoch_us(sessions.started_at) + coalesce(clock.offset_us, 0)), '%Y-%m-%d %H:%M')::varchar
        as started_at,
    round(sessions.duration_s)::bigint as duration,
    round(sessions.energy_added_wh / 1000, 3)::double as kwh
from main.charge_sessions as sessions
left join analytics.sites as sites on sites.site_id = sessions.site_id
left join meta.zone_days as clock on meta.is_in_force(clock, sites.zone, sessions.started_at)
where
    list_contains($sites, sessions.site_id)
    and make_timestamp(epoch_us(sessions.started_at) + coalesce(clock.offset_us, 0))::date between $since and $until
order by sessions.started_at desc
limit 500
