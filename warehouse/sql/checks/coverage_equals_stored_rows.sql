-- purpose: coverage counts every stored row, once, and expects no fewer
-- returns: site, series, rows counted, rows stored, rows expected
-- sources: main.power, main.state_of_energy, analytics.coverage
with stored as (
    select site_id, 'power' as series, count(*) as rows_stored from main.power group by site_id
    union all
    select site_id, 'soe' as series, count(*) as rows_stored from main.state_of_energy group by site_id
),
counted as (
    select site_id, series, sum(held_rows) as rows_counted, sum(expected_rows) as rows_expected
    from analytics.coverage
    group by site_id, series
)
select
    coalesce(stored.site_id, counted.site_id) as site_id,
    coalesce(stored.series, counted.series) as series,
    counted.rows_counted,
    stored.rows_stored,
    counted.rows_expected
from stored
full join counted on counted.site_id = stored.site_id and counted.series = stored.series
where counted.rows_expected < counted.rows_counted
    or (stored.rows_stored is not null and counted.rows_counted is distinct from stored.rows_stored)
order by site_id, series
