-- purpose: state of energy of each interval of a day
-- returns: one row per interval; minute counts from the beginning of the local day
-- sources: main.state_of_energy
select
    ((epoch_us(interval_start) - epoch_us($begins_at::timestamptz)) / 60000000)::double as minute,
    (interval_s / 60)::double as length,
    round(soe_pct, 1)::double as soe
from main.state_of_energy
where site_id = $site and local_date = $day and soe_pct is not null
order by interval_start
