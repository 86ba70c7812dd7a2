-- purpose: a difference is left less right and unknown where either is missing; the verdict names the missing one (the
--          right one where both are), a difference has a cause, and the two diverge within the period
-- returns: site, check, period, measure, both values, the difference, verdict and cause
-- sources: main.reconciliation
select
    site_id, check_name, granularity, period_start, measure, left_wh, right_wh, difference_wh, tolerance_wh, verdict, cause,
    diverges_at
from main.reconciliation
where (difference_wh is null) <> (left_wh is null or right_wh is null)
    or abs(difference_wh - (left_wh - right_wh)) > 0.001
    or (verdict = 'missing_left') <> (left_wh is null and right_wh is not null)
    or (verdict = 'missing_right' and right_wh is not null)
    or (verdict <> 'missing_right' and right_wh is null and left_wh is not null)
    or (verdict = 'agree' and abs(difference_wh) > tolerance_wh + 0.001)
    or (verdict <> 'agree' and cause is null)
    or (verdict is null and (cause is null or right_wh is not null))
    or (diverges_at is not null and verdict is distinct from 'differs')
    or (granularity = 'day' and abs(datediff('day', period_start, timezone('UTC', diverges_at)::date)) > 1)
order by site_id, check_name, granularity, period_start, measure
