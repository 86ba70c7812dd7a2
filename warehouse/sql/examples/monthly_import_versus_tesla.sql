-- question: how much did each site import from the grid each month, and what is Tesla's figure?
-- returns: site, month, the sum of days, Tesla's figure, the difference (NULL where a day is missing), the days stored
-- sources: analytics.monthly
select
    site_name,
    month,
    grid_import_kwh,
    tesla_grid_import_kwh,
    tesla_grid_import_difference_kwh as difference_kwh,
    days_held || ' of ' || days as days_held
from analytics.monthly
order by site_name, month
