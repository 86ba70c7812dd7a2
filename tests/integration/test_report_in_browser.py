"""The report in a real browser: headless Chromium, without a network.

Where no Chromium is installed these tests are left out, and pytest's summary shows it.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import CHROMIUM, DRAW_EVERYTHING, launched
from tests.patience import PATIENCE_S
from tests.synthetic_report import report_of, site_report, ten_years_of_two_sites
from warehouse.report import ReportData, page
from warehouse.report.model import Columns
from wattlog.causes import SENTENCES, Cause

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: the report was NOT tested in a browser"),
]

CHARTS = (
    "days",
    "flows",
    "self-sufficiency",
    "hours",
    "state-of-energy",
    "cars",
    "coverage",
    "outages",
    "differences",
)
HOSTILE = ("</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<!--<script>", '"&\u2028${made}`')
PERCENT = re.compile("%$")
LIGHT_SOLAR, DARK_SOLAR = "#c07c00", "#f0b840"


@dataclass
class Opened:
    """A report in a browser, and what the browser said of it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def has_marks(self, chart: str, least: int) -> None:
        """Assert that a chart draws so many shapes: charts draw themselves when they come into view, not at once."""
        shapes = self.page.locator(f"#{chart} .chart svg path, #{chart} .chart svg rect[fill]")
        expect(shapes.nth(least - 1), f"{chart} has fewer than {least} shapes").to_be_attached()

    def text(self, selector: str) -> str:
        """What stands in an element."""
        return self.page.locator(selector).first.inner_text().replace("\u00a0", " ")


Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as opened:
        yield opened


@pytest.fixture
def opening(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """`opening(data, width=360)` → the report, loaded from a file; whatever it complains of fails the test."""
    yield from _opening(browser, tmp_path)


@pytest.fixture(scope="module")
def drawn(browser: Browser, tmp_path_factory: pytest.TempPathFactory, ordinary: ReportData) -> Iterator[Opened]:
    """The ordinary report with everything drawn, for tests that only look at it."""
    for open_it in _opening(browser, tmp_path_factory.mktemp("drawn")):
        report = open_it(ordinary)
        report.page.evaluate(DRAW_EVERYTHING)
        yield report


def _opening(browser: Browser, folder: Path) -> Iterator[Open]:
    opened: list[Opened] = []

    def open_it(
        data: ReportData, *, width: int = 1200, scheme: str = "light", at: str = "", locale: str = "en-US"
    ) -> Opened:
        path = folder / f"report-{len(opened)}.html"
        path.write_text(page(data), encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            locale=locale,
        )
        context.set_default_timeout(PATIENCE_S * 1000)
        made = Opened(context.new_page())
        made.page.on("console", lambda said: made.complaints.append(said.text))
        made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
        made.page.on("dialog", lambda dialog: made.complaints.append(f"dialog {dialog.message}"))
        made.page.on("request", lambda request: made.asked.append(request.url))
        made.page.goto(path.as_uri() + at)
        opened.append(made)
        return made

    yield open_it
    for shown in opened:
        assert shown.complaints == []
        assert [url for url in shown.asked if not url.startswith(("file://", "data:"))] == []
        assert len([url for url in shown.asked if url.startswith("file://")]) == 1
        shown.page.context.close()


@pytest.fixture(scope="module")
def ordinary() -> ReportData:
    """Two sites of some months, the first in two years and with missing days."""
    return report_of(
        site_report(days=31 + 120, first_day=date(2024, 12, 1), missing=tuple(range(60, 72))),
        site_report(site_id=1002, name="Juniper Ridge", days=40, first_day=date(2025, 2, 1)),
        without_history=("Old Barn",),
    )


def test_every_chart_has_marks_and_says_what_it_shows(drawn: Opened) -> None:
    """Nothing is empty, nothing is cut off, and each picture has a name and a sentence with its numbers."""
    for chart in CHARTS:
        drawn.has_marks(chart, 5)
        picture = drawn.page.get_by_role("img").locator(f"xpath=self::*[ancestor::section[@id='{chart}']]").first
        assert picture.get_attribute("aria-labelledby") == f"{chart}-title {chart}-summary"
        assert any(letter.isdigit() for letter in drawn.text(f"#{chart}-summary")), chart
    drawn.has_marks("hours", (120 - 12) * 24)
    assert drawn.text("#heading") == "Wattle House, 2025"
    assert "108 of 120 days" in drawn.text("#stored")
    assert "12 days without data are shaded" in drawn.text("#days-summary")
    assert "Old Barn" in drawn.text("#made")


def test_each_axis_has_its_unit(drawn: Opened) -> None:
    """A number without a unit is no number."""
    units = {
        "days": "kWh a day",
        "self-sufficiency": "%",
        "hours": "kW",
        "state-of-energy": "% of the battery's energy",
        "cars": "kWh a month",
        "outages": "hours without grid",
        "differences": "comparisons that disagree",
    }
    for chart, unit in units.items():
        assert any(unit in text for text in drawn.page.locator(f"#{chart} svg text").all_text_contents()), chart


def test_every_cause_is_explained_by_its_sentence(opening: Open) -> None:
    """The sentences that `wattlog reconcile` prints (tests/unit/wattlog/test_causes.py) are those on the page."""
    site = site_report(days=31)
    count = len(Cause)
    causes: Columns = {
        "year": [2025] * count,
        "cause": [cause.value for cause in Cause],
        "check_name": ["interval_vs_day"] * count,
        "differences": list(range(1, count + 1)),
        "largest": [1.0] * count,
    }
    report = opening(report_of(replace(site, causes=causes)))
    shown = report.text("#differences-summary")
    for cause, sentence in SENTENCES.items():
        assert f"{cause.value.replace('_', ' ')} ({sentence}): " in shown, cause


def test_tables_stand_beside_the_charts(drawn: Opened) -> None:
    """Who cannot see the chart opens the table; months stand beside Tesla's figures."""
    for chart in CHARTS:
        drawn.page.locator(f"#{chart} summary").click()
        expect(drawn.page.locator(f"#{chart} tbody tr").first, chart).to_be_attached()
    expect(drawn.page.locator("#days tbody tr")).to_have_count(120)
    expect(drawn.page.locator("#months tbody tr")).to_have_count(4)
    assert drawn.page.locator("#months thead th").all_inner_texts().count("Tesla") == 4


def test_site_and_year_are_chosen_by_keyboard(opening: Open, ordinary: ReportData) -> None:
    """Tab reaches each control in order, with a visible focus; the keys do what a click does."""
    report = opening(ordinary)
    report.page.keyboard.press("Tab")
    assert report.page.evaluate("document.activeElement.className") == "skip"
    report.page.keyboard.press("Enter")
    assert report.page.evaluate("document.activeElement.id") == "content"
    report.page.locator("#site").focus()
    reached = []
    for _ in range(5):
        reached.append(report.page.evaluate("document.activeElement.id"))
        assert report.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        report.page.keyboard.press("Tab")
    assert reached == ["site", "earlier", "year", "theme", "patterns"]
    report.page.locator("#earlier").focus()
    report.page.keyboard.press("Enter")
    expect(report.page.locator("#heading")).to_have_text("Wattle House, 2024")
    report.page.locator("#site").focus()
    report.page.keyboard.press("ArrowDown")
    expect(report.page.locator("#heading")).to_have_text("Juniper Ridge, 2025")
    expect(report.page.locator("#earlier")).to_be_disabled()
    assert report.page.evaluate("location.hash") == "#1002/2025"


def test_address_opens_a_site_and_a_year(opening: Open, ordinary: ReportData) -> None:
    """A link to a site's year is a link to a site's year, and a wrong one to the first."""
    assert opening(ordinary, at="#1001/2024").text("#heading") == "Wattle House, 2024"
    assert opening(ordinary, at="#77/1999").text("#heading") == "Wattle House, 2025"


def test_themes_follow_the_system_and_the_button(opening: Open, ordinary: ReportData) -> None:
    """Dark where the system is, until the button changes it; charts change with the page."""
    report = opening(ordinary, scheme="dark")
    page, dark, light = (
        report.page.locator(selector) for selector in ("html", _filled(DARK_SOLAR), _filled(LIGHT_SOLAR))
    )
    expect(page).to_have_attribute("data-theme", "dark")
    expect(dark.first).to_be_attached()
    report.page.locator("#theme").click()
    expect(page).to_have_attribute("data-theme", "light")
    report.page.emulate_media(color_scheme="light")
    report.page.emulate_media(color_scheme="dark")
    expect(light.first).to_be_attached()
    expect(dark).to_have_count(0)
    expect(page).to_have_attribute("data-theme", "light")


def _filled(colour: str) -> str:
    """Selects the bars of days that have a colour."""
    return f"#days svg path[fill='{colour}']"


def test_patterns_distinguish_colours(opening: Open, ordinary: ReportData) -> None:
    """Decals on request, off before."""
    report = opening(ordinary)
    report.has_marks("days", 120)
    expect(report.page.locator("#days svg pattern")).to_have_count(0)
    report.page.locator("#patterns").click()
    expect(report.page.locator("#days svg pattern").nth(1)).to_be_attached()
    expect(report.page.locator("#patterns")).to_have_attribute("aria-pressed", "true")


def test_phone_shows_all_without_sideways_scrolling(opening: Open, ordinary: ReportData) -> None:
    """360 pixels: no part of the page is wider, tables scroll inside themselves."""
    report = opening(ordinary, width=360)
    report.page.evaluate(DRAW_EVERYTHING)
    assert report.page.evaluate("document.documentElement.scrollWidth") == 360
    for chart in CHARTS:
        report.has_marks(chart, 5)
        drawn = report.page.locator(f"#{chart} svg").first
        assert drawn.evaluate("svg => svg.getBoundingClientRect().right") <= 360, chart


def test_paper_is_light_has_everything_and_nothing_to_press(opening: Open, ordinary: ReportData) -> None:
    """Printing draws charts that were never scrolled to, in the width of the paper, in light colours; then all is as before."""
    report = opening(ordinary, scheme="dark")
    report.page.emulate_media(media="print")
    report.page.wait_for_selector("html[data-theme=light]")
    expect(report.page.locator(".bar")).to_be_hidden()
    expect(report.page.locator("details").first).to_be_hidden()
    for chart in CHARTS:
        report.has_marks(chart, 5)
        expect(report.page.locator(f"#{chart} svg").first, chart).to_have_attribute("width", "660")
    assert report.page.pdf(format="A4", prefer_css_page_size=True).startswith(b"%PDF")
    report.page.emulate_media(media="screen")
    report.page.wait_for_selector("html[data-theme=dark]")
    expect(report.page.locator("#days svg").first).not_to_have_attribute("width", "660")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(opening: Open, name: str) -> None:
    """A site may be called anything: it is shown as it is, and runs nothing."""
    report = opening(report_of(site_report(name=name, days=3), without_history=(name,)))
    report.page.evaluate(DRAW_EVERYTHING)
    assert report.page.locator("#heading").text_content() == f"{name}, 2025"
    assert report.page.locator("#site option").text_content() == name
    assert name in (report.page.locator("#made").text_content() or "")
    assert report.page.locator("img").count() == 0


def test_policy_stops_what_is_not_ours(opening: Open, ordinary: ReportData) -> None:
    """Even a script that got in would not run, and could not call home."""
    report = opening(ordinary)
    report.page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "globalThis.broken = true";
          document.body.append(script);
          const image = new Image();
          image.src = "https://example.com/pixel";
          document.body.append(image);
        }"""
    )
    deadline = time.monotonic() + PATIENCE_S
    while len(report.complaints) < 2:
        assert time.monotonic() < deadline, report.complaints
        report.page.wait_for_timeout(20)  # wait in the browser, during which its messages arrive
    assert report.page.evaluate("globalThis.broken") is None
    assert len(report.complaints) == 2
    assert all("Content Security Policy" in complaint for complaint in report.complaints)
    report.complaints.clear()
    report.asked[:] = [url for url in report.asked if "example.com" not in url]


def test_without_battery_and_grid_meter_nothing_is_made_up(opening: Open) -> None:
    """Home unknown (Q43): no flow and no zero is drawn, and the page gives the reason."""
    site = site_report(days=50, has_battery=False, has_home_energy=False, wall_connectors=0, has_differences=False)
    report = opening(report_of(site))
    report.page.evaluate(DRAW_EVERYTHING)
    report.has_marks("days", 50)
    for chart in ("flows", "self-sufficiency", "state-of-energy", "cars", "outages", "differences"):
        expect(report.page.locator(f"#{chart} .chart"), chart).to_be_hidden()
        assert report.text(f"#{chart}-summary"), chart
    assert "is not known" in report.text("#flows-summary")
    tiles = dict(
        zip(
            report.page.locator("#tiles dt").all_inner_texts(),
            (text.split("\n")[0] for text in report.page.locator("#tiles dd").all_inner_texts()),
            strict=True,
        )
    )
    assert tiles["Home"] == tiles["From the grid"] == tiles["To the grid"] == "not known"
    assert report.page.locator("#hours select option").all_inner_texts() == ["solar"]


def test_dates_and_numbers_are_as_the_browsers_language_writes_them(opening: Open, ordinary: ReportData) -> None:
    """German: day before month, a comma, and a month's German name; the text stays English."""
    report = opening(ordinary, locale="de-DE", at="#1001/2025")
    assert "1. Januar 2025 to" in report.text("#stored")
    assert re.search(r"^\d{1,3}(\.\d{3})*,\d kWh|^\d{1,3}(\.\d{3})* kWh", report.text("#tiles dd"))
    report.page.evaluate(DRAW_EVERYTHING)
    assert any(text.startswith("Mär") for text in report.page.locator("#days .chart svg text").all_text_contents())


def test_one_day_is_a_report(opening: Open) -> None:
    """The first day of a new site: every chart that has something draws it."""
    report = opening(report_of(site_report(days=1)))
    report.page.evaluate(DRAW_EVERYTHING)
    report.has_marks("hours", 24)
    assert report.text("#stored") == "1 day, January 1, 2025 to January 1, 2025; none is missing."
    for chart in CHARTS:
        report.has_marks(chart, 1)


def test_year_of_nothing_but_holes_says_so(opening: Open) -> None:
    """A year in the middle without data is not a year of zeros."""
    site = site_report(first_day=date(2023, 12, 30), days=2 + 366 + 2, missing=tuple(range(2, 368)))
    report = opening(report_of(site), at="#1001/2024")
    report.page.evaluate(DRAW_EVERYTHING)
    assert "0 of 366 days" in report.text("#stored")
    assert report.text("#days-summary") == "No energy is known in this year."
    report.has_marks("coverage", 366)
    assert report.text("#tiles").count("not known") >= 5


def test_empty_account_says_what_to_do(opening: Open) -> None:
    """No site has a day yet."""
    report = opening(report_of(without_history=("Old Barn",)))
    assert "wattlog backfill" in report.text("main")
    assert report.page.locator("section").count() == 0


def test_choices_of_a_chart_change_it(opening: Open, ordinary: ReportData) -> None:
    """A month alone has its days; each measure has its own heat map."""
    report = opening(ordinary)
    report.page.locator("#days select").nth(1).select_option(label="March")
    report.page.locator("#days summary").click()
    expect(report.page.locator("#days tbody tr")).to_have_count(31)
    expect(report.page.locator("#days select").first.locator("option")).to_have_count(4)
    report.page.locator("#hours").scroll_into_view_if_needed()
    before = report.text("#hours-summary")
    report.page.locator("#hours select").select_option("soe")
    expect(report.page.locator("#hours-summary")).not_to_have_text(before)
    expect(report.page.locator("#hours svg text").last).to_have_text(PERCENT)


def test_ten_years_of_two_sites_stay_small(opening: Open) -> None:
    """Below eight megabytes, and there when opened; how soon is measured by `make bench`."""
    data = ten_years_of_two_sites()
    assert len(page(data).encode()) < 8_000_000
    report = opening(data)
    assert report.text("#heading") == "Wattle House, 2025"
    assert report.page.locator("#year option").count() == 10
    report.page.evaluate(DRAW_EVERYTHING)
    report.has_marks("hours", 365 * 24)
    assert json.loads(report.page.locator("#data").text_content() or "")["sites"][1]["site_id"] == "1002"


def test_costs_are_shown_with_what_is_not_known_about_them(opening: Open) -> None:
    """Bounds where there are bounds, what is assumed, and before the alternatives how far they can be relied on."""
    report = opening(report_of(site_report(days=120, has_costs=True)), at="#1001/2025")
    assert "To pay" in report.text("#tiles")
    assert "120.75 AUD" in report.text("#tiles")
    assert "3 of 4 bills, tariff assumed" in report.text("#tiles")
    assert "3 bills of 4: 120.75 AUD" in report.text("#bills-summary")
    assert "One is priced by a tariff that was not in force then" in report.text("#bills-summary")
    assert "40.25 to 44.75" in report.text("#bills table")
    assert "Of 48.00 AUD for imports 6.00 AUD charged the battery, 6.00 AUD charged cars." in report.text(
        "#cost-labels-summary"
    )
    assert "the rules do NOT meet what was observed" in report.text("#what-if-summary")
    assert "Flat <b>plan</b>, 310.50 AUD a year" in report.text("#what-if-summary")
    assert "Flat <b>plan</b>" in report.text("#what-if table")


def test_bounds_of_a_bill_that_meet_are_its_amount(opening: Open) -> None:
    site = site_report(days=120, has_costs=True)
    met: Columns = {**site.bills, "net_cost_high": [44.75] * 4, "net_cost_low": [44.75] * 4}
    report = opening(report_of(replace(site, bills=met)), at="#1001/2025")
    assert "44.75" in report.text("#bills table")
    assert "44.75 to" not in report.text("#bills table")


def test_the_report_says_that_home_use_includes_the_wall_connectors(drawn: Opened) -> None:
    """Q119: the app shows the home without them."""
    assert "Home use includes what the wall connectors give" in drawn.text("#cars-summary")


def test_public_charging_is_shown_by_month_where_there_is_any(opening: Open, drawn: Opened) -> None:
    """A session priced by time has no energy; a year without sessions has no section."""
    charged: Columns = {
        "month": ["2024-12", "2025-02", "2025-03"],
        "vehicle": ["vin-000009", "vin-000001", None],
        "currency": ["EUR", "EUR", "EUR"],
        "sessions": [9, 3, 1],
        "energy": [99.0, 61.5, None],
        "measured": [9, 2, 0],
        "cost": [99.0, 28.25, 10.0],
    }
    report = opening(report_of(site_report(), public_charging=charged), at="#1001/2025")
    summary = report.text("#public-charging-summary")
    assert "charged 61.5 kWh in 4 sessions away from home for 38.25 EUR. 2 sessions" in summary
    rows = report.text("#public-charging table")
    assert "2 by time" not in rows
    assert "3, 1 by time" in rows
    assert "unknown" in rows
    assert "vin-000009" not in rows
    expect(drawn.page.locator("#public-charging")).to_be_hidden()


def test_without_a_tariff_one_sentence_says_what_to_do(drawn: Opened) -> None:
    assert "import a tariff with wattlog tariff import" in drawn.text("#bills-summary")
    assert "To pay" not in drawn.text("#tiles")
    for section in ("#cost-labels", "#what-if"):
        expect(drawn.page.locator(section)).to_be_hidden()
