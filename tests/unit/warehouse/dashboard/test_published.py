"""Readers get the newest published file, and a file that is being read is not closed."""

import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tests.patience import wait_until
from tests.unit.warehouse.conftest import Publish
from warehouse.dashboard.published import PublishedWarehouse
from warehouse.errors import Unreadable, WarehouseMissing

Home = Callable[[float], Path]


@pytest.fixture
def home(publish: Publish, tmp_path: Path) -> Home:
    """`home(5.0)` publishes a warehouse of one day with that energy, by renaming it over the one before."""

    def publishing(home_wh: float) -> Path:
        destination = tmp_path / "live.duckdb"
        made = publish({"daily": [{"local_date": date(2025, 3, 1), "home_wh": home_wh}]})
        fresh = tmp_path / "fresh.duckdb"
        fresh.write_bytes(made.read_bytes())
        fresh.rename(destination)
        return destination

    return publishing


def _home_wh(published: PublishedWarehouse) -> float:
    with published.reading() as (cursor, _):
        return float(cursor.execute("select home_wh from main.daily").fetchall()[0][0])


@pytest.mark.slow
def test_each_publish_is_followed(home: Home) -> None:
    published = PublishedWarehouse(home(1.0))
    before = published.edition()
    assert _home_wh(published) == 1.0
    home(2.0)
    assert published.edition() != before
    assert _home_wh(published) == 2.0
    published.close()


def test_reader_keeps_its_file_and_new_readers_wait_for_a_moment_only(home: Home) -> None:
    """A publish during a request: the request goes on, others begin with the old file, and after a second they wait for it."""
    now = [0.0]
    published = PublishedWarehouse(home(1.0), clock=lambda: now[0])
    found: list[float] = []
    with published.reading() as (cursor, _):
        home(2.0)
        assert _home_wh(published) == 1.0
        now[0] = 5.0
        late = threading.Thread(target=lambda: found.append(_home_wh(published)))
        late.start()
        assert cursor.execute("select home_wh from main.daily").fetchall() == [(1.0,)]
        assert found == []
    late.join()
    assert found == [2.0]
    published.close()


def test_readers_at_the_same_time_have_a_session_each(home: Home) -> None:
    published = PublishedWarehouse(home(1.0))
    barrier = threading.Barrier(8)
    found: list[float] = []

    def read() -> None:
        barrier.wait()
        found.append(_home_wh(published))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(found) == 8)
    assert set(found) == {1.0}
    published.close()


def test_no_file_and_a_damaged_file_are_one_line_and_the_next_good_one_is_read(home: Home, tmp_path: Path) -> None:
    published = PublishedWarehouse(tmp_path / "live.duckdb")
    with pytest.raises(WarehouseMissing):
        _home_wh(published)
    (tmp_path / "live.duckdb").write_bytes(b"nothing of DuckDB's" * 1000)
    with pytest.raises(Unreadable):
        _home_wh(published)
    home(3.0)
    assert _home_wh(published) == 3.0
    published.close()
