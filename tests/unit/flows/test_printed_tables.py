"""Tables of which the commands in test_terminal have no row: problems of verify, many causes, deployments."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from rich.cells import cell_len
from rich.table import Table

from flows.cli.tables.costs import CostRows, Grain, print_costs
from flows.cli.tables.problems import print_problems
from flows.console import print_commands, print_pairs, print_sentences, print_table
from flows.verification import Problem

WHAT = "1,204 rows violate this: the flows into a site equal those out of it, within a watt-hour an interval"
ROW = {"site_id": 1689453203487921, "interval_start": "2025-03-30T01:55:00+00:00", "note": "\x1b[2J\nwattlog: forged"}


@pytest.fixture(params=[80, 120])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("flows.console.terminal_width", lambda: request.param)
    found: int = request.param
    return found


def _lines(capsys: pytest.CaptureFixture[str], width: int) -> list[str]:
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if cell_len(line) > width] == []
    return lines


def test_problems_of_verify_fit(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    found = [
        Problem("raw", "site_id=1689453203487921/segment-2025-03.zst", "the checksum of 3 answers differs"),
        Problem("warehouse", "flow_identity", WHAT, (ROW, ROW)),
    ]
    print_problems(found, as_json=False)
    lines = _lines(capsys, width)
    assert lines[0] == "Problems"
    assert not any(line.startswith("wattlog") for line in lines)
    assert any(r"\x1b[2J\nwattlog:" in line for line in lines)


def test_many_causes_go_below_their_check(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("check", "of", title="[bold]Juniper[/bold] \x1b[2JRidge (1689453203487921)")
    for verdict in ("agree", "differ", "missing", "skipped"):
        table.add_column(verdict, justify="right")
    table.add_column("causes")
    causes = ", ".join(
        f"{cause} 12,345" for cause in ("missing_intervals", "sensor_inversion", "dropped_day", "unit_mismatch")
    )
    table.add_row("day_vs_month_series", "days", *["12,345"] * 4, causes)
    print_table(table)
    lines = _lines(capsys, width)
    assert lines[0] == r"[bold]Juniper[/bold] \x1b[2JRidge (1689453203487921)"
    assert "".join(lines).count("12,345") == 8


def test_pairs_and_sentences_fit(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    print_pairs([("warehouse", "/a/directory/of/a/very/long/name" * 5), ("lake", "x" * 200)])
    print_sentences([WHAT * 2])
    assert len(_lines(capsys, width)) > 6


def test_commands_go_on_as_a_shell_reads_them(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    query = "select local_date, solar_kwh, home_kwh from analytics.daily limit 5"
    print_commands("next", [["wattlog", "--data-dir", "/some/where/else/than/here", "sql", query]])
    first, second, *_ = _lines(capsys, width)
    assert first == "next  wattlog --data-dir /some/where/else/than/here sql \\"
    assert second.strip() == f"'{query}'"


def test_bills_give_what_is_not_known_exactly(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    bill: dict[str, Any] = dict.fromkeys(
        ("import_cost", "export_credit", "fixed_charges", "demand_charges", "credit_used", "tax", "saved_by_both"),
        Decimal("1234.5"),
    )
    bill |= {"site_id": 77, "site_name": "Ridge", "currency": "USD", "tariff_basis": "in_force", "credit_carried": None}
    bill |= {"cycle_start": date(2025, 1, 1), "cycle_end": date(2025, 1, 31), "days": 31, "priced_days": 31}
    bill |= {"bounded_days": 0, "missing_days": 0, "credit_carried_kwh": None, "is_credit_known": False}
    least = {"net_cost": None, "net_cost_low": Decimal("38.125"), "net_cost_high": None, "is_demand_lower_bound": True}
    exact = {**dict.fromkeys(("net_cost", "net_cost_low", "net_cost_high"), Decimal(7)), "is_demand_lower_bound": False}
    print_costs(CostRows(Grain.CYCLE, [bill | least, bill | exact], []))
    captured = capsys.readouterr()
    assert "two amounts" not in captured.err
    assert "no amount" not in captured.err
    assert [line for line in captured.out.splitlines() if cell_len(line) > width] == []
    assert "at least 38.12" in " ".join(captured.out.split())
    assert "at least: in 1 of 2 cycles some time with a demand charge is not stored" in captured.err
    assert "credits: 2 of 2 cycles are not known exactly, or follow one that is not" in captured.err
    nothing = dict.fromkeys(("net_cost", "net_cost_low", "net_cost_high"))
    print_costs(CostRows(Grain.CYCLE, [bill | exact | nothing | {"bounded_days": 1}], []))
    text = capsys.readouterr().err
    assert "no amount: 1 of 1 cycles have days of which only the sum of the energy is known" in text
    assert "two amounts" not in text
    between = {"net_cost": None, "net_cost_low": Decimal(1), "net_cost_high": Decimal(2), "bounded_days": 1}
    print_costs(CostRows(Grain.CYCLE, [bill | exact | between], []))
    text = capsys.readouterr().err
    assert "two amounts" in text
    assert "no amount" not in text
    meet = {"net_cost": None, "net_cost_low": Decimal(2), "net_cost_high": Decimal(2), "bounded_days": 1}
    print_costs(CostRows(Grain.CYCLE, [bill | exact | meet], []))
    assert " 2.00 " in " ".join(capsys.readouterr().out.split()), "bounds that meet are the amount"


def test_a_narrow_terminal_shows_what_is_to_pay_first(capsys: pytest.CaptureFixture[str], width: int) -> None:
    """Columns of zeros are left out, and the currency is in the title; with two currencies it is a column."""
    bill: dict[str, Any] = dict.fromkeys(("demand_charges", "credit_used", "tax", "credit_carried"), Decimal(0))
    bill |= dict.fromkeys(("import_cost", "export_credit", "fixed_charges", "saved_by_both"), Decimal(5))
    bill |= dict.fromkeys(("net_cost", "net_cost_low", "net_cost_high"), Decimal("41.5"))
    bill |= {"site_id": 77, "site_name": "Ridge", "tariff_basis": "in_force", "days": 31, "priced_days": 31}
    bill |= {"bounded_days": 0, "missing_days": 0, "credit_carried_kwh": None, "is_credit_known": True}
    bill |= {"cycle_start": date(2025, 1, 1), "cycle_end": date(2025, 1, 31), "is_demand_lower_bound": False}
    print_costs(CostRows(Grain.CYCLE, [bill | {"currency": "USD"}] * 24, []))
    lines = _lines(capsys, width)
    assert lines[0] == "Bills, Ridge, by billing cycle, in USD"
    heading = " ".join(" ".join(lines[1:3]).split())
    assert "to pay" in heading
    assert not [name for name in ("tax", "demand", "used", "currency", "basis") if name in heading]
    print_costs(CostRows(Grain.CYCLE, [bill | {"currency": currency} for currency in ("USD", "AUD")], []))
    text = "\n".join(_lines(capsys, width))
    assert "AUD" in text
    assert "in USD" not in text


def test_a_month_has_the_cost_of_a_day_whose_bounds_meet(capsys: pytest.CaptureFixture[str], width: int) -> None:
    """20 are those of exact days; the day of which only the sum is known cost 3, whatever the time it flowed at."""
    month: dict[str, Any] = {
        "site_id": 77,
        "site_name": "Ridge",
        "currency": "USD",
        "tariff_basis": "in_force",
        "month": date(2025, 1, 1),
        "days": 31,
        "priced_days": 30,
        "bounded_days": 1,
        "grid_import_kwh": 100.0,
        "grid_export_kwh": 0.0,
        "import_cost": Decimal(20),
        "import_cost_low": Decimal(23),
        "import_cost_high": Decimal(23),
        "energy_cost": Decimal(20),
    }
    month |= dict.fromkeys(("export_credit", "export_credit_low", "export_credit_high"), Decimal(0))
    month |= dict.fromkeys(("daily_charges", "saved_by_solar", "saved_by_battery", "saved_by_both"), Decimal(1))
    print_costs(CostRows(Grain.MONTH, [month] * 20, []))
    captured = capsys.readouterr()
    assert "23.00" in captured.out
    assert "20.00" not in captured.out
    assert "savings: 20 of 20 months have time of which no intervals are stored" in captured.err
