-- purpose: charging by month has each session once, at home and at public chargers, with its energy and its cost
-- returns: what is compared, the sum over months and the sum over sessions
-- sources: main.charge_sessions, main.public_charging, analytics.ev_charging_monthly
with months as (
    select
        sum(home_sessions) as home_sessions,
        sum(home_kwh) as home_kwh,
        sum(public_sessions) as public_sessions,
        sum(public_kwh) filter (public_sessions > 0) as public_kwh,
        sum(public_cost) filter (public_sessions > 0) as public_cost
    from analytics.ev_charging_monthly
),
-- A month with a session whose energy or cost is not known has no sum.
public_months as (
    select
        case when count(energy_kwh) = count(*) then sum(energy_kwh) end as energy_kwh,
        case when count(total_due) = count(*) then sum(total_due) end as total_due
    from main.public_charging
    group by date_trunc('month', local_date), vehicle, currency
),
compared as (
    select
        unnest(['home sessions', 'home kWh', 'public sessions', 'public kWh', 'public cost']) as what,
        unnest([
            coalesce(months.home_sessions, 0)::double,
            coalesce(months.home_kwh, 0)::double,
            coalesce(months.public_sessions, 0)::double,
            coalesce(months.public_kwh, 0)::double,
            coalesce(months.public_cost, 0)::double
        ]) as by_months,
        unnest([
            (select count(*) from main.charge_sessions)::double,
            (select coalesce(sum(energy_added_wh), 0) / 1000 from main.charge_sessions)::double,
            (select count(*) from main.public_charging)::double,
            (select coalesce(sum(energy_kwh), 0) from public_months)::double,
            (select coalesce(sum(total_due), 0) from public_months)::double
        ]) as by_sessions
    from months
)
select what, by_months, by_sessions
from compared
where abs(by_months - by_sessions) > 0.000001
order by what
