-- purpose: the duration of an outage is the time from its beginning to its end, to the second
-- returns: site, when it began and ended, its duration
-- sources: main.backup_events
select site_id, started_at, ended_at, duration_s
from main.backup_events
where abs(epoch(ended_at) - epoch(started_at) - duration_s) > 1
order by site_id, started_at
