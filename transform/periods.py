"""Series `energy_day`, `energy_month`, `energy_year`: energy by calendar period, as the API sums it up itself.

Rows are stamped 01:00 of the period's first day, of the installation for the first one, or, since 2024, may come finer than
the period asked for (Q9, Q10). Only the day of a stamp has a meaning; rows of the same period are added up.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from transform.frames import table_frame
from transform.latest_rows import Ranking, last_wins, note_revisions, prefer_sound
from transform.observations import (
    Mask,
    Observations,
    discard_future,
    gather,
    quarantine_and_revisions,
    quarantine_bad_values,
)
from transform.responses import RawResponse, Tables
from transform.sites import Site
from transform.time import Days, Ints, date_column, epoch_us, first_instants, local_days
from transform.weekly_rows import stand_for_weeks, weekdays
from transform.windows import outside_windows, quarantine_wrong_windows
from wattlog.causes import Granularity
from wattlog.series import SERIES
from wattlog.series_spec import Series
from wattlog.zones import name_of

PERIOD_SERIES: Final = frozenset({Series.ENERGY_DAY, Series.ENERGY_MONTH, Series.ENERGY_YEAR})

NUMPY_UNITS: Final[dict[Granularity, str]] = {Granularity.DAY: "D", Granularity.MONTH: "M", Granularity.YEAR: "Y"}
"""NumPy's units of the periods that it has; weeks of `/history` begin on another day than its own."""

_MONTHS: Final = SERIES[Series.ENERGY_DAY].source

Names = npt.NDArray[np.str_]


def shape_periods(responses: Sequence[RawResponse], site: Site) -> Tables:
    """Responses of the three period series → table `energy_periods`, and `quarantine` for what could not be used.

    **Shape**: responses of any windows in any order → one row per granularity, period and source, the last fetched.
    **Units**: Wh. **Source**: Q9, Q10, Q12, Q18, Q22.

    Raises:
        ValueError: A response is of another site or series.
    """
    observations = gather(responses, site, series=PERIOD_SERIES, table="energy_periods")
    frame = period_rows(observations)
    return {"energy_periods": frame, **quarantine_and_revisions(observations)}


def period_rows(observations: Observations) -> pd.DataFrame:
    """Rows of any period series as a frame of table `energy_periods`; those not usable go to `observations.rejects`."""
    periods = [
        _period_of(response.series, facts.period)
        for response, facts in zip(observations.responses, observations.facts, strict=True)
    ]
    grains = np.array([granularity.value for granularity, _ in periods], dtype="str")
    sources = [source for _, source in periods]
    days = stamped(observations)[0]
    is_week = _are_weeks(observations, days, sources)
    observations.rows = observations.rows.assign(is_week=is_week, start=days)
    observations.rows = observations.rows.assign(start=first_days(days, _grains(observations, grains)))
    quarantine_wrong_windows(observations, _starts(observations), _ends(observations, grains), has_intervals=False)
    discard_future(observations, _starts(observations) > _asked_on(observations))
    last_wins(
        observations,
        Ranking.of(observations, [observations.rows["response"].to_numpy(), epoch_us(observations.rows["instant"])]),
    )
    if _add_up(observations):
        quarantine_bad_values(observations, "energy_periods")
    codes = pd.Series(sources, dtype="category").cat.codes.to_numpy()

    def keys() -> list[npt.NDArray[np.integer]]:
        owners, is_week = (observations.rows[name].to_numpy() for name in ("response", "is_week"))
        return [2 * codes[owners].astype(np.int64) + is_week, _starts(observations).astype(np.int64)]

    is_outside = outside_windows(observations, _starts(observations), _ends(observations, grains))
    prefer_sound(observations, keys(), is_outside)
    ranking = Ranking.of(observations, keys())
    observations.rows = observations.rows.assign(is_partial=_is_partial(observations, grains))
    is_over = ~observations.rows["is_partial"].to_numpy(dtype=bool)
    note_revisions(observations, ranking, first_instants(_starts(observations), observations.site.zone), is_over)
    last_wins(observations, ranking)
    return table_frame(
        "energy_periods",
        {
            "site_id": observations.site.site_id,
            "granularity": pd.Series(_grains(observations, grains), dtype="str"),
            "period_start": date_column(_starts(observations)),
            "source": observations.per_row(sources, "str"),
            "is_partial": observations.rows["is_partial"],
            "timezone": observations.per_row([name_of(clock) for clock in observations.clocks], "str"),
            **{name: observations.rows[name] for name in observations.measures},
            **observations.lineage,
        },
    )


def stamped(observations: Observations) -> tuple[Days, Ints]:
    """Day and minute of the day that each row is stamped with, by the offset it carries itself (Q9).

    A stamp in UTC (`Z`) does not show the site's clock, so it is read on the clock of its response (Q18).
    """
    texts = pa.array(observations.rows["timestamp"], pa.string())
    days = np.asarray(pc.utf8_slice_codeunits(texts, 0, 10).cast(pa.date32()).to_numpy(zero_copy_only=False))
    hours = pc.utf8_slice_codeunits(texts, 11, 13).cast(pa.int64()).to_numpy()
    minutes = hours * 60 + pc.utf8_slice_codeunits(texts, 14, 16).cast(pa.int64()).to_numpy()
    is_utc = pc.match_substring_regex(texts, r"(Z|[+-]00:?00)$").to_numpy(zero_copy_only=False)
    walls = observations.response_walls()
    wall_days = walls.astype("datetime64[D]")
    wall_minutes = (walls - wall_days) // np.timedelta64(1, "m")
    return np.where(is_utc, wall_days, days), np.where(is_utc, wall_minutes, minutes)


def first_days(days: Days, granularities: Names) -> Days:
    """First day of the calendar period of each day, by what its row stands for; weeks begin on Sunday (API.md#legacy)."""
    days = days.astype("datetime64[D]")
    starts = np.where(granularities == Granularity.WEEK.value, days - weekdays(days), days)
    for granularity, unit in NUMPY_UNITS.items():
        firsts = days.astype(f"datetime64[{unit}]").astype("datetime64[D]")
        starts = np.where(granularities == granularity.value, firsts, starts)
    return np.asarray(starts, dtype="datetime64[D]")


def last_days(starts: Days, granularities: Names) -> Days:
    """Last day of each calendar period, included; `starts` are the first days."""
    ends = np.where(granularities == Granularity.WEEK.value, starts + 6, starts)
    for granularity, unit in NUMPY_UNITS.items():
        following = (starts.astype(f"datetime64[{unit}]") + 1).astype("datetime64[D]")
        ends = np.where(granularities == granularity.value, following - 1, ends)
    return np.asarray(ends, dtype="datetime64[D]")


def _starts(observations: Observations) -> Days:
    return observations.rows["start"].to_numpy().astype("datetime64[D]")


def _ends(observations: Observations, grains: Names) -> Days:
    """Last day of each row's period."""
    return last_days(_starts(observations), _grains(observations, grains))


def _are_weeks(observations: Observations, days: Days, sources: list[str]) -> Mask:
    """Rows of months that stand for their weeks."""
    owners = observations.rows["response"].to_numpy()
    is_month = np.array([source == _MONTHS for source in sources], dtype=bool)[owners]
    found = np.zeros(len(days), dtype=bool)
    values = observations.rows.loc[is_month, observations.measures].to_numpy(dtype=np.float64)
    found[is_month] = stand_for_weeks(owners[is_month], days[is_month], values)
    return found


def _grains(observations: Observations, grains: Names) -> Names:
    """What each row stands for."""
    of_responses = grains[observations.rows["response"]]
    is_week = observations.rows["is_week"].to_numpy(dtype=bool)
    return np.where(is_week, Granularity.WEEK.value, of_responses) if is_week.any() else of_responses


def _asked_on(observations: Observations) -> Days:
    """The day on which each row's response was asked, on the clock of that response."""
    asked = pd.Series([response.requested_at for response in observations.responses], dtype="datetime64[us, UTC]")
    days = np.zeros(len(asked), dtype="datetime64[D]")
    clocks = observations.clocks
    for clock in set(clocks):
        mine = np.array([other == clock for other in clocks])
        days[mine] = local_days(asked[mine], clock)
    return np.asarray(days[observations.rows["response"].to_numpy()])


def _add_up(observations: Observations) -> bool:
    """Add up the rows of one response that stand for the same period, if there are such; returns whether there were.

    A measure that none of them has stays NULL, and so does one of which a value cannot be used: the sum would be too small.
    """
    keys = ["response", "start", "is_week"]
    ranking = Ranking.of(observations, [observations.rows["response"].to_numpy(), _starts(observations)])
    if ranking.is_last.all():
        return False
    groups = observations.rows.groupby(keys, sort=False)
    sums = groups[observations.measures].sum(min_count=1)
    is_unusable = observations.unusable()
    if is_unusable.any():
        flaws = pd.DataFrame(is_unusable, columns=observations.measures).assign(**observations.rows[keys])
        sums = sums.mask(flaws.groupby(keys, sort=False).any())
    firsts = groups[["row_number", "timestamp", "instant"]].first()
    observations.rows = pd.concat([firsts, sums], axis=1).reset_index()[list(observations.rows.columns)]
    return True


def _period_of(series: str, named: str | None) -> tuple[Granularity, str]:
    """What the rows of a response stand for, and their source: endpoint and period.

    Args:
        series: The series; of `history` with the period that its shaper found (`history/day`).
        named: The period that the response names. Series `energy_day` has several, of which weeks and days are asked where
            the month drops a day (Q19).
    """
    name, _, legacy = series.partition("/")
    spec = SERIES[name]
    period = legacy or (named if named in spec.granularities else spec.period) or ""
    return spec.granularities[period], spec.source_of(period)


def _is_partial(observations: Observations, grains: Names) -> Mask:
    """Whether the period was not over when asked, or the site was installed in the middle of it."""
    starts, ends = _starts(observations), _ends(observations, grains)
    is_open = _asked_on(observations) <= ends
    if observations.site.installed_at is None:
        return np.asarray(is_open)
    installed = np.datetime64(
        observations.site.installed_at.astimezone(observations.site.zone).replace(tzinfo=None), "us"
    )
    return np.asarray(is_open | ((starts < installed) & (installed < ends + 1)))
