"""Mixtures of faults at sites that change: a battery is added, the installation date moves, the server's zone is corrected.

Where the zone was corrected, rows of days are of the earlier clock's days, and differ from the site's for that reason. So only
what holds in any world is expected there: no wrong value, no row too many or too few, no difference without a cause.
"""

from datetime import date, timedelta

import numpy as np
import pytest

from extract.simulator import Series
from extract.simulator.anomalies.anomaly import Injection
from extract.simulator.local_day import day_bounds, days_between
from extract.simulator.measures import FLOWS
from tests.examples import share
from tests.mixture_imports import ImportedHistory, imported_history
from tests.mixture_worlds import FIRST, LAST, NOW, SETTLED, Chance, dated
from tests.mixtures import Reconciled, reconciled
from tests.property.test_reconciliation_mixtures import (
    check_world,
    is_of_imports,
    true_days,
    unreported,
)
from wattlog.causes import Cause

A_DAY = timedelta(days=1)
MEASURED = tuple(f"{name}_wh" for name in FLOWS)
IMPORTED = ("import_days", "import_intervals")

OF_TESLA = {Cause.RESTATED, Cause.ROUNDING}
"""Causes of files with Tesla's own values: the API has less today where measurements did not arrive in this world."""

MARKED = {Cause.UNIT_MISMATCH, Cause.RESTATED}
"""Causes of files in which every affected day differs; a short hole or rounding may be within the tolerance."""


@pytest.mark.parametrize("block", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_sites_that_change_have_the_same_faults_and_no_others(block: int) -> None:
    """Four worlds, with the file of another tool in every second one."""
    for seed in range(block * 4, block * 4 + min(4, share(4))):
        check_dated(seed)


def check_dated(seed: int) -> None:
    """A mixture with dated facts, and perhaps with an imported history."""
    spec, name, chance = dated(seed), f"dated, seed {seed}", Chance(2_000_000 + seed)
    history = imported_history(chance, spec) if chance.coin() else None
    imported = None if history is None else {table: history.tables[table] for table in IMPORTED}
    if spec.earlier_zones:
        found = reconciled(spec, NOW, imported=imported)
        found = reconciled(spec, SETTLED, imported=imported) if unreported(found) else found
        check_sound(found, f"{name}: {spec}")
    else:
        found = check_world(spec, name, imported)
    if history is not None:
        assert_imports(found, history, f"{name}: {spec}")


def assert_imports(found: Reconciled, history: ImportedHistory, label: str) -> None:
    """A file differs where its tool had a fault, or the API has; each difference has the cause of one of them."""
    rows = found.days[is_of_imports(found.days)]
    compared, off = set(rows["period_start"]), rows[(rows["verdict"] == "differs").to_numpy(dtype=bool)]
    assert set(rows["verdict"]) <= {"agree", "differs"}, label
    assert {str(source).startswith("import:") for source in rows["left_source"]} <= {True}, label
    for day, cause in zip(off["period_start"], off["cause"], strict=True):
        faults = {fault.cause for fault in found.truth.injections if day in reach(found, fault)}
        own = {history.cause} if day in history.days else set()
        own |= {Cause.RESTATED} if faults and history.cause in OF_TESLA else set()
        own |= set() if found.is_settled(day) else {Cause.REVISED}
        assert cause in own | faults, f"{day} {cause} {label}"
    if history.cause in MARKED:
        settled = {day for day in compared & set(history.days) if found.is_settled(day)}
        assert settled <= set(off.loc[off["cause"] == history.cause, "period_start"]), label


def check_sound(found: Reconciled, label: str) -> None:
    """What holds in any world."""
    for rows in (found.days, found.periods):
        unexplained = rows[rows["cause"] == "unexplained"]
        assert unexplained.empty, f"{unexplained.to_dict('records')} {label}"
    assert_days(found, label)
    assert_rows(found, label)


def assert_days(found: Reconciled, label: str) -> None:
    """Days are the truth; where an hour has no source, the row of a day of another clock shows it."""
    best, truth = found.daily.set_index("local_date"), true_days(found)
    for day in days_between(FIRST, LAST):
        values = best.loc[day, list(MEASURED)].fillna(0.0).to_numpy(dtype="float64")
        expected = truth.loc[day, list(MEASURED)].fillna(0.0).to_numpy(dtype="float64")
        assert np.array_equal(values, expected), f"{day} {label}"


def assert_rows(found: Reconciled, label: str) -> None:
    """Days that no fault touches have all rows of both tables, with their energy, and no day has more."""
    site = found.truth.spec
    energy, power = found.frames["energy_intervals"], found.frames["power"]
    for day in days_between(FIRST, LAST):
        start_s, end_s = day_bounds(site.zone, day)
        for rows, series in ((energy, {Series.INTERVALS, Series.QUARTERS, Series.DAY}), (power, {Series.POWER})):
            mine = rows[(rows["local_date"] == day).to_numpy(dtype=bool)]
            begun_s = mine["interval_start"].astype("int64").to_numpy() // 1_000_000
            assert not mine["interval_start"].duplicated().any(), f"{day} {label}"
            assert ((begun_s >= start_s) & (begun_s + mine["interval_s"].to_numpy() <= end_s)).all(), f"{day} {label}"
            if day in touched_days(found, series):
                continue
            assert mine["interval_s"].sum() == end_s - start_s, f"{day} {series} {label}"
            if rows is energy:
                sums = mine[[f"{name}_wh" for name in FLOWS]].fillna(0.0).sum().to_numpy()
                assert np.array_equal(sums, found.truth.daily_sums(day)), f"{day} {label}"


def touched_days(found: Reconciled, series: set[Series]) -> set[date]:
    """Days with a fault of some series."""
    faults = [fault for fault in found.truth.injections if fault.series in series]
    return {day for fault in faults for day in reach(found, fault)}


def reach(found: Reconciled, fault: Injection) -> set[date]:
    """The days of a fault; by the earlier clock of a site they may be those before or after."""
    steps = (-1, 0, 1) if found.truth.spec.earlier_zones else (0,)
    return {day + step * A_DAY for day in fault.dates for step in steps}
