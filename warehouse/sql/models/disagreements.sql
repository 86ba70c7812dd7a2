-- purpose: where two sources of the same energy differ, by how much and why
-- grain: one row per site, check, period and measure on which the two do not agree
-- sources: main.reconciliation, analytics.sites, meta.zone_days
create table analytics.disagreements as
select
    compared.site_id::bigint as site_id,
    sites.site_name::varchar as site_name,
    compared.check_name::varchar as check_name,
    compared.granularity::varchar as granularity,
    compared.period_start::date as period_start,
    compared.measure::varchar as measure,
    compared.left_source::varchar as left_source,
    (compared.left_wh / 1000)::double as left_kwh,
    compared.right_source::varchar as right_source,
    (compared.right_wh / 1000)::double as right_kwh,
    (compared.difference_wh / 1000)::double as difference_kwh,
    (compared.tolerance_wh / 1000)::double as tolerance_kwh,
    compared.verdict::varchar as verdict,
    compared.cause::varchar as cause,
    compared.diverges_at::timestamptz as diverges_at,
    make_timestamp(epoch_us(compared.diverges_at) + coalesce(clock.offset_us, 0))::timestamp as local_diverges_at,
    compared.diverges_at::timestamptz as parts_at,
    make_timestamp(epoch_us(compared.diverges_at) + coalesce(clock.offset_us, 0))::timestamp as local_parts_at
from main.reconciliation as compared
left join analytics.sites as sites on sites.site_id = compared.site_id
left join meta.zone_days as clock on meta.is_in_force(clock, sites.zone, compared.diverges_at)
where compared.verdict <> 'agree'
order by compared.site_id, compared.check_name, compared.granularity, compared.period_start, compared.measure
