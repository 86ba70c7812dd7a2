"""When a site was installed, by its rows, where the date that the API gives is later."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pandas as pd

from flows.tasks.installation import first_instant_with_energy, installed_by
from tests.unit.transform.answers import BATTERY_SITE

SITE = replace(BATTERY_SITE, installed_at=datetime(2026, 1, 20, 20, tzinfo=UTC))
NOON = datetime(2026, 1, 12, 20, tzinfo=UTC)
"""12:00 in Los Angeles on the day of the first energy."""

ROWS = pd.DataFrame(
    {
        "local_date": [date(2026, 1, 12)] * 2,
        "interval_start": pd.to_datetime([NOON, NOON.replace(minute=5)], utc=True),
        "solar_energy_exported_wh": [0.0, 5.0],
    }
)


def test_the_first_row_is_the_installation_where_the_day_before_has_nothing() -> None:
    """The day is whole from there on; from midnight on it would lack twelve hours."""
    found = first_instant_with_energy([ROWS], SITE, {date(2026, 1, 11), date(2026, 1, 12)})
    assert found == NOON
    assert installed_by(SITE, found).installed_at == NOON


def test_without_a_request_for_the_day_before_the_first_rows_may_be_missing() -> None:
    found = first_instant_with_energy([ROWS], SITE, {date(2026, 1, 12)})
    assert found == datetime(2026, 1, 12, 8, tzinfo=UTC)


def test_an_installation_that_is_earlier_stays() -> None:
    assert first_instant_with_energy([], SITE, set()) is None
    assert installed_by(SITE, None) is SITE
    assert installed_by(SITE, datetime(2026, 1, 21, 12, tzinfo=UTC)) is SITE
