-- purpose: the day's totals (home, export, charge) are the sums of their parts where any part is reported; a home that is
--          unknown agrees with any parts (Q43)
-- returns: site, day, which total, the total and the sum of its parts in Wh
-- sources: main.daily
with totals as (
    select
        site_id,
        local_date,
        'home' as total,
        home_wh as total_wh,
        list_sum([
            consumer_energy_imported_from_grid_wh,
            consumer_energy_imported_from_solar_wh,
            consumer_energy_imported_from_battery_wh,
            consumer_energy_imported_from_generator_wh
        ]) as parts_wh
    from main.daily
    union all
    select
        site_id,
        local_date,
        'grid export' as total,
        grid_export_wh as total_wh,
        list_sum([
            grid_energy_exported_from_solar_wh,
            grid_energy_exported_from_battery_wh,
            grid_energy_exported_from_generator_wh
        ]) as parts_wh
    from main.daily
    union all
    select
        site_id,
        local_date,
        'battery charge' as total,
        battery_charge_wh as total_wh,
        list_sum([
            battery_energy_imported_from_grid_wh,
            battery_energy_imported_from_solar_wh,
            battery_energy_imported_from_generator_wh
        ]) as parts_wh
    from main.daily
)
select site_id, local_date, total, total_wh, parts_wh
from totals
where abs(total_wh - parts_wh) > 0.001
order by site_id, local_date, total
