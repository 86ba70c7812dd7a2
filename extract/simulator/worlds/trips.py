"""Invented sessions of a car at public chargers: a few in each month, the same for the same day."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

from extract.simulator.seeded import unit_hash
from extract.simulator.worlds.vehicle import Fee, PublicSession
from wattlog.zones import Zone

_SHARE_OF_DAYS = 0.08
_SHARE_BY_MINUTES = 0.1
_SHARE_WITH_PARKING = 0.15
_USD_PER_KWH = Decimal("0.42")
_USD_PER_MINUTE = Decimal("0.61")
_USD_FOR_PARKING = Decimal("1.50")
_PLACES = ("Exampletown", "Sample Springs", "Placeholder Pass")


def trips(vin: str, zone: str, first_day: date, last_day: date, seed: int) -> tuple[PublicSession, ...]:
    """The public sessions of a car on about one day of twelve.

    Most are priced by energy, some by minutes, which have no energy (Q115); some have a fee for parking.

    Args:
        vin: The car.
        zone: Time zone of the chargers.
        first_day: The first day that may have a session.
        last_day: The last day.
        seed: Chooses the days and what was charged.
    """
    days = (first_day + timedelta(days=ahead) for ahead in range((last_day - first_day).days + 1))
    return tuple(_trip(vin, zone, day, seed) for day in days if unit_hash(seed, day, 21) < _SHARE_OF_DAYS)


def _trip(vin: str, zone: str, day: date, seed: int) -> PublicSession:
    begin = datetime.combine(day, time(9 + int(9 * unit_hash(seed, day, 22)), 10), Zone(zone))
    minutes = 15 + int(30 * unit_hash(seed, day, 23))
    is_by_minutes = unit_hash(seed, day, 24) < _SHARE_BY_MINUTES
    used = Decimal(minutes) if is_by_minutes else Decimal(round(minutes * 140)) / 100
    rate = _USD_PER_MINUTE if is_by_minutes else _USD_PER_KWH
    fees = [_fee("CHARGING", used, rate, "min" if is_by_minutes else "kwh")]
    if unit_hash(seed, day, 25) < _SHARE_WITH_PARKING:
        fees.append(_fee("PARKING", Decimal(5), _USD_FOR_PARKING / 5, "min"))
    place = _PLACES[int(len(_PLACES) * unit_hash(seed, day, 26))]
    end = begin + timedelta(minutes=minutes)
    return PublicSession(day.toordinal(), vin, place, begin, end, tuple(fees), country="US")


def _fee(kind: str, used: Decimal, rate: Decimal, unit: str) -> Fee:
    due = str((used * rate).quantize(Decimal("0.01")))
    return Fee(kind, (float(used), None, None, None, None), due, unit, str(rate), currency="USD")
