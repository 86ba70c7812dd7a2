-- purpose: what cars were charged with at home and at public chargers, and what it cost. A home session belongs to a car only where it
--          was seen plugged in (analytics.ev_session_days); the cost at home is that of the imported energy, and is known for
--          days on which one car alone charged. A sum is NULL where a part of it is not known
-- grain: one row per local month, car and currency; sessions of an unknown car, and costs without a currency, have rows of their own
-- sources: analytics.ev_session_days, main.daily_costs, main.public_charging
create view analytics.ev_charging_monthly as
-- Sums are in a fixed order, so that they do not differ in their last digit from one build to the next.
with home_days as (
    select
        site_id,
        local_date,
        vehicle,
        count(*) filter (has_begun) as sessions,
        sum(ev_kwh order by started_at, target_id) as ev_kwh
    from analytics.ev_session_days
    group by site_id, local_date, vehicle
),
counted as (
    select *, count(*) over (partition by site_id, local_date) as cars from home_days
),
home as (
    select
        date_trunc('month', counted.local_date)::date as month,
        counted.vehicle,
        costs.currency,
        sum(counted.sessions) as sessions,
        sum(counted.ev_kwh order by counted.site_id, counted.local_date) as ev_kwh,
        count(*) as days,
        count(costs.ev_import_cost) filter (counted.cars = 1) as priced_days,
        sum(costs.ev_import_cost) filter (counted.cars = 1) as cost
    from counted
    left join main.daily_costs as costs
        on costs.site_id = counted.site_id and costs.local_date = counted.local_date
    group by date_trunc('month', counted.local_date), counted.vehicle, costs.currency
),
public_months as (
    select
        date_trunc('month', local_date)::date as month,
        vehicle,
        currency,
        count(*) as sessions,
        count(energy_kwh) as measured_sessions,
        sum(energy_kwh order by session_id) as energy_kwh,
        count(total_due) as priced_sessions,
        sum(total_due) as cost
    from main.public_charging
    group by date_trunc('month', local_date), vehicle, currency
),
joined as (
    select
        coalesce(home.month, public_months.month) as month,
        coalesce(home.vehicle, public_months.vehicle) as vehicle,
        coalesce(home.currency, public_months.currency) as currency,
        coalesce(home.sessions, 0) as home_sessions,
        coalesce(home.ev_kwh, 0) as home_kwh,
        case when home.month is null then 0 when home.priced_days = home.days then home.cost end as home_cost,
        coalesce(public_months.sessions, 0) as public_sessions,
        case
            when public_months.month is null then 0
            when public_months.measured_sessions = public_months.sessions then public_months.energy_kwh
        end as public_kwh,
        case
            when public_months.month is null then 0
            when public_months.priced_sessions = public_months.sessions then public_months.cost
        end as public_cost
    from home
    full join public_months
        on public_months.month = home.month
        and public_months.vehicle is not distinct from home.vehicle
        and public_months.currency is not distinct from home.currency
)
select
    month::date as month,
    vehicle::varchar as vehicle,
    currency::varchar as currency,
    home_sessions::bigint as home_sessions,
    home_kwh::double as home_kwh,
    home_cost::decimal(28, 9) as home_cost,
    public_sessions::bigint as public_sessions,
    public_kwh::double as public_kwh,
    public_cost::decimal(28, 9) as public_cost,
    (home_kwh + public_kwh)::double as total_kwh,
    (home_cost + public_cost)::decimal(28, 9) as total_cost
from joined
order by month, vehicle, currency
