-- purpose: the battery's throughput and efficiency. Equivalent full cycles are the energy discharged by the rated
--          energy. Round-trip efficiency is energy out by energy in over a stretch that ends with as much in the battery as
--          it began with (IEC 62933-2-1; PNNL-22010 rev. 2): the change of the stored energy, by state of energy and rated energy,
--          is added to the energy out; where it is not known, stored_change_kwh is NULL and the figure is off by at most one
--          battery's content. It is given for months and years with a full cycle or more
-- grain: one row per site with a battery, granularity (day, month, year) and period
-- sources: main.daily, main.state_of_energy, analytics.sites, meta.zone_days
create table analytics.battery_cycles as
with soe_days as (
    select
        site_id,
        local_date,
        min(interval_start) as first_start,
        arg_min(soe_pct, interval_start) as first_soe_pct,
        min(soe_pct) as min_soe_pct,
        max(soe_pct) as max_soe_pct,
        sum(soe_pct * interval_s) as soe_pct_s,
        sum(interval_s) filter (soe_pct is not null) as stored_s,
        sum(interval_s) filter (soe_pct <= 0) as empty_s,
        sum(interval_s) filter (soe_pct >= 100) as full_s
    from main.state_of_energy
    group by site_id, local_date
),
-- The state at midnight, and at the next one.
midnights as (
    select
        soe_days.*,
        case
            when make_timestamp(epoch_us(first_start) + coalesce(clock.offset_us, 0)) = local_date::timestamp
                then first_soe_pct
        end as midnight_soe_pct
    from soe_days
    left join analytics.sites as sites on sites.site_id = soe_days.site_id
    left join meta.zone_days as clock on meta.is_in_force(clock, sites.zone, first_start)
),
days as (
    select
        daily.site_id,
        sites.site_name,
        daily.local_date,
        date_trunc('month', daily.local_date)::date as month,
        date_trunc('year', daily.local_date)::date as year,
        sites.nameplate_energy_kwh,
        daily.battery_charge_wh as charge_wh,
        daily.battery_energy_exported_wh as discharge_wh,
        (tomorrow.midnight_soe_pct - today.midnight_soe_pct) / 100 * sites.nameplate_energy_kwh as change_kwh,
        today.min_soe_pct,
        today.max_soe_pct,
        today.soe_pct_s,
        today.stored_s,
        today.empty_s,
        today.full_s
    from main.daily as daily
    join analytics.sites as sites on sites.site_id = daily.site_id
    left join midnights as today on today.site_id = daily.site_id and today.local_date = daily.local_date
    left join midnights as tomorrow
        on tomorrow.site_id = daily.site_id and tomorrow.local_date = daily.local_date + 1
    where sites.has_battery
),
balanced as (
    select
        *,
        charge_wh is not null and discharge_wh is not null as has_energy,
        charge_wh is not null and discharge_wh is not null and change_kwh is not null as has_balance
    from days
),
periods as (
    select
        site_id,
        any_value(site_name) as site_name,
        case grouping_id(local_date, month, year) when 3 then 'day' when 5 then 'month' else 'year' end as granularity,
        coalesce(local_date, month, year) as period_start,
        count(*) filter (has_energy) as days,
        any_value(nameplate_energy_kwh) as nameplate_energy_kwh,
        sum(charge_wh) / 1000 as charge_kwh,
        sum(discharge_wh) / 1000 as discharge_kwh,
        sum(change_kwh) filter (has_balance) as stored_change_kwh,
        sum(charge_wh) filter (has_energy) / 1000 as paired_charge_kwh,
        sum(discharge_wh) filter (has_energy) / 1000 as paired_discharge_kwh,
        sum(charge_wh) filter (has_balance) / 1000 as balanced_charge_kwh,
        sum(discharge_wh) filter (has_balance) / 1000 as balanced_discharge_kwh,
        min(min_soe_pct) as min_soe_pct,
        max(max_soe_pct) as max_soe_pct,
        sum(soe_pct_s) / sum(stored_s) as mean_soe_pct,
        case when sum(stored_s) > 0 then coalesce(sum(empty_s), 0) / 3600 end as empty_h,
        case when sum(stored_s) > 0 then coalesce(sum(full_s), 0) / 3600 end as full_h
    from balanced
    group by grouping sets ((site_id, local_date), (site_id, month), (site_id, year))
)
select
    site_id::bigint as site_id,
    site_name::varchar as site_name,
    granularity::varchar as granularity,
    period_start::date as period_start,
    days::bigint as days,
    charge_kwh::double as charge_kwh,
    discharge_kwh::double as discharge_kwh,
    (charge_kwh + discharge_kwh)::double as throughput_kwh,
    (discharge_kwh / nameplate_energy_kwh)::double as equivalent_full_cycles,
    stored_change_kwh::double as stored_change_kwh,
    case
        when granularity = 'day' or discharge_kwh < nameplate_energy_kwh then null
        when stored_change_kwh is not null
            then 100 * (balanced_discharge_kwh + stored_change_kwh) / nullif(balanced_charge_kwh, 0)
        else 100 * paired_discharge_kwh / nullif(paired_charge_kwh, 0)
    end::double as round_trip_efficiency_pct,
    min_soe_pct::double as min_soe_pct,
    max_soe_pct::double as max_soe_pct,
    mean_soe_pct::double as mean_soe_pct,
    empty_h::double as empty_h,
    full_h::double as full_h
from periods
order by site_id, granularity, period_start
