"""The energy and the cost of each span, from intervals of any length.

Intervals are added up by span before they are priced, so a price is looked up once an hour, and pricing takes little longer
than adding up. An interval over the edge of a span is shared by time, as if its energy had flowed evenly.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.costs import flows as of_flows
from transform.costs.amounts import NANO_PER_MICRO, Floats, Ints, money, priced, prices
from transform.costs.flows import IMPORTED, Intervals
from transform.costs.spans import Spans
from transform.frames import empty_frame, table_frame
from transform.time import date_column, instants_of

Places = npt.NDArray[np.intp]

TABLE: Final = "hourly_costs"
_US: Final = 1_000_000
_SAMPLE: Final = 4_096
"""Intervals that are looked at first for one that is not 0."""

_QUARTER_US: Final = 900 * _US
"""Demand is the mean power of a quarter of an hour."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """Parts of intervals, each within one span, in order of time.

    Attributes:
        of: Position of the interval of each part.
        span: Position of its span.
        share: Its share of the interval; None where every part is a whole interval.
        firsts: Positions of the parts that begin another span than the one before.
    """

    of: Places | None
    span: Places
    share: Floats | None
    firsts: Places

    def sums(self, values: Floats | Ints) -> Floats:
        """Sums by span, of the spans that have a part."""
        if not len(self.firsts):
            return np.zeros(0)
        if (
            not values[:_SAMPLE].any() and not values.any()
        ):  # many sites have no generator, and many batteries give nothing to the grid
            return np.zeros(len(self.firsts))
        if self.share is not None:
            values = values[self.of] * self.share
        return np.asarray(np.add.reduceat(values, self.firsts))


@dataclass(frozen=True, slots=True)
class PricedEnergy:
    """Imports and exports of the spans in which an interval lies, and what they cost.

    Attributes:
        spans: These spans.
        parts: The parts of the intervals in them.
        import_wh: Energy from the grid.
        export_wh: Energy to the grid.
        import_nano: Cost of the imports, in billionths of the currency; 0 without a price.
        export_nano: Credit for the exports; 0 without a price.
    """

    spans: Spans
    parts: _Parts
    import_wh: Floats
    export_wh: Floats
    import_nano: Ints
    export_nano: Ints


def priced_energy(intervals: Intervals, spans: Spans) -> PricedEnergy:
    """Add up imports and exports by span, and price the sums."""
    parts = _parts(intervals, spans.starts_us, spans.end_us)
    used = spans.at(parts.span)
    import_wh = parts.sums(intervals.flows[IMPORTED])
    export_wh = of_flows.exported({name: parts.sums(intervals.flows[name]) for name in of_flows.EXPORTED})
    import_nano = priced(import_wh, used.amounts("buy_micro")[0])
    export_nano = priced(export_wh, used.amounts("sell_micro")[0])
    return PricedEnergy(used, parts, import_wh, export_wh, import_nano, export_nano)


def hourly_costs(site_id: int, intervals: Intervals, spans: Spans) -> pd.DataFrame:
    """Energy and cost of each span in which an interval lies.

    **Shape**: intervals of one site and spans that cover them → rows of `hourly_costs`. Spans without intervals have no row.
    **Units**: Wh, and the currency of each row.
    """
    found = priced_energy(intervals, spans)
    parts, used, count = found.parts, found.spans, len(found.spans)
    if not count:
        return empty_frame(TABLE)
    flows = {name: parts.sums(values) for name, values in intervals.flows.items()}
    (buy, no_buy), (sell, no_sell) = used.amounts("buy_micro"), used.amounts("sell_micro")
    demand, no_demand = used.amounts("demand_micro")
    ev_wh = np.zeros(count) if intervals.ev_wh is None else parts.sums(intervals.ev_wh)
    homes = of_flows.other_homes(flows)
    peaks = (
        dict.fromkeys(("grid", *homes), np.full(count, np.nan))
        if no_demand.all()
        else _peaks(intervals, spans, parts.span)
    )
    columns = {
        "site_id": np.full(count, site_id),
        "starts_at": instants_of(used.starts_us),
        "local_date": date_column(used.days),
        "stored_s": np.rint(parts.sums(intervals.length_s)).astype(np.int32),
        **{name: used.texts(name) for name in ("label", "season", "currency", "tariff_basis")},
        "buy_per_kwh": prices(buy, no_buy),
        "sell_per_kwh": prices(sell, no_sell),
        "grid_import_wh": found.import_wh,
        "grid_export_wh": found.export_wh,
        "import_cost": money(found.import_nano, no_buy),
        "export_credit": money(found.export_nano, no_sell),
        "battery_import_cost": money(priced(of_flows.imported_by_battery(flows), buy), no_buy),
        "ev_import_cost": money(priced(ev_wh, buy), no_buy),
        "peak_import_w": peaks["grid"],
        "demand_price": money(demand * NANO_PER_MICRO, no_demand),
    }
    for name, (bought, sold) in homes.items():
        columns[f"{name}_import_wh"] = bought
        columns[f"{name}_export_wh"] = sold
        columns[f"{name}_peak_w"] = peaks[name]
    return table_frame(TABLE, columns)


def _parts(intervals: Intervals, starts_us: Ints, end_us: int) -> _Parts:
    """Each interval in its span, in parts where it reaches over the end of one."""
    if not len(intervals) or not len(starts_us):
        nothing = np.zeros(0, np.intp)
        return _Parts(None, nothing, None, nothing)
    edges = np.searchsorted(intervals.starts_us, np.append(starts_us, end_us))
    used = np.flatnonzero(np.diff(edges))
    ends_us = np.append(starts_us[1:], end_us)
    if len(used) and edges[0] == 0 and edges[-1] == len(intervals):
        lasts = edges[used + 1] - 1
        reached_us = intervals.starts_us[lasts] + intervals.length_s[lasts] * _US
        if not (reached_us > ends_us[used]).any():
            return _Parts(None, used, None, edges[used])
    return _split(intervals, starts_us, ends_us)


def _split(intervals: Intervals, starts_us: Ints, ends_us: Ints) -> _Parts:
    """The parts of intervals by their overlaps with spans; what lies outside of all spans is left out."""
    begins, ends = intervals.starts_us, intervals.ends_us
    first = np.maximum(np.searchsorted(starts_us, begins, side="right") - 1, 0)
    last = np.searchsorted(starts_us, ends, side="left") - 1
    counts = np.maximum(last - first + 1, 0)
    of = np.repeat(np.arange(len(intervals)), counts)
    span = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts) + first[of]
    shared_us = np.minimum(ends[of], ends_us[span]) - np.maximum(begins[of], starts_us[span])
    is_part = shared_us > 0
    of, span, shared_us = of[is_part], span[is_part], shared_us[is_part]
    firsts = np.flatnonzero(np.diff(span, prepend=-1))
    return _Parts(of, span[firsts], shared_us / (intervals.length_s[of] * _US), firsts)


def _peaks(intervals: Intervals, spans: Spans, at: Places) -> dict[str, Floats]:
    """The highest mean import of a quarter hour that begins in each span, in W; of quarters that are stored whole.

    Returns:
        `grid` and the names of other homes → W by span.
    """
    quarters_us = np.arange(spans.starts_us[0] // _QUARTER_US * _QUARTER_US, spans.end_us, _QUARTER_US)
    parts = _parts(intervals, quarters_us, spans.end_us)
    stored_s = np.rint(parts.sums(intervals.length_s))
    is_whole = stored_s == _QUARTER_US // _US
    span = np.maximum(np.searchsorted(spans.starts_us, quarters_us[parts.span][is_whole], side="right") - 1, 0)
    flows = {name: parts.sums(values)[is_whole] for name, values in intervals.flows.items()}
    imports = {"grid": flows[IMPORTED]} | {name: bought for name, (bought, _) in of_flows.other_homes(flows).items()}
    peaks = {}
    for name, import_wh in imports.items():
        found = np.full(len(spans), np.nan)
        np.fmax.at(found, span, import_wh * 3_600 / (_QUARTER_US // _US))
        peaks[name] = found[at]
    return peaks
