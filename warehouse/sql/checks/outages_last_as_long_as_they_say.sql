-- purpose: an outage ends after it begins and lasts from the one to the other, to the second
-- returns: site, when it began and ended, how long it says it lasted
-- sources: main.backup_events
select site_id, started_at, ended_at, duration_s
from main.backup_events
where abs(epoch(ended_at) - epoch(started_at) - duration_s) > 1
order by site_id, started_at
