"""Which imported day is the best estimate, and when none is."""

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from tests.import_files import IMPORTED_AT, House, house, records, solar_download_energy, solar_download_power
from tests.import_files import tesla_app_period as app
from transform.daily import daily
from transform.frames import empty_frame
from transform.imports.shape import shape_history
from wattlog.series_spec import Series

DAY = date(2024, 5, 2)
FIRST, LAST = date(2024, 5, 1), date(2024, 5, 31)
HOME = house()


def best(imported: pd.DataFrame, home: House = HOME) -> dict[str, Any]:
    """The estimate of `DAY`, of which the API has nothing."""
    none = empty_frame("energy_intervals"), empty_frame("energy_periods"), empty_frame("power")
    frame = daily(*none, home.site, DAY, DAY, datetime(2026, 7, 1, tzinfo=UTC), 48.0, imported)
    (row,) = frame.to_dict("records")
    return {str(name): value for name, value in row.items()}


def days_of(series: Series, text: str, at: datetime = IMPORTED_AT) -> pd.DataFrame:
    return shape_history(records(series, {"a.csv": text}, at=at), HOME.site)["import_days"]


APP = days_of(Series.IMPORT_TESLA_APP, app(HOME, FIRST, LAST))
ENERGY = days_of(Series.IMPORT_SOLAR_DOWNLOAD, solar_download_energy(HOME, FIRST, LAST, str))
POWER = days_of(Series.IMPORT_SOLAR_DOWNLOAD, solar_download_power(HOME, DAY))


def test_energy_is_better_than_power_and_minutes_are_better_than_a_rounded_day() -> None:
    everything = pd.concat([APP, POWER, ENERGY], ignore_index=True)
    assert best(everything)["source"] == "import:tesla_solar_download/days"
    assert best(pd.concat([APP, POWER], ignore_index=True))["source"] == "import:tesla_solar_download/power"
    assert best(APP)["source"] == "import:tesla_app/days"


def test_two_imports_that_agree_within_rounding_make_a_day_agreed() -> None:
    assert best(pd.concat([APP, ENERGY], ignore_index=True))["status"] == "agreed"
    other = ENERGY.assign(home_wh=ENERGY["home_wh"] + 400)
    assert best(pd.concat([APP, other], ignore_index=True))["status"] == "adjusted"
    assert best(ENERGY)["status"] == "single_source"


def test_totals_that_a_file_has_are_kept_though_its_flows_are_unknown() -> None:
    """Another import has the flows; they are of another source, and are not mixed in."""
    better = APP.assign(rounding_wh=0.0)
    row = best(pd.concat([better, POWER], ignore_index=True))
    assert row["source"] == "import:tesla_app/days"
    assert pd.isna(row["consumer_energy_imported_from_solar_wh"])
    assert row["home_wh"] == APP.loc[1, "home_wh"]
    assert row["coverage_pct"] == 0, "no intervals are stored"


def test_what_was_imported_before_the_day_was_over_is_no_source() -> None:
    """The file is complete as far as it shows; the instant of the import is earlier than the end of the day."""
    noon = datetime(2024, 5, 2, 19, tzinfo=UTC)
    early = days_of(Series.IMPORT_SOLAR_DOWNLOAD, solar_download_energy(HOME, FIRST, LAST, str), at=noon)
    assert best(early)["status"] == "missing"
    assert pd.isna(best(early)["source"])
