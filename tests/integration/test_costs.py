"""Costs from the simulator to the warehouse and the command line: priced, priced again when a tariff comes, and asked about."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import orjson
import pandas as pd
import pytest

from extract.simulator import SiteSpec, World
from flows.executors.threads import ThreadExecutor
from flows.pipeline import rebuild, reconcile
from tests.shell import run_here
from tests.simulated import Account, account
from tests.tariffs import flat, two_seasons
from tests.warehouse_rows import content
from warehouse.query.query import connect

SITE = SiteSpec(site_id=77, installed_at=datetime(2025, 3, 1, 20, tzinfo=UTC), wall_connectors=1, seed=7)
SINCE, TARIFF_FROM, UNTIL = date(2025, 10, 28), date(2025, 10, 30), date(2025, 11, 5)
"""The tariff begins on the third day; the clocks go back on 2 November."""

ORACLE = """
select
    sum(grid_energy_imported_wh::decimal(18, 0) * case
        when isodow(wall) <= 5 and hour(wall) between 7 and 21 then 0.27 else 0.18 end::decimal(9, 6)) / 1000,
    sum((grid_energy_exported_from_solar_wh + grid_energy_exported_from_battery_wh
        + grid_energy_exported_from_generator_wh)::decimal(18, 0) * case
        when isodow(wall) <= 5 and hour(wall) between 7 and 21 then 0.06 else 0.04 end::decimal(9, 6)) / 1000
from (select *, timezone('America/Los_Angeles', interval_start) as wall from main.energy_intervals)
where wall >= timestamp '2025-10-30' and wall < timestamp '2025-11-06'
"""
"""The winter of the tariff, with DuckDB's own time zones."""


@dataclass
class Home:
    """A data directory with a week of energy and an imported tariff.

    Attributes:
        served: The account.
        place: The data directory.
    """

    served: Account
    place: Path

    def wattlog(self, *arguments: str, **environment: str) -> CompletedProcess[str]:
        """Run a command on it."""
        return self._run(arguments, environment, None)

    def narrow(self, *arguments: str) -> str:
        """What a command prints at 80 columns."""
        return self._run(arguments, {}, 80).stdout

    def _run(
        self, arguments: tuple[str, ...], environment: dict[str, str], columns: int | None
    ) -> CompletedProcess[str]:
        settings = self.served.settings(self.place)
        given = {"WATTLOG_PROVIDER": "simulator", "WATTLOG_API_BASE_URL": str(settings.api_base_url), **environment}
        return run_here(["--data-dir", str(self.place), *arguments], self.place.parent, given, columns=columns)

    def json(self, *arguments: str) -> Any:
        """What a command prints as JSON."""
        found = self.wattlog(*arguments, "--json")
        assert found.returncode == 0, found.stderr
        return json.loads(found.stdout)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the warehouse."""
        with connect(self.place / "warehouse.duckdb") as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The same without a tariff; not to be changed."""
    place = tmp_path_factory.mktemp("costs") / "data"
    with account(World((SITE,))) as served:
        served.backfill(place, SINCE, until=UNTIL)
        yield Home(served, place)


@pytest.fixture(scope="module")
def home(bare: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    found = Home(bare.served, tmp_path_factory.mktemp("priced") / "data")
    shutil.copytree(bare.place, found.place)
    _import(found, two_seasons(), TARIFF_FROM)
    return found


def _import(home: Home, document: dict[str, Any], since: date, **environment: str) -> None:
    file = home.place.parent / "tariff.json"
    file.write_bytes(orjson.dumps(document))
    found = home.wattlog("tariff", "import", str(file), "--site", "77", "--from", since.isoformat(), **environment)
    assert found.returncode == 0, found.stderr


def test_the_week_costs_what_the_oracle_says(home: Home) -> None:
    ((cost, credit),) = home.rows(ORACLE)
    ((ours, our_credit),) = home.rows(
        "select sum(import_cost), sum(export_credit) from analytics.costs_daily where not is_bounded"
    )
    assert abs(ours - Decimal(cost)) < Decimal("0.00001")
    assert abs(our_credit - Decimal(credit)) < Decimal("0.00001")


def test_days_before_the_tariff_have_no_cost(home: Home) -> None:
    found = home.rows("select local_date, import_cost_low, tariff_basis from analytics.costs_daily order by all")
    assert {(cost, basis) for day, cost, basis in found if day < TARIFF_FROM} == {(None, None)}
    assert {basis for day, _, basis in found if day >= TARIFF_FROM} == {"in_force"}


def test_days_of_which_only_the_sum_is_known_have_bounds(home: Home) -> None:
    """The request for a month of days has all of them, and intervals were requested for a week."""
    found = home.rows("select local_date, is_bounded from analytics.costs_daily where import_cost_low is not null")
    assert {day for day, is_bounded in found if not is_bounded} == {
        date.fromordinal(number) for number in range(TARIFF_FROM.toordinal(), UNTIL.toordinal() + 1)
    }
    ((widest,),) = home.rows(
        "select max(import_cost_high / import_cost_low) from analytics.costs_daily where is_bounded"
    )
    assert widest == pytest.approx(0.27 / 0.18)


def test_an_hour_that_comes_twice_is_priced_twice(home: Home) -> None:
    found = home.rows("select count(*) from analytics.costs_hourly where local_date = date '2025-11-02'")
    assert found == [(25,)]


def test_parts_of_the_import_add_up(home: Home) -> None:
    ((total, home_part, battery, cars),) = home.rows(
        "select sum(import_cost), sum(home_import_cost), sum(battery_import_cost), sum(ev_import_cost) "
        "from analytics.costs_hourly"
    )
    assert total == home_part + battery + cars
    assert cars > 0


def test_nothing_is_priced_again_without_a_reason(home: Home) -> None:
    context = home.served.context(home.place)
    assert reconcile(context, ThreadExecutor()).rows_written == 3  # the tables of the account


@pytest.mark.slow
def test_a_changed_tariff_prices_again_and_only_then(home: Home, tmp_path: Path) -> None:
    """The warehouse that was updated has the rows of one that was made anew; the days before the tariff stay as they were."""
    other = Home(home.served, tmp_path / "data")
    shutil.copytree(home.place, other.place)
    before = other.rows("select local_date, import_cost_low from analytics.costs_daily order by all")
    _import(other, flat(0.5, 0.1), date(2025, 11, 3))
    after = other.rows("select local_date, import_cost_low from analytics.costs_daily order by all")
    assert [row for row in before if row[0] < date(2025, 11, 3)] == [row for row in after if row[0] < date(2025, 11, 3)]
    assert all(old != new for old, new in zip(before, after, strict=True) if old[0] >= date(2025, 11, 3))
    updated = (content(other.place / "warehouse.duckdb"), other.rows("from analytics.costs_hourly order by all"))
    rebuild(other.served.context(other.place), ThreadExecutor())
    assert updated == (
        content(other.place / "warehouse.duckdb"),
        other.rows("from analytics.costs_hourly order by all"),
    )


@pytest.mark.slow
def test_a_month_is_priced_again_only_for_what_applies_in_it(home: Home, tmp_path: Path) -> None:
    """A tariff from November leaves October's file as it is. A session that began in October and is in November's responses
    makes October's costs new."""
    other, months = Home(home.served, tmp_path / "data"), {"WATTLOG_SETTLE_HOURS": "1400"}
    shutil.copytree(home.place, other.place)
    assert other.wattlog("reconcile", **months).returncode == 0
    files = [other.place / f"lake/table=hourly_costs/site_id=77/month=2025-{month}/part.parquet" for month in (10, 11)]
    before = [file.stat().st_ino for file in files]
    _import(other, flat(0.5, 0.1), date(2025, 11, 3), **months)
    october, november = (file.stat().st_ino for file in files)
    assert october == before[0]
    assert november != before[1]
    cars = "select sum(ev_import_cost) from main.hourly_costs where local_date < date '2025-11-01'"
    ((cost,),) = other.rows(cars)
    lake = other.served.context(other.place).open_lake()
    stored = lake.read("charge_sessions", site_id=77, periods=["2025-11"])
    begins = pd.Timestamp("2025-11-01T04:00Z")  # the evening of 31 October
    late = stored.iloc[:1].assign(started_at=begins, ended_at=begins + pd.Timedelta(hours=4), energy_added_wh=9_000.0)
    lake.amend("charge_sessions", pd.concat([stored, late]), site_id=77, period="2025-11", digest="")
    assert other.wattlog("reconcile", **months).returncode == 0
    assert other.rows(cars) > [(cost,)]


def test_costs_by_month_day_and_cycle(home: Home) -> None:
    months = home.json("costs")
    assert [row["month"] for row in months["months"] if row["currency"]] == ["2025-10-01", "2025-11-01"]
    assert {row["label"] for row in months["by_label"]} == {"OFF_PEAK", "ON_PEAK"}
    assert len(home.json("costs", "--month", "2025-11")["days"]) == 30
    cycles = home.json("costs", "--cycle", "--year", "2025")["cycles"]
    assert [row["cycle_start"] for row in cycles] == ["2025-10-01", "2025-11-01"]
    assert cycles[1]["net_cost"] is None
    assert cycles[1]["net_cost_low"] < cycles[1]["net_cost_high"]
    text = home.wattlog("costs")
    assert "2025-11" in text.stdout
    assert "days without a tariff that was in force" in text.stderr


def test_bills_follow_the_settings(home: Home) -> None:
    """Another cycle, tax, and an assumed tariff; with the settings of before, the bills are those of before."""
    billing = {"cycle_day": 3, "tax_pct": 10, "assume_tariff": True}
    assert home.wattlog("reconcile", WATTLOG_BILLING=json.dumps(billing)).returncode == 0
    cycles = home.json("costs", "--cycle")["cycles"]
    assert [row["cycle_start"] for row in cycles] == ["2025-09-03", "2025-10-03", "2025-11-03"]
    assert [row["tariff_basis"] for row in cycles] == ["assumed", "assumed", "in_force"]
    ((low,),) = home.rows(
        "select sum(import_cost_low - export_credit_high) from analytics.costs_daily where local_date >= date '2025-11-03'"
    )
    assert cycles[2]["net_cost_low"] == pytest.approx(float(low) * 1.1)
    assert [(row["priced_days"], row["missing_days"]) for row in cycles] == [(0, 0), (6, 0), (3, 0)]
    text = home.wattlog("costs", "--cycle")
    assert "6 of 31" in text.stdout
    assert "parts of cycles: 2 of 3" in text.stderr
    assert "priced by a tariff that was not in force then" in text.stderr
    assert home.wattlog("reconcile").returncode == 0
    assert [row["cycle_start"] for row in home.json("costs", "--cycle")["cycles"]] == ["2025-10-01", "2025-11-01"]


@pytest.mark.slow
def test_a_tariff_that_a_tool_wrote_prices_nothing_unless_it_is_asked_for(bare: Home, tmp_path: Path) -> None:
    """Q137: its prices steer the battery, and are not what the owner pays; the same for `what-if`."""
    other = Home(bare.served, tmp_path / "data")
    shutil.copytree(bare.place, other.place)
    _import(other, flat(0.5, 0.1, code="POWER_SYNC:SPIKE"), TARIFF_FROM)
    unpriced = "select count(import_cost_low) from analytics.costs_daily"
    assert other.rows(unpriced) == [(0,)]
    assert "one that a tool wrote to steer the battery is not used" in other.wattlog("costs").stderr
    assert "there is no tariff to compare with" in other.wattlog("what-if").stderr
    asked = {"WATTLOG_BILLING": json.dumps({"use_synthetic_tariffs": True})}
    assert other.wattlog("reconcile", **asked).returncode == 0
    ((days, cost, import_kwh),) = other.rows(
        "select count(*), sum(import_cost), sum(grid_import_kwh) from analytics.costs_daily where tariff_basis = 'in_force'"
        " and not is_bounded"
    )
    assert days == (UNTIL - TARIFF_FROM).days + 1
    assert float(cost) == pytest.approx(import_kwh * 0.5)
    assert other.wattlog("reconcile").returncode == 0
    assert other.rows(unpriced) == [(0,)]


@pytest.mark.slow
def test_costs_stay_when_a_year_opens_and_closes(home: Home) -> None:
    """Files of months replace that of the year, and the other way round; no cycle is lost, and none is there twice."""
    names = ("main.bills", "main.daily_costs", "main.hourly_costs")
    before = [home.rows(f"from {name} order by all") for name in names]
    for hours, periods in (("1400", {"month=2025-10", "month=2025-11"}), ("48", {"month=2025"})):
        assert home.wattlog("reconcile", WATTLOG_SETTLE_HOURS=hours).returncode == 0
        assert {
            path.name for path in (home.place / "lake/table=bills/site_id=77").glob("*") if any(path.iterdir())
        } == periods
        assert [home.rows(f"from {name} order by all") for name in names] == before


@pytest.mark.parametrize("table", ["hourly_costs", "daily_costs", "bills"])
def test_a_file_that_was_deleted_is_made_again(home: Home, table: str) -> None:
    before = home.rows(f"from main.{table} order by all")
    (file,) = (home.place / f"lake/table={table}/site_id=77").glob("*/part.parquet")
    file.unlink()
    assert home.wattlog("reconcile").returncode == 0
    assert home.rows(f"from main.{table} order by all") == before


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (["costs", "--month", "2025-13"], {}, "--month 2025-13 is not a month; write it like 2025-03"),
        (["costs", "--month", "2025-11", "--year", "2025"], {}, "--month cannot be used with --year"),
        (["costs"], {"WATTLOG_BILLING": '{"netting": "yearly"}'}, "WATTLOG_BILLING: netting: Input should be 'none',"),
        (
            ["costs"],
            {"WATTLOG_BILLING": '{"sites": {"77": {"tax": 8}}}'},
            "WATTLOG_BILLING: sites.77.tax: Extra inputs",
        ),
        (["costs"], {"WATTLOG_BILLING": '{"credit_unit": "kwh"}'}, 'credit_unit = "kwh" needs netting = "annual"'),
        (["costs"], {"WATTLOG_BILLING": "monthly"}, "WATTLOG_BILLING: expected a JSON object such as"),
        (["what-if", "--battery", "13.5"], {}, "--battery 13.5 is not KWH:KW:EFF; write it like 13.5:5:0.9"),
        (["what-if", "--battery", "13.5:5:90"], {}, "the efficiency is a share between 0.1 and 1"),
        (["what-if", "--battery", "0:5"], {}, "energy and power must be above 0"),
        (["what-if", "--tariff", "absent.json"], {}, "absent.json cannot be read"),
        (["what-if", "--site", "78"], {}, "site 78 is not on this account; its sites are: 77"),
        (["what-if", "--since", "2030-01-01"], {}, "site 77 has no intervals of energy in that time"),
        (["what-if", "--since", "2025-11-02", "--until", "2025-11-01"], {}, "swap them"),
    ],
)
def test_bad_input_is_one_line(home: Home, arguments: list[str], environment: dict[str, str], sentence: str) -> None:
    found = home.wattlog(*arguments, **environment)
    assert found.returncode == 2
    assert found.stderr.count("\n") == 1
    assert sentence in found.stderr
    assert found.stdout == ""


def test_what_if_says_first_how_far_it_can_be_relied_on(home: Home) -> None:
    """The simulator's battery follows no such rule, which is said before any figure."""
    file = home.place.parent / "flat.json"
    file.write_bytes(orjson.dumps(flat(0.2, name="Flat")))
    asked = ["what-if", "--tariff", str(file), "--battery", "27:10:0.9", "--no-battery"]
    text = home.wattlog(*asked)
    assert text.returncode == 0
    said = " ".join(text.stdout.split()).split("What it would have cost", maxsplit=1)[0]
    assert "The rules do NOT meet what was observed" in said
    assert "Flat: no price for exports is known, so they count as nothing" in text.stderr
    table = home.narrow(*asked).split("What it would have cost", maxsplit=1)[1]
    assert table.splitlines()[1].split()[0] == "cost", "the cost comes first, also where not all columns fit"
    found = home.json(*asked)
    assert found["is_reliable"] is False
    alternatives = {(row["plan"], row["equipment"], row["rule"]): row for row in found["alternatives"]}
    assert len(alternatives) == 8  # two tariffs: as it is, no battery, and another one under two rules
    assert all(row["cost"] is not None and row["annual_cost"] is None for row in alternatives.values())
    assert "no cost of 365 days" in text.stderr
    report = home.wattlog("report", "--force")
    assert report.returncode == 0
    assert "27 kWh, 10 kW" in (home.place / "report.html").read_text()


def test_an_answer_that_is_damaged_is_left_out_of_the_report(home: Home) -> None:
    answers = home.place / "what_if"
    answers.mkdir(exist_ok=True)
    (answers / "1.json").write_text("{")
    found = home.wattlog("report")
    assert found.returncode == 0
    assert "what_if_unreadable" in found.stderr


def test_without_a_tariff_the_commands_say_what_to_do(bare: Home) -> None:
    assert "import a tariff with `wattlog tariff import" in bare.wattlog("costs").stderr
    found = bare.wattlog("what-if")
    assert found.returncode == 2
    assert "there is no tariff to compare with" in found.stderr
