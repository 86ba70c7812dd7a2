"""Which function turns the responses of which series into tables.

A new series is registered here; its facts are in `wattlog.series`. Responses of a series without a shaper stay in the raw
archive alone. Shapers that few sites need are imported when they are called.
"""

from collections.abc import Callable, Sequence

from transform.commands import shape_commands
from transform.events import shape_backup, shape_charge
from transform.history import shape_history
from transform.intervals import shape_energy_intervals, shape_power, shape_soe
from transform.live_status import shape_live_status
from transform.periods import shape_periods
from transform.responses import RawResponse, Tables
from transform.sites import Site
from wattlog.series import old_histories
from wattlog.series_spec import Series

Shaper = Callable[[Sequence[RawResponse], Site], Tables]


def shape_old_history(responses: Sequence[RawResponse], site: Site) -> Tables:
    """See `transform.imports.shape`: two dozen modules, which only those import who have imported a history."""
    from transform.imports.shape import shape_history

    return shape_history(responses, site)


def shape_prices(responses: Sequence[RawResponse], site: Site) -> Tables:
    """See `transform.prices.shape_prices`."""
    from transform import prices

    return prices.shape_prices(responses, site)


def shape_public_charging(responses: Sequence[RawResponse]) -> Tables:
    """See `transform.public_charging.shape_public_charging`."""
    from transform import public_charging

    return public_charging.shape_public_charging(responses)


def shape_vehicle_states(responses: Sequence[RawResponse]) -> Tables:
    """See `transform.vehicles.shape_vehicle_states`."""
    from transform import vehicles

    return vehicles.shape_vehicle_states(responses)


SHAPERS: dict[str, Shaper] = {
    Series.SNAPSHOT: shape_live_status,
    Series.POWER: shape_power,
    Series.SOE: shape_soe,
    Series.ENERGY_INTERVAL: shape_energy_intervals,
    Series.ENERGY_DAY: shape_periods,
    Series.ENERGY_MONTH: shape_periods,
    Series.ENERGY_YEAR: shape_periods,
    Series.BACKUP: shape_backup,
    Series.CHARGE: shape_charge,
    Series.HISTORY: shape_history,
    Series.COMMAND: shape_commands,
    Series.PRICE_FILE: shape_prices,
    **dict.fromkeys(old_histories(), shape_old_history),
}
"""Series → its shaper."""


ACCOUNT_SHAPERS: dict[str, Callable[[Sequence[RawResponse]], Tables]] = {
    Series.VEHICLE_CHARGING: shape_public_charging,
    Series.VEHICLE_STATE: shape_vehicle_states,
}
"""Series about the account or its cars → its shaper. There is no site."""
