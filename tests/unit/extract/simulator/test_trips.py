"""Invented sessions at public chargers."""

from datetime import date
from decimal import Decimal

from extract.simulator import quirky_world
from extract.simulator.worlds.trips import trips

FIRST, LAST = date(2025, 1, 1), date(2025, 12, 31)


def test_sessions_are_the_same_for_the_same_day() -> None:
    year = trips("TESTVIN0000000001", "America/Los_Angeles", FIRST, LAST, 3)
    summer = trips("TESTVIN0000000001", "America/Los_Angeles", date(2025, 6, 1), date(2025, 8, 31), 3)
    assert summer == tuple(session for session in year if 6 <= session.started_at.month <= 8)
    assert 15 < len(year) < 50
    assert len({session.session_id for session in year}) == len(year)


def test_sessions_have_each_kind_of_fee_to_the_cent() -> None:
    year = trips("TESTVIN0000000001", "America/Los_Angeles", FIRST, date(2030, 12, 31), 3)
    fees = [fee for session in year for fee in session.fees]
    assert {(fee.kind, fee.unit) for fee in fees} == {("CHARGING", "kwh"), ("CHARGING", "min"), ("PARKING", "min")}
    for fee in fees:
        due = Decimal(str(fee.usage[0])) * Decimal(fee.rate)
        assert fee.total_due == str(due.quantize(Decimal("0.01")))
    assert all(session.started_at < session.ended_at for session in year)


def test_the_demo_s_car_is_plugged_in_at_home_and_has_been_away() -> None:
    world = quirky_world(date(2026, 1, 15))
    (car,) = world.vehicles
    assert car.plug is not None
    assert world.has(car.plug.site_id)
    assert {session.vin for session in world.public_sessions} == {car.vin}
    assert max(session.started_at.date() for session in world.public_sessions) < date(2026, 1, 15)
