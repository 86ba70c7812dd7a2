"""Data that reach the server after their windows were settled, night by night on a clock that steps."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from extract.archive.raw_archive import RawArchive
from extract.simulator import FLOWS, Anomaly, CloudGap, GapStyle, LateData, SiteSpec, World
from flows.pipeline import BackfillRequest, Summary
from tests.simulated import Account, account
from warehouse.query.query import connect

pytestmark = pytest.mark.slow

SITE = 77
INSTALLED = datetime(2026, 2, 7, 20, tzinfo=UTC)
FIRST_NIGHT = datetime(2026, 2, 9, 11, 30, tzinfo=UTC)
"""03:30 in California."""
OFFLINE = datetime(2026, 2, 9, 22, tzinfo=UTC), datetime(2026, 2, 13, 18, tzinfo=UTC)
"""From Monday afternoon to Friday morning."""
SETTLED_EMPTY = 10 * 12 + 2 * 288
"""Rows of five minutes on 9, 10 and 11 February, which are settled before the data come."""
WHOLE_DAYS = [date(2026, 2, day) for day in range(10, 13)]
BACK = date(2026, 2, 14)
"""The first night on which a later day is over that has data."""
AFTER_DAYS = [1, 3, 7, 14, 30]


def site(*anomalies: Anomaly) -> SiteSpec:
    return SiteSpec(site_id=SITE, installed_at=INSTALLED, outages_per_year=0, anomalies=anomalies, seed=7)


@contextmanager
def served(*sites: SiteSpec) -> Iterator[Account]:
    with account(World(sites), now=lambda: FIRST_NIGHT) as made:
        yield made


def at_night(made: Account, data_dir: Path, number: int, *, is_transformed: bool = True) -> Summary:
    """The run of a night, numbered from 0; without its transformation, which changes no request, where nothing new came."""
    instant = FIRST_NIGHT + timedelta(days=number)
    made.now = lambda: instant
    run = made.run if is_transformed else made.ask
    return run(data_dir, BackfillRequest())


def rows(data_dir: Path, query: str) -> list[tuple[Any, ...]]:
    with connect(data_dir / "warehouse.duckdb") as warehouse:
        return warehouse.execute(query).fetchall()


def asked_at(data_dir: Path, series: str, day: date) -> list[datetime]:
    """When the window of a series that begins on a day was requested."""
    entries = RawArchive(data_dir / "raw").entries(SITE)
    return [entry.requested_at for entry in entries if entry.series == series and entry.window_start == day]


def test_what_arrives_late_is_stored_and_its_gap_closes(tmp_path: Path) -> None:
    """Offline for four days; the data arrive a day after the gateway is back, when the first days are settled as empty."""
    with served(site(LateData(*OFFLINE, arrives_at=OFFLINE[1] + timedelta(hours=27)))) as made:
        for number in range(6):
            assert at_night(made, tmp_path, number, is_transformed=number == 5).exit_code == 0
        gaps = rows(tmp_path, "select distinct series from gaps where cause = 'no_data' order by 1")
        assert {"power", "soe", "energy_interval"} <= {series for (series,) in gaps}
        for number in range(6, 13):
            assert at_night(made, tmp_path, number, is_transformed=number in {6, 12}).exit_code == 0
        truth = made.world.truth(SITE)
    assert rows(tmp_path, "select * from gaps where cause not in ('future', 'before_install')") == []
    flows = ", ".join(f"{name}_wh" for name in FLOWS)
    for table in ("power", "energy_intervals"):
        stored = dict(rows(tmp_path, f"select local_date, count(*) from {table} group by 1"))
        assert [stored[day] for day in WHOLE_DAYS] == [288] * len(WHOLE_DAYS)
    for day, status, *wh in rows(
        tmp_path,
        f"select local_date, status, {flows} from daily where local_date between '2026-02-09' and '2026-02-13'",
    ):
        assert wh == list(truth.daily_wh(day).values()), day
        assert status in {"agreed", "adjusted"}
    causes = rows(
        tmp_path, "select distinct cause from reconciliation where verdict <> 'agree' and granularity = 'day'"
    )
    assert {cause for (cause,) in causes} <= {"revised", "partial_period"}, (
        "the week was requested before the data came"
    )
    late = rows(
        tmp_path, "select count(distinct interval_start) from revisions where series = 'power' and old_value is null"
    )
    assert late == [(SETTLED_EMPTY,)], "each row of the days that were settled before it came is a revision"


def test_a_day_is_right_on_the_night_on_which_its_data_come(tmp_path: Path) -> None:
    """The month was settled with a part of its last day. It is requested again in the run that gets the rest of the day."""
    first_night = datetime(2026, 3, 31, 10, 30, tzinfo=UTC)
    offline = datetime(2026, 4, 1, 2, tzinfo=UTC), datetime(2026, 4, 6, 18, tzinfo=UTC)
    spec = SiteSpec(
        site_id=SITE,
        installed_at=first_night - timedelta(days=2),
        outages_per_year=0,
        anomalies=(LateData(*offline, arrives_at=offline[1]),),
    )
    day, statuses = date(2026, 3, 31), []
    with account(World((spec,))) as made:
        for number in range(9):
            made.now = partial(datetime.__add__, first_night, timedelta(days=number))
            run = made.run if number in {6, 7, 8} else made.ask
            assert run(tmp_path, BackfillRequest()).exit_code == 0
            if number > 5:
                flows = ", ".join(f"{name}_wh" for name in FLOWS)
                statuses += rows(tmp_path, f"select status, {flows} from daily where local_date = '{day}'")
        truth = list(made.world.truth(SITE).daily_wh(day).values())
    stored = {tuple(wh) for _, *wh in statuses[1:]}
    assert stored == {tuple(truth)}, "on the first night with all intervals, and afterwards"
    assert tuple(statuses[0][1:]) != tuple(truth), "the data had not come"


def test_rows_of_zeros_are_replaced_when_the_values_come(tmp_path: Path) -> None:
    """Q14: the month series shows that the zeros are wrong."""
    gap = CloudGap(*OFFLINE, GapStyle.ZERO, filled_at=OFFLINE[1] + timedelta(days=2))
    with served(site(gap)) as made:
        for number in range(13):
            assert at_night(made, tmp_path, number, is_transformed=number in {4, 5, 12}).exit_code == 0
        truth = made.world.truth(SITE)
    name = "solar_energy_exported"
    sums = dict(
        rows(
            tmp_path,
            f"select local_date, sum({name}_wh) from energy_intervals group by 1 having local_date < '2026-02-14'",
        )
    )
    for day in [*WHOLE_DAYS, date(2026, 2, 13)]:
        assert sums[day] == truth.daily_wh(day)[name], day


def test_an_empty_window_is_requested_again_on_the_schedule_and_not_otherwise(tmp_path: Path) -> None:
    """The data never arrive: at most five further requests a window, 1, 3, 7, 14 and 30 days after it was settled; those that
    passed before there were data on both sides are one request on the night when there are."""
    with served(site(LateData(*OFFLINE))) as made:
        for number in range(42):
            at_night(made, tmp_path, number, is_transformed=number in {5, 6})
    for series in ("power", "soe", "energy_interval"):
        for day in WHOLE_DAYS:
            asked = [instant.date() for instant in asked_at(tmp_path, series, day)]
            settled = day + timedelta(days=3)
            assert asked[:4] == [day + timedelta(days=ahead) for ahead in range(4)], "until it is settled"
            points = [settled + timedelta(days=ahead) for ahead in AFTER_DAYS]
            seen = BACK + timedelta(days=1)  # the night after the one whose responses showed it
            expected = [*([seen] if points[0] <= seen else []), *(point for point in points if point > seen)]
            assert asked[4:] == [night for night in expected if night <= date(2026, 3, 22)], (series, day)


def test_a_quiet_site_is_asked_exactly_what_it_was_asked_before(tmp_path: Path) -> None:
    """Four unsettled days and what never settles; with incomplete windows, the same and at most twenty more."""
    counts: dict[str, list[Counter[tuple[str, str]]]] = {}
    for name, anomalies in (("quiet", ()), ("late", (LateData(*OFFLINE),))):
        nights = []
        with served(site(*anomalies)) as made:
            for number in range(14):
                before = len(made.server.requests)
                at_night(made, tmp_path / name, number, is_transformed=number in {5, 6})
                nights.append(
                    Counter(
                        (request.params["kind"] + request.params.get("period", ""), request.params["end_date"])
                        for request in made.server.requests[before:]
                        if "kind" in request.params
                    )
                )
        counts[name] = nights
    quiet, late = counts["quiet"], counts["late"]
    assert {night.total() for night in quiet[4:]} == {4 * 3 + 4}
    assert not [number for number in range(14) if quiet[number] - late[number]], "nothing is left out"
    more = [(late[number] - quiet[number]).total() for number in range(14)]
    assert max(more) <= 20
    assert any(more)
    assert not any(more[:5])
