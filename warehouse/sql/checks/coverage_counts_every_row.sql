-- purpose: coverage counts every row that is held, once, and expects no fewer than are held
-- returns: site, series, rows counted, rows held, rows expected
-- sources: main.power, main.state_of_energy, analytics.coverage
with held as (
    select site_id, 'power' as series, count(*) as rows_held from main.power group by site_id
    union all
    select site_id, 'soe' as series, count(*) as rows_held from main.state_of_energy group by site_id
),
counted as (
    select site_id, series, sum(held_rows) as rows_counted, sum(expected_rows) as rows_expected
    from analytics.coverage
    group by site_id, series
)
select
    coalesce(held.site_id, counted.site_id) as site_id,
    coalesce(held.series, counted.series) as series,
    counted.rows_counted,
    held.rows_held,
    counted.rows_expected
from held
full join counted on counted.site_id = held.site_id and counted.series = held.series
where counted.rows_expected < counted.rows_counted
    or (held.rows_held is not null and counted.rows_counted is distinct from held.rows_held)
order by site_id, series
