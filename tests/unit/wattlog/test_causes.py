"""One sentence for each cause, the same on the command line, in Markdown and in the report."""

import re
from datetime import date, timedelta
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest

from flows.cli.tables.differences import print_differences
from flows.differences import SiteDifferences, as_dict, as_markdown, differences_of
from tests.synthetic_report import report_of, site_report
from tests.unit.transform.answers import BATTERY_SITE
from transform.frames import table_frame
from transform.time import date_column
from warehouse.report import page
from warehouse.report.page import SCRIPTS, asset
from wattlog.causes import SENTENCES, Cause

DAY = date(2025, 6, 10)
DAY_OF = {cause: DAY + timedelta(days=number) for number, cause in enumerate(Cause)}


def differences_of_every_cause() -> SiteDifferences:
    """One day for each cause, in which intervals and the month series differ."""
    days = np.array(list(DAY_OF.values()), dtype="datetime64[D]")
    facts: dict[str, Any] = {
        "site_id": 101,
        "check_name": "interval_vs_day",
        "granularity": "day",
        "measure": "solar_energy_exported_wh",
        "left_source": "energy_intervals",
        "left_wh": 21_000.0,
        "right_source": "calendar_history/month",
        "right_wh": 20_000.0,
        "difference_wh": 1_000.0,
        "tolerance_wh": 288.0,
        "verdict": "differs",
    }
    columns = {name: pd.Series([value] * len(days)) for name, value in facts.items()}
    causes = pd.Series([cause.value for cause in Cause])
    rows = table_frame("reconciliation", {**columns, "period_start": date_column(days), "cause": causes})
    return differences_of(BATTERY_SITE, rows)


def sentences_of_the_report() -> dict[str, str]:
    """Cause → sentence, from the data block of a rendered page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page(report_of(site_report(days=1))))
    assert found is not None
    sentences: dict[str, str] = orjson.loads(found[1])["cause_sentences"]
    return sentences


def test_every_cause_has_a_sentence_of_its_own() -> None:
    assert set(SENTENCES) == set(Cause)
    assert len(set(SENTENCES.values())) == len(Cause)


@pytest.mark.parametrize("cause", Cause)
def test_the_report_and_the_command_line_give_the_same_sentence(
    cause: Cause, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Table of `wattlog reconcile`, its `--json`, the Markdown of an artifact, the page of the report."""
    monkeypatch.setenv("COLUMNS", "300")
    explained = sentences_of_the_report()[cause]
    found = differences_of_every_cause()
    (row,) = (row for row in as_dict(found)["differences"] if row["cause"] == cause)
    of_day = rf"{DAY_OF[cause]}: the intervals give .*\): {re.escape(explained)}"
    assert re.match(of_day, row["in_words"])
    assert any(re.match(of_day, sentence) for sentence in found.sentences(most=None))
    shown = SiteDifferences(found.site, found.checks, found.differences[found.differences["cause"] == cause])
    assert explained in as_markdown([shown]).replace("\\", "")
    print_differences([shown])
    assert explained in capsys.readouterr().out


def test_no_script_of_the_report_has_a_sentence_or_a_name_of_a_cause() -> None:
    """They are data of the page: a new cause needs no change in JavaScript."""
    ours = [asset(script) for script in SCRIPTS if script != "echarts.min.js"]
    for cause, sentence in SENTENCES.items():
        assert not [script for script in ours if sentence in script or re.search(rf"\b{cause.value}\s*:", script)], (
            cause
        )
