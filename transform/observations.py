"""The rows of several responses of one series in one frame, and the rules that every series shares.

A row is quarantined, dropped because it lies in the future, or replaced by one that was fetched later (`latest_rows`); a value
that cannot be used is NULL, and the others of its row stay. What differs between series is in the series' own module. Rows are
gathered into one frame once, whatever the number of responses, so that a month of five-minute days costs a few milliseconds.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pandas.api.types import pandas_dtype

from transform.responses import (
    RawResponse,
    Reason,
    Reject,
    ResponseFacts,
    Tables,
    parse_all,
    quarantine_frame,
    records_of,
    reject,
)
from transform.sites import Site
from transform.time import Days, Ints, Walls, local_walls, to_utc
from warehouse.schema import MAX_POWER_W, TABLES, Unit
from wattlog.series_spec import Series
from wattlog.zones import fixed_zone, iana_zone

log = logging.getLogger(__name__)

_NOT_VALUES = frozenset(
    {"response", "row_number", "timestamp", "instant", "interval_s", "start", "is_partial", "is_week"}
)

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_TEXT: Any = pandas_dtype("str")
"""pandas' own type of text, which takes Arrow's as it is."""

LARGEST_OFFSET_WH = 3.0
"""Energy of a row may be so much below zero: a meter without load measures some −10 W, which is −1 Wh in five minutes. The
API never shows a flow against its direction; each direction is a measure of its own."""

PLAUSIBLE_W = 500_000.0
"""More than the supply of any home, and than most of a public client ever showed."""


@dataclass(slots=True)
class Observations:
    """Rows of several responses of one series of one site.

    Attributes:
        site: The site.
        series: The series that the bodies are of; of several with the same form any.
        responses: The responses, in the order they were asked.
        facts: What each response is.
        rows: `response` (position in `responses`), `row_number`, `timestamp` (string), `instant` (UTC), then the measures.
        rejects: The rows, and values of rows, quarantined so far.
        revisions: Frames of table `revisions`: what later responses changed.
        superseded: Rows of intervals that others, of another length, supersede: both cover the same time.
    """

    site: Site
    series: str
    responses: list[RawResponse]
    facts: list[ResponseFacts]
    rows: pd.DataFrame
    rejects: list[Reject] = field(default_factory=list)
    revisions: list[pd.DataFrame] = field(default_factory=list)
    superseded: pd.DataFrame | None = None

    def quarantine(self, is_bad: Mask, reason: Reason) -> None:
        """Move the marked rows from `rows` to `rejects`."""
        if not is_bad.any():
            return
        bad = self.rows.loc[is_bad, ["response", "row_number"]]
        for at, numbers in bad.groupby("response", sort=False)["row_number"]:
            response = self.responses[int(str(at))]
            records = records_of(response.body, self.series)
            self.rejects += [reject(response, number, reason, records[number]) for number in numbers.tolist()]
        self.keep(~is_bad)

    def quarantine_values(self, is_bad: Mask, reason: Reason) -> None:
        """Make the marked values (rows × `measures`) NULL; a row without any other value is quarantined as a whole."""
        if not is_bad.any():
            return
        names = np.array(self.measures, dtype=object)
        values = self.rows[self.measures].to_numpy(dtype=np.float64)
        is_void = (is_bad | np.isnan(values)).all(axis=1)
        kept = np.flatnonzero(is_bad.any(axis=1) & ~is_void)
        bad = self.rows.loc[kept, ["response", "row_number"]].assign(at=kept)
        for position, rows in bad.groupby("response", sort=False):
            response = self.responses[int(str(position))]
            records = records_of(response.body, self.series)
            self.rejects += [
                reject(response, number, reason, records[number], tuple(names[is_bad[at]].tolist()))
                for number, at in zip(rows["row_number"].tolist(), rows["at"].tolist(), strict=True)
            ]
        usable = np.where(is_bad, np.nan, values)
        self.rows = self.rows.assign(**{name: usable[:, column] for column, name in enumerate(names)})
        self.quarantine(is_bad.any(axis=1) & is_void, reason)

    def unusable(self) -> Mask:
        """Which values (rows × `measures`) are NULL because the reported ones cannot be used."""
        measures = self.measures
        found = np.zeros((len(self.rows), len(measures)), dtype=bool)
        position = {response.raw_id: at for at, response in enumerate(self.responses)}
        rejects = [reject for reject in self.rejects if reject.measures and reject.raw_id in position]
        if not rejects:
            return found
        places = np.array([(position[reject.raw_id] << 32) + reject.row_number for reject in rejects])
        here = (self.rows["response"].to_numpy(dtype=np.int64) << 32) + self.rows["row_number"].to_numpy(dtype=np.int64)
        for column, name in enumerate(measures):
            found[:, column] = np.isin(here, places[[name in reject.measures for reject in rejects]])
        return found

    def part(self, is_mine: Mask) -> "Observations":
        """The marked rows on their own, with what is known of their values."""
        rows = self.rows.loc[is_mine].reset_index(drop=True)
        return replace(self, rows=rows, rejects=[reject for reject in self.rejects if reject.measures], revisions=[])

    def keep(self, is_good: Mask) -> None:
        """Drop the rows that are not marked."""
        if not is_good.all():
            self.rows = self.rows.loc[is_good].reset_index(drop=True)

    def per_row(self, of_responses: Sequence[Any], dtype: str) -> Any:
        """A fact of each response, repeated for each of its rows."""
        return pd.Series(of_responses, dtype=dtype).array.take(self.rows["response"].to_numpy())

    @property
    def asked_us(self) -> Ints:
        """When each row was asked, microseconds since 1970."""
        asked = pd.DatetimeIndex([response.requested_at for response in self.responses]).as_unit("us").asi8
        return np.asarray(asked[self.rows["response"].to_numpy()] if len(asked) else np.zeros(0, dtype=np.int64))

    @property
    def measures(self) -> list[str]:
        """The columns that hold the series' values."""
        return [name for name in self.rows.columns if name not in _NOT_VALUES]

    @property
    def lineage(self) -> dict[str, Any]:
        """The lineage columns of the rows."""
        return {
            "_fetched_at": self.per_row([response.requested_at for response in self.responses], "datetime64[us, UTC]"),
            "_raw_id": self.per_row([response.raw_id for response in self.responses], "str"),
            "_run_id": self.per_row([response.run_id for response in self.responses], "str"),
        }

    @property
    def clocks(self) -> list[tzinfo]:
        """The clock by which the days of each response are cut.

        That is the zone or the offset that the response names itself: an offset holds for dates of the other half of the year,
        too (Q7), and a zone stays that of the response if the site gets another one. Without either, it is the clock that
        the server had for the site when it was asked.
        """
        return [_clock(*of_response, self.site) for of_response in zip(self.responses, self.facts, strict=True)]

    def response_walls(self) -> Walls:
        """What the clock of each row's response showed at its instant."""
        clocks, instants = self.clocks, self.rows["instant"]
        if len(set(clocks)) == 1:
            return local_walls(instants, clocks[0])
        walls = np.zeros(len(self.rows), dtype="datetime64[us]")
        owners = self.rows["response"].to_numpy()
        for clock in set(clocks):
            mine = np.isin(owners, [index for index, other in enumerate(clocks) if other == clock])
            walls[mine] = local_walls(instants[mine], clock)
        return walls

    def response_days(self) -> Days:
        """The day of each row on the clock of its response."""
        return self.response_walls().astype("datetime64[D]")


def _clock(response: RawResponse, facts: ResponseFacts, site: Site) -> tzinfo:
    named: tzinfo | None = iana_zone(facts.installation_time_zone or "")
    if named is None and facts.time_zone_offset is not None:
        named = fixed_zone(facts.time_zone_offset)
    return named or site.clock_at(response.requested_at)


def gather(
    responses: Sequence[RawResponse], site: Site, *, series: Collection[Series], table: str | None
) -> Observations:
    """Read responses and put their usable rows into one frame.

    **Shape**: responses in any order → one row per row that has an instant and numbers within the bounds of `table`, where
    one is named. Responses with an error status have no rows by nature and are left out; table `requests` lists them.

    Raises:
        ValueError: A response is of another site or series: an error of the caller.
    """
    kept = _in_order(responses, site, series)
    of_form = sorted(series)[0]
    batch = parse_all(kept, of_form)
    for response, facts in zip(kept, batch.facts, strict=True):
        for name in sorted(facts.unknown_columns):
            _report_unknown(response.series, name)
    rejects = [reject for facts in batch.facts for reject in facts.rejects]
    observations = Observations(site, of_form, kept, batch.facts, _frame(batch.rows), rejects)
    observations.quarantine(observations.rows["instant"].isna().to_numpy(), Reason.BAD_TIMESTAMP)
    if table is not None:
        quarantine_bad_values(observations, table)
    return observations


def _in_order(responses: Sequence[RawResponse], site: Site, series: Collection[Series]) -> list[RawResponse]:
    """The responses by the time they were asked, each once; the order they came in has no meaning."""
    for response in responses:
        if response.site_id != site.site_id or response.series not in series:
            raise ValueError(
                f"response {response.raw_id} is of site {response.site_id}, series {response.series}; "
                f"expected site {site.site_id}, series {' or '.join(sorted(series))}"
            )
    unique = {response.raw_id: response for response in responses if response.status < 400}
    return sorted(unique.values(), key=lambda response: (response.requested_at, response.raw_id))


@cache
def _report_unknown(series: str, name: str) -> None:
    """Log an unknown key of rows, once a process: its values stay in the raw archive until it is described."""
    log.warning("unknown column series=%s column=%s", series, name)


def _frame(rows: pa.Table) -> pd.DataFrame:
    """All rows of all responses, with their instants."""
    table = rows.combine_chunks()
    return pd.DataFrame(
        {
            "response": table["response"].to_numpy(),
            "row_number": table["row_number"].to_numpy(),
            "timestamp": _TEXT.__from_arrow__(table["timestamp"]),
            "instant": to_utc(table["timestamp"]),
            **{name: table[name].to_numpy() for name in table.column_names[3:]},
        }
    )


def quarantine_bad_values(observations: Observations, table: str) -> None:
    """Quarantine values outside of the bounds that the schema declares, and rows that hold no value at all.

    Energy barely below zero is the offset of a meter, and is zero.
    """
    declared = TABLES[table]
    measures = observations.measures
    values = observations.rows[measures].to_numpy(dtype=np.float64)
    is_void = np.isnan(values).all(axis=1)
    is_energy = np.array([declared.field(name).unit is Unit.WH for name in measures])
    is_offset = is_energy & (values < 0.0) & (values >= -LARGEST_OFFSET_WH)
    if is_offset.any():
        log.info("meter offsets set to zero site_id=%s values=%s", observations.site.site_id, int(is_offset.sum()))
        values = np.where(is_offset, 0.0, values)
        observations.rows = observations.rows.assign(**dict(zip(measures, values.T, strict=True)))
    lowest = np.array([(declared.field(name).bounds or (-np.inf, np.inf))[0] for name in measures])
    highest = np.array([(declared.field(name).bounds or (-np.inf, np.inf))[1] for name in measures])
    is_power = np.array([declared.field(name).unit is Unit.W for name in measures])
    # NaN compares as False: a measure that is absent is in range.
    outside = (values < lowest) | (values > highest)
    if is_power.any():
        outside |= is_power & (np.abs(values) >= largest_power_w(values[:, is_power], observations.site))
    observations.quarantine(is_void, Reason.NO_VALUE)
    observations.quarantine_values(np.asarray(outside[~is_void]), Reason.OUT_OF_RANGE)


def largest_power_w(powers: npt.NDArray[np.float64], site: Site) -> float:
    """The power from which on a row of a site is taken for a fault.

    It is far beyond what a site can do, so that nothing real is ever quarantined: the largest of `PLAUSIBLE_W`, ten times the
    rated power of its batteries, and twenty times what nineteen in twenty of its own values that are not zero stay below; at
    most the API's own "no limit" (Q38).

    Args:
        powers: The powers of all its rows at hand, NaN where there is none.
        site: The site.
    """
    sizes = np.abs(powers[np.isfinite(powers) & (powers != 0.0)])
    usual_w = float(np.quantile(sizes, 0.95)) if len(sizes) else 0.0
    return min(MAX_POWER_W, max(PLAUSIBLE_W, 10 * (site.nameplate_power_w or 0.0), 20 * min(usual_w, MAX_POWER_W)))


def discard_future(observations: Observations, is_future: Mask) -> None:
    """Drop the marked rows, which begin at or after the request: the API fills the rest of today with zeros (Q11).

    They are not measurements and not faults, so they are dropped; a row that holds more than zeros is a fault, and is
    quarantined. The interval that was running stays, until a later response replaces it.
    """
    if not is_future.any():
        return
    is_zero = (observations.rows[observations.measures].fillna(0.0) == 0.0).all(axis=1).to_numpy()
    log.debug("future rows dropped site_id=%s rows=%s", observations.site.site_id, int((is_future & is_zero).sum()))
    is_claim = is_future & ~is_zero
    observations.quarantine(is_claim, Reason.FUTURE_VALUE)
    observations.keep(~is_future[~is_claim])


def quarantine_and_revisions(*parts: Observations) -> Tables:
    """What became of rows that are not, or no longer, in the series' own table: `quarantine`, and `revisions` if any."""
    found = [frame for observations in parts for frame in observations.revisions]
    rejects = (reject for observations in parts for reject in observations.rejects)
    tables = {"quarantine": quarantine_frame(rejects)}
    return tables | ({"revisions": pd.concat(found, ignore_index=True)} if found else {})
