"""Prices from any files: none overlap, and every row is stored, replaced, or quarantined."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.transform.answers import BATTERY_SITE, KeptAnswer, checked, records
from transform.prices import shape_prices

FIRST = datetime(2025, 3, 30, tzinfo=UTC)
ROWS = st.tuples(st.integers(0, 40), st.sampled_from([300, 900, 1800, 3600]), st.integers(-5, 5))
FILES = st.lists(st.lists(ROWS, max_size=12), min_size=1, max_size=3)


def file(number: int, rows: list[tuple[int, int, int]]) -> KeptAnswer:
    lines = (f"{(FIRST + timedelta(minutes=5 * start)).isoformat()},{length},{price}" for start, length, price in rows)
    body = "\n".join(["instant,interval_s,buy", *lines]) + "\n"
    at = FIRST + timedelta(days=number)
    return KeptAnswer(
        f"r{number}", "price_file", at.date(), at.date(), at, body.encode(), path="/import/price_file/EUR"
    )


@examples(35)
@given(files=FILES)
def test_prices_do_not_overlap_and_no_row_is_lost(files: list[list[tuple[int, int, int]]]) -> None:
    kept = [file(number, rows) for number, rows in enumerate(files)]
    tables = checked(dict(shape_prices(kept[::-1], BATTERY_SITE)))
    prices, refused = records(tables["prices"]), records(tables["quarantine"])
    ends = [row["interval_start"] + timedelta(seconds=row["interval_s"]) for row in prices]
    assert all(end <= row["interval_start"] for end, row in zip(ends, prices[1:], strict=False))
    stored = {(row["_raw_id"], row["interval_start"]): (row["interval_s"], int(row["buy_per_kwh"])) for row in prices}
    quarantined = {(row["raw_id"], row["row_number"]) for row in refused}
    newest = {start: number for number, rows in enumerate(files) for start, _, _ in rows}
    for number, rows in enumerate(files):
        for position, (start, length, price) in enumerate(rows):
            instant = FIRST + timedelta(minutes=5 * start)
            is_stored = stored.get((f"r{number}", instant)) == (length, price)
            is_same_as_a_later = (start, length, price) in rows[position + 1 :]
            assert (
                is_stored or (f"r{number}", position) in quarantined or newest[start] > number or is_same_as_a_later
            ), (number, position)
