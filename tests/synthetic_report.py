"""Reports of invented sites, of any length, for tests of the page and of its size."""

from datetime import UTC, date, datetime, timedelta
from itertools import cycle, islice
from typing import Any

import numpy as np

from warehouse.report import ReportData, SiteReport
from warehouse.report.model import Columns

MADE_AT = datetime(2026, 1, 15, 20, 7, 30, tzinfo=UTC)
_CAUSES = ("dropped_day", "allocation_shift", "unexplained", "rollup_drift")


def report_of(
    *sites: SiteReport, without_history: tuple[str, ...] = (), public_charging: Columns | None = None
) -> ReportData:
    """A report of these sites."""
    return ReportData(MADE_AT, sites, without_history, public_charging or {})


def site_report(  # every option is a way in which sites differ
    *,
    site_id: int = 1001,
    name: str | None = "Wattle House",
    first_day: date = date(2025, 1, 1),
    days: int = 365,
    missing: tuple[int, ...] = (),
    has_battery: bool = True,
    has_home_energy: bool = True,
    wall_connectors: int = 1,
    has_differences: bool = True,
    has_costs: bool = False,
) -> SiteReport:
    """A site with plausible numbers that are the same each time; `missing` are positions of days without data."""
    random = np.random.default_rng(site_id)
    dates = [first_day + timedelta(days=ahead) for ahead in range(days)]
    months = sorted({f"{day:%Y-%m}" for day in dates})
    years = sorted({day.year for day in dates})
    return SiteReport(
        site_id=str(site_id),
        name=name,
        timezone="Australia/Sydney",
        has_solar=True,
        has_battery=has_battery,
        wall_connectors=wall_connectors,
        battery_kwh=13.5 if has_battery else None,
        first_day=first_day,
        days=_days(random, days, missing, has_battery=has_battery, has_home_energy=has_home_energy),
        soe_days=_soe_days(random, days, missing, has_battery=has_battery),
        hours=_hours(random, days, missing, has_battery=has_battery, has_home_energy=has_home_energy),
        months=_months(random, months, has_home_energy=has_home_energy),
        self_sufficiency={
            "period": [*months, *map(str, years)],
            "self_sufficiency": _numbers(random, len(months) + len(years), 50, 95, is_known=has_home_energy),
            "self_consumption": _numbers(random, len(months) + len(years), 50, 95, is_known=has_home_energy),
        },
        outages=_outages(dates if has_battery else []),
        charging={
            "month": list(months if wall_connectors else []),
            "sessions": [4] * len(months if wall_connectors else []),
            "ev": [61.25] * len(months if wall_connectors else []),
            "hours": [9.5] * len(months if wall_connectors else []),
        },
        **_differences(years, dates if has_differences else []),
        **_costs(months if has_costs else []),
    )


def _numbers(
    random: np.random.Generator,
    count: int,
    low: int,
    high: int,
    *,
    is_known: bool = True,
    missing: tuple[int, ...] = (),
) -> list[Any]:
    values: list[Any] = random.integers(low, high, count).tolist() if is_known else [None] * count
    for position in missing:
        values[position] = None
    return values


def _days(
    random: np.random.Generator, count: int, missing: tuple[int, ...], *, has_battery: bool, has_home_energy: bool
) -> Columns:
    def flow(high: int, *, is_known: bool = True) -> list[Any]:
        return _numbers(random, count, high // 2, high, is_known=is_known, missing=missing)

    stored = has_battery and has_home_energy
    status: list[Any] = list(islice(cycle(["agreed"] * 9 + ["single_source", "filled", "adjusted"]), count))
    status[-1] = "provisional"
    for position in missing:
        status[position] = "missing"
    return {
        "status": status,
        "coverage_pct": [0 if position in missing else 100 for position in range(count)],
        "solar": flow(30_000),
        "home": flow(20_000, is_known=has_home_energy),
        "grid_import": flow(9_000, is_known=has_home_energy),
        "grid_export": flow(15_000, is_known=has_home_energy),
        "battery_charge": flow(11_000, is_known=stored),
        "battery_discharge": flow(10_000, is_known=stored),
        "generator": flow(0 + 2, is_known=False),
        "solar_to_home": flow(9_000, is_known=has_home_energy),
        "solar_to_battery": flow(10_000, is_known=stored),
        "solar_to_grid": flow(14_000, is_known=has_home_energy),
        "battery_to_home": flow(9_000, is_known=stored),
        "battery_to_grid": flow(1_000, is_known=stored),
        "grid_to_home": flow(8_000, is_known=has_home_energy),
        "grid_to_battery": flow(900, is_known=stored),
        "generator_to_home": flow(2, is_known=False),
        "generator_to_battery": flow(2, is_known=False),
        "generator_to_grid": flow(2, is_known=False),
    }


def _soe_days(random: np.random.Generator, count: int, missing: tuple[int, ...], *, has_battery: bool) -> Columns:
    bounds = {"soe_min": (50, 300), "soe_mean": (400, 600), "soe_max": (700, 1000)}
    return {
        name: _numbers(random, count, *bound, is_known=has_battery, missing=missing) for name, bound in bounds.items()
    }


def _hours(
    random: np.random.Generator, count: int, missing: tuple[int, ...], *, has_battery: bool, has_home_energy: bool
) -> Columns:
    absent = tuple(day * 24 + hour for day in missing for hour in range(24))
    bounds = {
        "solar": (0, 500, True),
        "home": (20, 400, has_home_energy),
        "grid": (-300, 300, has_home_energy),
        "battery": (-500, 500, has_battery),
        "soe": (5, 100, has_battery),
    }
    return {
        name: _numbers(random, count * 24, low, high, is_known=is_known, missing=absent)
        for name, (low, high, is_known) in bounds.items()
    }


def _months(random: np.random.Generator, months: list[str], *, has_home_energy: bool) -> Columns:
    count = len(months)
    made: Columns = {
        "month": list(months),
        "days": [30] * count,
        "days_stored": [30] * count,
        "days_imported": [0] * count,
    }
    for name in ("solar", "home", "grid_import", "grid_export"):
        is_known = name == "solar" or has_home_energy
        values = _numbers(random, len(months), 100, 900, is_known=is_known)
        made |= {name: values, f"tesla_{name}": values}
        made[f"tesla_{name}_difference"] = [0.0 if is_known else None] * len(months)
    return made


def _outages(dates: list[date]) -> Columns:
    some = dates[:: max(1, len(dates) // 8)]
    return {
        "day": [f"{day:%Y-%m-%d}" for day in some],
        "time": ["14:05"] * len(some),
        "duration": [3600 + 600 * index for index in range(len(some))],
        "home": [1.25] * len(some),
        "battery_discharge": [None] * len(some),
        "soe_start": [80] * len(some),
        "soe_end": [None] * len(some),
    }


def _differences(years: list[int], dates: list[date]) -> dict[str, Columns]:
    some = [day for year in years for day in [day for day in dates if day.year == year][:100]]
    count = len(some)
    causes = list(islice(cycle(_CAUSES), count))
    tallied = [(year, cause) for year in years for cause in _CAUSES if dates]
    return {
        "causes": {
            "year": [year for year, _ in tallied],
            "cause": [cause for _, cause in tallied],
            "check_name": ["day_vs_month_series"] * len(tallied),
            "differences": [40 if cause == "dropped_day" else 20 for _, cause in tallied],
            "largest": [3.5] * len(tallied),
        },
        "comparisons": {"year": list(years), "compared": [2_000] * len(years)},
        "differences": {
            "day": [f"{day:%Y-%m-%d}" for day in some],
            "granularity": ["day"] * count,
            "check_name": ["day_vs_month_series"] * count,
            "measure": ["solar_energy_exported_wh"] * count,
            "left_source": ["calendar_history/day"] * count,
            "left_value": [21.5] * count,
            "right_source": ["calendar_history/month"] * count,
            "right_value": [None] * count,
            "difference": [None] * count,
            "verdict": ["missing_right"] * count,
            "cause": list(causes),
            "diverges_at": ["12:15" if cause == "allocation_shift" else None for cause in causes],
        },
    }


def _costs(months: list[str]) -> dict[str, Any]:
    """Bills of whole months, the last of which lies between two bounds; two labels; and an answer of what-if."""
    count = len(months)
    known: list[Any] = [40.25] * max(count - 1, 0)
    unknown = [None] * (count - len(known))
    amounts = {name: [*known, *unknown] for name in ("net_cost", "saved_by_solar", "saved_by_battery", "saved_by_both")}
    basis: list[Any] = ["assumed", *["in_force"] * count][:count]
    bills: Columns = {
        "cycle_start": [f"{month}-01" for month in months],
        "cycle_end": [f"{month}-28" for month in months],
        "days": [28] * count,
        "priced_days": [28] * count,
        "netting": ["none"] * count,
        "currency": ["AUD"] * count,
        "tariff_basis": basis,
        **{name: [100.0] * count for name in ("grid_import", "grid_export")},
        **{name: [30.5] * count for name in ("import_cost", "export_credit", "charges", "credit_used", "tax")},
        "is_demand_lower_bound": [False] * count,
        "is_credit_known": [True] * count,
        **amounts,
        "net_cost_low": [40.25] * count,
        "net_cost_high": [*known, *[44.75 for _ in unknown]],
    }
    twice = [month for month in months for _ in range(2)]
    labels: Columns = {
        "month": list(twice),
        "currency": ["AUD"] * len(twice),
        "label": ["ON_PEAK", "OFF_PEAK"] * count,
        **{name: [10.0, 40.0] * count for name in ("grid_import", "grid_export")},
        **{name: [4.0, 8.0] * count for name in ("import_cost", "export_credit")},
        **{name: [0.5, 1.0] * count for name in ("battery_import_cost", "ev_import_cost")},
    }
    return {"bills": bills, "cost_labels": labels, "what_if": _what_if() if months else None}


def _what_if() -> dict[str, Any]:
    replay = {"rule": "self_powered", "simulated_kwh": 1_200.0, "observed_kwh": 1_500.0}
    plain = {"rule": "observed", "import_kwh": 1_500.0, "export_kwh": 900.0, "currency": "AUD"}
    return {
        "first_day": "2025-01-01",
        "last_day": "2025-12-31",
        "is_reliable": False,
        "replays": [replay | {"total_error": -0.2, "daily_error": 0.3, "is_close": False}],
        "alternatives": [
            plain | {"plan": "Flat <b>plan</b>", "equipment": "as it is", "cost": 310.5, "annual_cost": 310.5},
            plain | {"plan": "present tariff", "equipment": "as it is", "cost": 402.0, "annual_cost": 402.0},
        ],
    }


def ten_years_of_two_sites() -> ReportData:
    """What must stay below eight megabytes and be there within two seconds."""
    days = (date(2025, 12, 31) - date(2016, 1, 1)).days + 1
    return report_of(*(site_report(site_id=site_id, first_day=date(2016, 1, 1), days=days) for site_id in (1001, 1002)))
