-- purpose: when history was last fetched, and how that ended
-- returns: one row, of the newest run that ended; none where there was none
-- sources: main.runs
select
    strftime(finished_at, '%Y-%m-%dT%H:%M:%SZ')::varchar as finished_at,
    command::varchar as command,
    exit_code::integer as exit_code
from main.runs
where finished_at is not null
order by finished_at desc
limit 1
