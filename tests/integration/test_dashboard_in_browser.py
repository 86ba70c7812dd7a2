"""The dashboard in a real browser, over a real warehouse: every view by keyboard at three widths, and a publish meanwhile.

Where no Chromium is installed these tests are left out, and pytest's summary shows it.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import CHROMIUM, DRAW_EVERYTHING, launched
from tests.dashboard_served import Served
from tests.patience import PATIENCE_S
from tests.recordings import QUIRKS, Recordings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: the dashboard was NOT tested in a browser"),
]

VIEWS = ("Overview", "Day", "Range", "Years", "Costs", "Battery", "Cars", "Trust", "Sites", "SQL")
WIDTHS = (360, 800, 1280)


@pytest.fixture(scope="module")
def warehouse(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = recordings.copy(QUIRKS, tmp_path_factory.mktemp("dashboard") / "data").data_dir
    return data_dir / "warehouse.duckdb"


@pytest.fixture(scope="module")
def served(warehouse: Path) -> Iterator[Served]:
    """The command in a process of its own; at the end, no page has complained or asked another server."""
    command = [sys.executable, "-c", "from flows.cli import main; main()", "--data-dir", str(warehouse.parent)]
    with (
        subprocess.Popen([*command, "dashboard", "--port", "0", "--json"], stdout=subprocess.PIPE) as process,
        launched() as browser,
    ):
        assert process.stdout is not None
        url = json.loads(b"".join(process.stdout.readline() for _ in range(3)))["url"]
        made = Served(url, warehouse, browser)
        yield made
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
        assert made.complaints == []
        assert {address for address in made.asked if not address.startswith((url, "data:", "blob:"))} == set()


def _numbers(page: Page, section: str) -> list[list[str]]:
    """The rows of a section's table, its last one too, as it is on the page."""
    if page.locator(f"#{section} summary").count():
        page.locator(f"#{section} details").evaluate("details => { details.open = true; }")
    expect(page.locator(f"#{section} table")).to_be_attached()
    rows: list[list[str]] = page.locator(f"#{section} table").evaluate(
        "table => [...table.querySelectorAll('tbody tr, tfoot tr')].map("
        "row => [...row.children].map(cell => cell.textContent.replaceAll('\\u00a0', ' ')))"
    )
    return rows


def _ready(page: Page, loads: int) -> None:
    page.wait_for_function("loads => Number(document.documentElement.dataset.ready) >= loads", arg=loads)


def _figure(text: str) -> float | None:
    return None if text == "–" else float(text.replace(",", "").replace("−", "-"))


FIGURES: dict[str, tuple[str, Callable[[list[list[str]]], float | None], str]] = {
    "Overview": (
        "spans",
        lambda rows: _figure(rows[2][5]),
        (
            "select sum(home_kwh) from analytics.daily where site_id = {site} and date_trunc('month', local_date) = "
            "date_trunc('month', date '{day}')"
        ),
    ),
    "Day": ("power", len, "select count(*) from main.power where site_id = {site} and local_date = '{day}'"),
    "Range": (
        "range",
        lambda rows: _figure(rows[-1][1]),
        "select sum(home_kwh) from analytics.daily where site_id = {site} and year(local_date) = {year}",
    ),
    "Years": (
        "months-of-years",
        lambda rows: _figure(rows[-1][-1]),
        "select sum(solar_kwh) from analytics.daily where site_id = {site} and year(local_date) = {year}",
    ),
    "Battery": (
        "cycles",
        lambda rows: sum(_figure(row[2]) or 0 for row in rows),
        (
            "select sum(discharge_kwh) from analytics.battery_cycles where site_id = {site} and granularity = 'month' "
            "and year(period_start) = {year}"
        ),
    ),
    "Trust": (
        "coverage",
        lambda rows: sum(_figure(text) or 0 for row in rows for text in row[1:]),
        "select count(*) from main.daily where site_id = {site} and year(local_date) = {year}",
    ),
    "Sites": ("fleet", len, "select count(*) from main.sites"),
}
"""View → a section, what its table shows, and the same by SQL; of the newest day's site, year, and day."""


@pytest.mark.parametrize(("width", "scheme"), [(WIDTHS[0], "dark"), (WIDTHS[1], "light"), (WIDTHS[2], "dark")])
def test_every_view_is_reached_by_keyboard_and_fits(served: Served, width: int, scheme: str) -> None:
    """Tab and Enter open each view, whose link then has the focus; it fits, charts are drawn, and figures are those of SQL."""
    ((site, day),) = served.rows(
        "select site_id, local_date from main.daily where status <> 'missing' order by local_date desc limit 1"
    )
    newest = {"site": site, "day": day, "year": day.year}
    with served.page(width=width, scheme=scheme) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Tab")
        for loads, view in enumerate(VIEWS, 1):
            assert page.evaluate("document.activeElement.textContent") == view
            page.keyboard.press("Enter")
            _ready(page, loads + 1)
            expect(page.locator("#views [aria-current]")).to_have_text(view)
            expect(page.locator("#views [aria-current]")).to_be_focused()
            expect(page.locator("#problem"), view).to_be_hidden()
            page.evaluate(DRAW_EVERYTHING)
            assert page.evaluate("document.documentElement.scrollWidth") == width, view
            for chart in page.locator("section .chart:visible").all():
                expect(chart.locator("svg path").first, view).to_be_attached()
            for picture in page.locator("section [role=img]:visible").all():
                assert picture.get_attribute("aria-labelledby") or picture.get_attribute("aria-label"), view
            if view in FIGURES:
                section, figure, sql = FIGURES[view]
                ((expected,),) = served.rows(sql.format(**newest))
                assert figure(_numbers(page, section)) == pytest.approx(expected, abs=0.02), view
            page.locator("#views [aria-current]").focus()
            page.keyboard.press("Tab")


def test_range_has_the_figures_of_sql_and_its_address_holds_the_view(served: Served) -> None:
    """Totals of a range by day and by month are those of analytics.daily; the same address shows the same again."""
    with served.page("?view=range&from=2025-11-05&to=2025-12-05&by=day&site=all") as page:
        rows = _numbers(page, "range")
        ((solar, home, imported),) = served.rows(
            "select sum(solar_kwh), sum(home_kwh), sum(grid_import_kwh) from analytics.daily "
            "where local_date between '2025-11-05' and '2025-12-05'"
        )
        assert len(rows) == 31 + 1
        assert float(rows[-1][1].replace(",", "")) == pytest.approx(home, abs=0.02)
        tiles = dict(
            zip(page.locator("#tiles dt").all_inner_texts(), page.locator("#tiles dd").all_inner_texts(), strict=True)
        )
        assert tiles["Solar"].replace("\u00a0", " ").split("\n")[0] == f"{solar:,.0f} kWh"
        assert tiles["From the grid"].split("\u00a0")[0] == f"{imported:,.{1 if imported < 100 else 0}f}"
        page.locator("#by").select_option("month")
        _ready(page, 2)
        assert "by=month" in page.url
        months = _numbers(page, "range")
        assert [row[0] for row in months] == ["November 2025", "December 2025", "All"]
        assert months[-1][1] == rows[-1][1]
        page.go_back()
        _ready(page, 3)
        assert len(_numbers(page, "range")) == 31 + 1


def test_day_has_every_interval_and_another_day_beside_it(served: Served) -> None:
    """Each stored interval is a row of the table; its sums are the day's best estimate."""
    ((site, day, count),) = served.rows(
        "select site_id, max(local_date)::varchar, any_value(n) from (select site_id, local_date, count(*) as n "
        "from main.power where home_w is not null group by all having n = 288) "
        "where local_date < '2025-12-01' group by site_id order by site_id limit 1"
    )
    with served.page(f"?view=day&site={site}&day={day}") as page:
        assert len(_numbers(page, "power")) == count
        ((home,),) = served.rows(
            f"select home_kwh from analytics.daily where site_id = {site} and local_date = '{day}'"
        )
        assert f"{home:.1f}\u00a0kWh" in page.locator("#tiles").inner_text()
        page.get_by_label("Day before").click()
        _ready(page, 2)
        assert f"day={day}" not in page.url
        expect(page.get_by_label("Day before")).to_be_focused()
        page.get_by_label("Compare with").fill(day)
        _ready(page, 3)
        assert f"with={day}" in page.url
        expect(page.locator("#power-summary")).to_contain_text("Dashed lines are the other day")


def test_years_and_overview_have_the_figures_of_sql(served: Served) -> None:
    with served.page("?view=years&site=all") as page:
        rows = _numbers(page, "months-of-years")
        totals = served.rows(
            "select sum(solar_kwh) from analytics.daily group by year(local_date) order by year(local_date)"
        )
        assert [float(text.replace(",", "")) for text in rows[-1][1:]] == pytest.approx(
            [row[0] for row in totals], abs=0.02
        )
    with served.page("?view=overview&site=all") as page:
        spans = {row[0]: row for row in _numbers(page, "spans")}
        ((day, home),) = served.rows(
            "select max(local_date), sum(home_kwh) from analytics.daily where local_date = "
            "(select max(local_date) from analytics.daily where status <> 'missing')"
        )
        assert spans["Newest day"][1] == f"{day:%b} {day.day}"
        assert spans["Newest day"][5] == f"{home:,.2f}"


def test_dates_and_numbers_are_as_the_browsers_language_writes_them(served: Served) -> None:
    """The same hour and the same figures in German and in American: texts, tables, axes, and calendars."""
    ((site, home),) = served.rows(
        "select site_id, sum(home_kwh) from analytics.daily where year(local_date) = 2025 "
        "group by site_id having sum(home_kwh) > 1000 order by site_id limit 1"
    )
    for locale, first, total, hour, december in (
        ("en-US", "January 1, 2025", f"{home:,.2f}", "1:00 PM", "Dec"),
        ("de-DE", "1. Januar 2025", f"{home:,.2f}".translate(str.maketrans(",.", ".,")), "13:00", "Dez"),
    ):
        with served.page(f"?view=range&from=2025-01-01&to=2025-12-31&by=day&site={site}", locale=locale) as page:
            assert page.locator("#heading").inner_text().replace("\u00a0", " ").startswith(first)
            assert _numbers(page, "range")[-1][1] == total
            expect(page.locator("#range .chart svg path").first).to_be_attached()
            assert any(december in text for text in page.locator("#range .chart svg text").all_text_contents())
        with served.page(f"?view=battery&site={site}&year=2025", locale=locale) as page:
            assert hour in [row[0] for row in _numbers(page, "hours")]


@pytest.mark.parametrize(
    ("view", "column", "sql"),
    [
        (
            "battery",
            1,
            "select sum(battery_charge_wh) / 1000 from main.daily join main.sites using (site_id) where has_battery",
        ),
        ("cars", 1, "select sum(ev_kwh) from analytics.ev_charging where true"),
        ("trust", 1, "select count(*) from main.daily where status = 'agreed'"),
    ],
)
def test_sites_are_added_up_and_compared_where_a_sum_means_something(
    served: Served, view: str, column: int, sql: str
) -> None:
    """The last row of the table of all sites is SQL's sum; what belongs to one battery has none, and the page says so."""
    with served.page(f"?view={view}&site=all&year=2025") as page:
        rows = _numbers(page, "by-site")
        ((expected,),) = served.rows(f"{sql} and year(local_date) = 2025")
        assert _figure(rows[-1][column]) == pytest.approx(expected, abs=0.06 * len(rows))
        assert rows[-1][0] == "All"
        if view == "battery":
            assert rows[-1][4] == "–"
            expect(page.locator("#facts")).to_contain_text("not added up")
        expect(page.locator("#sites-by-month .chart svg path").first).to_be_attached()
        page.locator("#how").select_option("compare")
        _ready(page, 2)
        assert "how=compare" in page.url
        assert len(_numbers(page, "sites-by-month")[0]) == len(rows)


def test_paper_is_light_and_has_every_chart(served: Served) -> None:
    """Printing draws charts that were never scrolled to, in the paper's width; then all is as before."""
    with served.page("?view=battery", scheme="dark") as page:
        page.wait_for_function("() => globalThis.echarts")
        page.emulate_media(media="print")
        page.wait_for_selector("html[data-theme=light]")
        expect(page.locator(".bar")).to_be_hidden()
        for chart in ("capacity", "cycles", "state-of-energy", "hours"):
            expect(page.locator(f"#{chart} .chart svg").first, chart).to_have_attribute("width", "660")
        assert page.pdf(format="A4", prefer_css_page_size=True).startswith(b"%PDF")
        page.emulate_media(media="screen")
        page.wait_for_selector("html[data-theme=dark]")


@pytest.mark.parametrize("width", WIDTHS)
def test_statement_is_run_from_the_keyboard_and_shown_as_table_and_chart(served: Served, width: int) -> None:
    sql = "select local_date, home_kwh from analytics.daily where home_kwh is not null order by all limit 3"
    with served.page("?view=sql", width=width) as page:
        page.locator("#sql").fill(sql)
        page.keyboard.press("Control+Enter")
        expect(page.locator("#sql-said")).to_have_text("3 rows.")
        expect(page.locator("#statement tbody tr")).to_have_count(3)
        shown = page.locator("#statement tbody tr > :nth-child(2)").all_text_contents()
        assert [_figure(text) for text in shown] == pytest.approx([home for _, home in served.rows(sql)], abs=0.001)
        expect(page.locator("#statement .chart svg path").first).to_be_attached()
        assert "sql=select" in page.url
        page.locator("#sql").fill("drop table main.daily")
        page.locator("#run").click()
        expect(page.locator("#sql-said")).to_contain_text("SELECT")
        expect(page.locator("#statement tbody tr").first).to_be_hidden()
    served.complaints[:] = [said for said in served.complaints if "400 (Bad Request)" not in said]


def test_fleet_is_searched_sorted_and_chosen(served: Served) -> None:
    with served.page("?view=sites") as page:
        names = page.locator("#fleet tbody th").all_inner_texts()
        assert len(names) > 2
        page.locator("#search").fill(names[1][:5])
        expect(page.locator("#fleet tbody tr")).not_to_have_count(len(names))
        assert "search=" in page.url
        page.locator("#search").fill("")
        page.locator("#fleet thead button").get_by_text("Days", exact=True).click()
        expect(page.locator("#fleet th[aria-sort=ascending]")).to_have_text("Days")
        for box in page.locator("#fleet input[type=checkbox]").all()[-2:]:
            box.check()
        page.get_by_role("link", name="compare them").click()
        _ready(page, 2)
        expect(page.locator("#range-compared .chart svg path").first).to_be_attached()


def test_hostile_name_is_text_and_an_unknown_address_is_one_line(served: Served) -> None:
    with served.page("?view=day&site=%3Cimg%20src%3Dx%3E&day=2025-02-30") as page:
        expect(page.locator("#problem")).to_contain_text("is no day")
        assert page.locator("img").count() == 0
    served.complaints[:] = [said for said in served.complaints if "400 (Bad Request)" not in said]


def test_publish_in_the_middle_of_a_session_is_shown_and_said(served: Served) -> None:
    """Another file is renamed over the published one: the open page shows its figures without being touched."""
    name = "<b>New</b> & name"
    with served.page("?view=range&from=2025-11-05&to=2025-11-06&by=day&site=all") as page:
        before = _numbers(page, "range")[-1][1]
        served.publish(
            "update main.daily set home_wh = home_wh + 1000 where local_date = '2025-11-05'",
            f"update main.sites set site_name = '{name}'",
        )
        expect(page.locator("#renewed")).to_contain_text("New data")
        rows = _numbers(page, "range")
        ((sites,),) = served.rows("select count(home_kwh) from analytics.daily where local_date = '2025-11-05'")
        assert float(rows[-1][1]) == pytest.approx(float(before) + sites, abs=0.02)
        expect(page.locator("#facts")).to_contain_text(name)
        assert page.locator("#facts b").count() == 0


def test_day_of_several_sites_is_added_up_in_one_zone_alone(served: Served) -> None:
    """Sites of two zones are beside each other, and the page says why; two of one zone are added up, too."""
    (here, there), day = (
        [id_ for (id_,) in served.rows("select distinct site_id from main.power order by all")],
        "2025-12-01",
    )
    with served.page(f"?view=day&site={here},{there}&day={day}") as page:
        expect(page.locator("#facts")).to_contain_text("several time zones")
        expect(page.locator("#power-compared .chart svg path").first).to_be_attached()
    served.publish(
        f"update main.sites set timezone = (select timezone from main.sites where site_id = {here}) where site_id = 987654321",
        "insert into main.power select * replace (987654321 as site_id) from main.power "
        f"where site_id = {here} and local_date = '{day}' and hour(interval_start) <> 3",
    )
    ((count, home),) = served.rows(
        f"select count(*), 2 * sum(home_w) / 1000 from main.power where site_id = 987654321 and local_date = '{day}'"
    )
    with served.page(f"?view=day&site={here},987654321&day={day}") as page:
        expect(page.locator("#facts")).to_contain_text("12 intervals that not all of them have are left out")
        rows = _numbers(page, "power")
        assert len(rows) == count
        assert sum(_figure(row[2]) or 0 for row in rows) == pytest.approx(home, abs=0.001 * count)
        page.locator("#how").select_option("compare")
        _ready(page, 2)
        expect(page.locator("#power-compared .chart svg path").first).to_be_attached()
        assert len(_numbers(page, "power-compared")[0]) == 1 + 2
