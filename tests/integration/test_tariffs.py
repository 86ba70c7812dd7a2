"""Tariffs and prices from the simulator and from files to the warehouse, and the commands that show them."""

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest

from extract.archive.imported import imported
from extract.archive.raw_archive import RawArchive
from extract.simulator import SettingsChange, SiteSpec, World, dated_tariffs
from extract.simulator.scenarios import scenario
from extract.simulator.truth.plans import Band, plan_on, season
from flows.cli.demo import SCENARIO, import_tariffs
from flows.pipeline import BackfillRequest
from flows.settings import Settings
from tests.shell import run_here
from tests.simulated import NOW, account
from tests.tariffs import flat, two_seasons
from transform.tariffs import is_synthetic, read_tariff, resolve, validate
from transform.tariffs.files import FileFormat, parse_tariff_file
from warehouse.connection import connect
from wattlog.api_json import checksum
from wattlog.series_spec import Series

SITE = SiteSpec(
    site_id=77,
    installed_at=datetime(2025, 3, 1, 20, tzinfo=UTC),
    has_tariff=True,
    tariff_changes_on=date(2026, 1, 20),
    outages_per_year=0,
)
FIRST, SECOND = (document for _, document in dated_tariffs(SITE))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of two runs, one before and one after the tariff changed."""
    directory = tmp_path_factory.mktemp("tariffs")
    clock = [NOW]
    with account(World((SITE,)), now=lambda: clock[0]) as served:
        for days in (0, 1):
            clock[0] = NOW + timedelta(days=days)
            served.ask(directory / "data", BackfillRequest(series=(Series.ENERGY_YEAR,)))
        clock[0] = NOW + timedelta(days=10)
        served.run(directory / "data", BackfillRequest(series=(Series.ENERGY_YEAR,)))
    return directory


class Shell:
    """Runs wattlog in a copy of a data directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.data = directory / "data"

    def run(self, *arguments: str, columns: int | None = None) -> subprocess.CompletedProcess[str]:
        return run_here(arguments, self.directory, {"WATTLOG_PROVIDER": "simulator"}, columns=columns)

    def write(self, name: str, content: object) -> str:
        path = self.directory / name
        path.write_bytes(content if isinstance(content, bytes) else orjson.dumps(content))
        return str(path)


@pytest.fixture
def shell(filled: Path, tmp_path: Path) -> Shell:
    shutil.copytree(filled / "data", tmp_path / "data")
    return Shell(tmp_path)


def rows(data: Path, relation: str = "tariffs") -> list[tuple[Any, ...]]:
    with connect(data / "warehouse.duckdb", read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        return connection.execute(f'from main."{relation}" order by 1, 2, 3').fetchall()


def named(data: Path, *columns: str) -> list[tuple[Any, ...]]:
    with connect(data / "warehouse.duckdb", read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        return connection.execute(f"select {', '.join(columns)} from tariffs order by valid_from, kind").fetchall()


def files_of(data: Path, series: Series) -> int:
    return sum(entry.series == series for entry in RawArchive(data / "raw").entries(SITE.site_id))


def test_the_tariff_of_site_info_is_stored_with_its_validity(filled: Path) -> None:
    """Q138: each from when it was first seen."""
    found = named(filled / "data", "code", "kind", "valid_from", "valid_to", "last_seen_at", "sha256", "is_synthetic")
    later = NOW + timedelta(days=10)
    assert found == [
        ("SIM-TOU-1", "api", NOW, later, NOW + timedelta(days=1), checksum(FIRST), False),
        ("SIM-TOU-2", "api", later, None, later, checksum(SECOND), False),
    ]


def test_the_simulators_tariffs_are_valid_and_have_the_prices_of_its_truth() -> None:
    """The documents are priced by wattlog as the truth has it, over both plans."""
    starts = pd.date_range("2025-03-01T20:00", "2026-02-01", freq="13h", tz="UTC")
    for (since, document), until in zip(dated_tariffs(SITE), (date(2026, 1, 20), date(2027, 1, 1)), strict=True):
        assert [violation for violation in validate(document) if violation.is_error] == []
        tariff = read_tariff(document)
        assert not is_synthetic(tariff)
        days = starts.tz_convert(SITE.zone).date
        chosen = starts[(days >= since) & (days < until)]
        found = resolve(tariff, chosen, SITE.zone)
        expected = [_of_truth(instant.astimezone(SITE.zone)) for instant in chosen.to_pydatetime()]
        assert len(expected) > 20
        assert list(zip(found["buy_micro_per_kwh"], found["sell_micro_per_kwh"], strict=True)) == expected


def _of_truth(wall: datetime) -> tuple[int, int]:
    """The prices at a local time, by the simulator's own tables."""
    plan, of_season = plan_on(SITE, wall.date()), season(wall.date())
    band = Band.OFF_PEAK if wall.hour < 15 else Band.PEAK if 16 <= wall.hour < 21 else Band.PARTIAL_PEAK
    buy, sell = (round(prices[of_season][band] * 10**6) for prices in (plan.buy, plan.sell))
    return buy, sell


@pytest.mark.slow
def test_an_imported_tariff_is_kept_verbatim_once_and_another_file_for_the_day_replaces_it(shell: Shell) -> None:
    content = json.dumps(two_seasons(code="A"), indent=3).encode()
    path, other = shell.write("a.json", content), shell.write("b.json", flat(0.3, code="B"))
    arguments = ("--site", "77", "--from", "2025-03-01")
    done = shell.run("tariff", "import", path, *arguments)
    assert (done.returncode, "a.json is valid at site 77 from 2025-03-01" in done.stderr) == (0, True)
    first = ("A", "file", datetime(2025, 3, 1, 8, tzinfo=UTC), NOW)
    assert named(shell.data, "code", "kind", "valid_from", "valid_to")[0] == first
    assert "imported already" in shell.run("tariff", "import", path, *arguments).stderr
    archive = RawArchive(shell.data / "raw")
    (entry,) = [entry for entry in archive.entries(77) if entry.series == Series.TARIFF_FILE]
    assert archive.load(entry).body == content
    assert shell.run("tariff", "import", other, *arguments).returncode == 0
    assert named(shell.data, "code", "kind")[0] == ("B", "file")
    assert len(rows(shell.data)) == 3


FEED_IN = b"""
code = "POWER_SYNC:FEED-IN"
name = "Feed-in"
currency = "EUR"
[[daily_charges]]
name = "Charge"
amount = 0.4
[energy_charges.ALL.rates]
ALL = 0.30572
[seasons.Year]
fromMonth = 1
fromDay = 1
toMonth = 12
toDay = 31
[sell_tariff.energy_charges.ALL.rates]
ALL = 0.5
[sell_tariff.seasons.Year]
fromMonth = 1
fromDay = 1
toMonth = 12
toDay = 31
"""
"""Selling for more than buying was usual, and the API refuses it."""


def test_a_tariff_as_toml_that_breaks_a_rule_is_imported_by_force_and_listed(shell: Shell) -> None:
    path = shell.write("feed-in.toml", FEED_IN)
    assert shell.run("tariff", "validate", path).returncode == 1
    arguments = ("tariff", "import", path, "--site", "77", "--from", "2024-01-01")
    assert "brings 0.5" in shell.run(*arguments).stderr
    assert shell.run(*arguments, "--force").returncode == 0
    exported = json.loads(shell.run("tariff", "export", "--at", "2025-01-01").stdout)
    assert exported["energy_charges"]["ALL"]["rates"] == {"ALL": 0.30572}
    assert exported["daily_charges"] == [{"name": "Charge", "amount": 0.4}]
    found = json.loads(shell.run("tariff", "list", "--json").stdout)
    assert [(row["code"], row["is_synthetic"], "document" in row) for row in found] == [
        ("POWER_SYNC:FEED-IN", True, False),
        ("SIM-TOU-1", False, False),
        ("SIM-TOU-2", False, False),
    ]
    for columns in (None, 80):
        text = shell.run("tariff", "list", columns=columns).stdout
        assert all(word in text for word in ("2024-01-01", "Feed-in", "EUR", "synthetic")), columns
    assert json.loads(shell.run("tariff", "list", "--site", "78", "--json").stdout) == []


@pytest.mark.parametrize("form", FileFormat)
def test_what_is_exported_has_the_same_prices(shell: Shell, form: FileFormat) -> None:
    out = shell.directory / f"plan.{form.value}"
    assert shell.run("tariff", "export", "--site", "77", "--out", str(out)).returncode == 0
    starts = pd.date_range("2025-01-01", "2025-12-31", freq="7h", tz="UTC")
    written, stored = (read_tariff(document) for document in (parse_tariff_file(out.read_bytes(), form), SECOND))
    if form is FileFormat.TOML:
        assert shell.run("tariff", "export", "--site", "77", "--toml").stdout == out.read_text()
    pd.testing.assert_frame_equal(resolve(written, starts, SITE.zone), resolve(stored, starts, SITE.zone))
    assert "exists" in shell.run("tariff", "export", "--site", "77", "--out", str(out)).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["validate", "nothing.json"], 2, "nothing.json cannot be read: No such file"),
        (["validate", "plan.yaml"], 2, "the name must end with .json or .toml"),
        (["validate", "broken.json"], 2, "broken.json cannot be read: the file is not JSON"),
        (["validate", "broken.toml"], 2, "broken.toml cannot be read: the file is not TOML"),
        (["validate", "gap.json"], 1, "gap.json: 1 errors, 0 warnings"),
        (["validate", "good.json"], 0, "good.json: 0 errors, 0 warnings"),
        (
            ["import", "gap.json", "--site", "77", "--from", "2025-01-01"],
            2,
            "gap.json breaks 1 rules, the first: $.seasons",
        ),
        (["import", "good.json", "--site", "78", "--from", "2025-01-01"], 2, "site 78 is not on this account"),
        (["import", "good.json", "--site", "77", "--from", "yesterday"], 2, "'yesterday' is not a day"),
        (
            ["import", "good.json", "--site", "77", "--from", "0001-01-01"],
            2,
            "0001-01-01 is not between 1990-01-01 and 2060",
        ),
        (["show", "--at", "9999-12-31"], 2, "9999-12-31 is not between"),
        (["show", "--at", "2020-01-01"], 2, "site 77 has no tariff on 2020-01-01"),
        (["show", "--site", "78"], 2, "site 78 is not on this account"),
        (["show", "nothing-in-it.json"], 2, "nothing-in-it.json has no tariff"),
    ],
)
def test_wrong_input_gets_a_sentence_and_the_right_code(
    shell: Shell, arguments: list[str], code: int, says: str
) -> None:
    gap = two_seasons()
    gap["seasons"]["Warm"] = gap["seasons"]["Warm"] | {"toDay": 29}
    gap["sell_tariff"] = two_seasons()["sell_tariff"]
    for name, content in {
        "broken.json": b"{",
        "broken.toml": b"a = ",
        "gap.json": gap,
        "good.json": two_seasons(),
        "nothing-in-it.json": {},
    }.items():
        shell.write(name, content)
    done = shell.run("tariff", *arguments)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("columns", [None, 80])
def test_a_week_is_shown_for_each_season_and_side(shell: Shell, columns: int | None) -> None:
    done = shell.run("tariff", "show", columns=columns)
    lines = done.stdout.splitlines()
    assert all(len(line) <= 80 for line in lines)
    headings = [line for line in lines if line.startswith(("buy:", "sell:"))]
    assert headings == [
        "buy: Summer, 1 June to 30 September",
        "buy: Winter, 1 October to 31 May",
        "sell: Summer, 1 June to 30 September",
        "sell: Winter, 1 October to 31 May",
    ]
    assert lines.count("Mon " + "a" * 30 + "bb" + "c" * 10 + "b" * 6) == 4
    assert "  a     0.30572 USD/kWh  OFF_PEAK" in lines
    assert "per day (Charge)  0.79343" in done.stdout


def test_a_week_in_colour_has_the_same_letters() -> None:
    from rich.console import Console

    from flows.cli.tables.tariff_grid import grid_lines
    from transform.tariffs import grid

    found = grid(read_tariff(SECOND))
    season_rows = found[(found["side"] == "buy") & (found["season"] == "Summer")]
    texts = list(grid_lines(season_rows, "buy", "USD"))
    plain, coloured = (Console(color_system=system, force_terminal=True, width=80) for system in (None, "standard"))
    for console in (plain, coloured):
        with console.capture() as captured:
            for text in texts:
                console.print(text)
        assert ("\x1b[3" in captured.get()) == (console is coloured)
    assert [text.plain for text in texts][2] == "Mon " + "a" * 30 + "bb" + "c" * 10 + "b" * 6


def test_times_without_a_price_and_changes_within_half_an_hour_are_named(shell: Shell) -> None:
    partial = two_seasons()
    partial["seasons"]["Warm"]["tou_periods"]["ON_PEAK"]["periods"][0]["toMinute"] = 20
    partial["sell_tariff"] = {}
    text = shell.run("tariff", "show", shell.write("p.json", partial)).stdout
    assert "sell: not known" in text
    assert ".  no price is known" in text
    assert "changes within half an hour" in text


PRICES = b"""interval_start,interval_s,buy_per_kwh,sell_per_kwh
2026-01-10T00:00Z,1800,0.18291,0.15
2026-01-10T00:30Z,1800,-0.0125,
"""


@pytest.mark.slow
def test_prices_are_imported_and_replaced_and_a_rebuild_needs_no_file(shell: Shell) -> None:
    plan = shell.write("plan.json", two_seasons(code="OLD"))
    assert shell.run("tariff", "import", plan, "--site", "77", "--from", "2025-03-01").returncode == 0
    path = shell.write("prices.csv", PRICES)
    arguments = ("--site", "77", "--currency", "GBP")
    done = shell.run("prices", "import", path, *arguments)
    assert (done.returncode, "2 prices are new, 0 replace others" in done.stderr) == (0, True)
    assert [row[:6] for row in rows(shell.data, "prices")] == [
        (77, datetime(2026, 1, 10, tzinfo=UTC), 1800, Decimal("0.182910"), Decimal("0.150000"), "GBP"),
        (77, datetime(2026, 1, 10, 0, 30, tzinfo=UTC), 1800, Decimal("-0.012500"), None, "GBP"),
    ]
    assert ("prices", "GBP") in named(shell.data, "kind", "currency")
    assert "changes nothing" in shell.run("prices", "import", path, *arguments).stderr
    assert files_of(shell.data, Series.PRICE_FILE) == 1
    other = shell.write(
        "other.csv", PRICES.replace(b"0.18291", b"0.18292") + b"2026-01-10T00:45Z,1800,0.2,0.1\nx,1800,0.2,0.1\n"
    )
    done = shell.run("prices", "import", other, *arguments)
    assert done.returncode == 1
    assert "0 prices are new, 1 replace others" in done.stderr
    assert "2 rows are in table quarantine: 1 bad_timestamp, 1 overlap" in done.stderr
    assert [row[3] for row in rows(shell.data, "prices")] == [Decimal("0.182920"), Decimal("-0.012500")]
    before = rows(shell.data, "prices"), rows(shell.data)
    assert len(before[1]) == 4
    for name in ("prices.csv", "other.csv", "plan.json"):
        (shell.directory / name).unlink()
    assert shell.run("rebuild").returncode == 0
    assert (rows(shell.data, "prices"), rows(shell.data)) == before
    assert shell.run("verify").returncode == 0


@pytest.mark.slow
def test_prices_of_a_region_are_those_of_its_sites(tmp_path: Path) -> None:
    sites = tuple(replace(SITE, site_id=number) for number in (77, 78, 79))
    with account(World(sites)) as served:
        served.run(tmp_path / "data", BackfillRequest(series=(Series.ENERGY_YEAR,)))
    (tmp_path / "prices.csv").write_bytes(PRICES)
    billing = {"region": "NSW1", "sites": {"79": {"region": "QLD1"}}}
    environment = {"WATTLOG_PROVIDER": "simulator", "WATTLOG_BILLING": json.dumps(billing)}

    def imported_for(region: str) -> subprocess.CompletedProcess[str]:
        asked = ["prices", "import", str(tmp_path / "prices.csv"), "--region", region, "--currency", "AUD"]
        return run_here(asked, tmp_path, environment)

    done = imported_for("NSW1")
    assert done.returncode == 0, done.stderr
    assert "sites of the region NSW1: 77, 78" in done.stderr
    assert "4 prices are new" in done.stderr
    assert [row[0] for row in rows(tmp_path / "data", "prices")] == [77, 77, 78, 78]
    assert "changes nothing" in imported_for("NSW1").stderr
    refused = imported_for("VIC1")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "no site has the region VIC1" in refused.stderr


@pytest.mark.parametrize(
    ("content", "arguments", "says"),
    [
        (PRICES, ["--region", "NSW1"], "give either --site ID or --region NAME"),
        (PRICES, ["--currency", "pounds"], "--currency pounds is no code of ISO 4217"),
        (PRICES, [], "prices.csv has no row that can be used: 2 no_currency"),
        (b"a,b\n1,2\n", [], "prices.csv cannot be imported: it has no column interval_start"),
        (b"", [], "prices.csv cannot be imported: it is neither CSV nor Parquet"),
    ],
)
def test_a_file_without_usable_prices_is_refused_and_not_kept(
    shell: Shell, content: bytes, arguments: list[str], says: str
) -> None:
    done = shell.run("prices", "import", shell.write("prices.csv", content), "--site", "77", *arguments)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
    assert files_of(shell.data, Series.PRICE_FILE) == 0


def test_tariff_rate_counts_where_site_info_has_no_tariff(tmp_path: Path) -> None:
    """Q122: it is requested if it is named, once a site, and never in a night."""
    without = SettingsChange(SITE.installed_at, (("tariff_content_v2", None),))
    with account(World((replace(SITE, settings_changes=(without,)),))) as served:
        served.run(tmp_path, BackfillRequest(series=(Series.ENERGY_YEAR,)))
        assert rows(tmp_path) == []
        served.run(tmp_path, BackfillRequest(series=(Series.TARIFF_RATE,)))
        served.ask(tmp_path, BackfillRequest(since=date(2026, 1, 14)))
        asked = [request.path for request in served.server.requests if request.path.endswith("/tariff_rate")]
    assert asked == ["/api/1/energy_sites/77/tariff_rate"]
    ((code, kind, document),) = named(tmp_path, "code", "kind", "document")
    assert (code, kind) == ("SIM-TOU-1", "api")
    starts = pd.date_range("2025-01-01", "2025-12-31", freq="7h", tz="UTC")
    found, expected = (read_tariff(content) for content in (json.loads(document), FIRST))
    pd.testing.assert_frame_equal(resolve(found, starts, SITE.zone), resolve(expected, starts, SITE.zone))


def test_a_site_without_a_tariff_has_no_row(tmp_path: Path) -> None:
    with account(World((replace(SITE, has_tariff=False),))) as served:
        served.run(tmp_path, BackfillRequest(series=(Series.ENERGY_YEAR,)))
    assert rows(tmp_path) == []


def test_the_demo_imports_the_tariffs_of_its_sites_once(tmp_path: Path) -> None:
    """Q138: the API has the present ones alone, and a year of costs needs both."""
    settings = Settings.model_validate({"data_dir": tmp_path, "provider": "simulator"})
    for _ in range(2):
        import_tariffs(settings)
    archive = RawArchive(tmp_path / "raw")
    sites = scenario(SCENARIO).world(datetime.now(UTC).date()).sites
    assert {site.site_id for site in sites} == set(archive.site_ids())
    for site in sites:
        files = imported(archive, site.site_id, Series.TARIFF_FILE)
        assert [entry.window_start for entry in files] == [since for since, _ in dated_tariffs(site)]
        assert [json.loads(archive.load(entry).body)["code"] for entry in files] == ["SIM-TOU-1", "SIM-TOU-2"]
