"""`wattlog set tariff`: a tariff is replaced, and the one before is put back."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from extract.simulator import CommandBehaviour, Refusal, Rule, SettingsChange, Where
from extract.simulator.endpoints.tariff import first_form
from extract.simulator.faults.plan import ErrorResponse
from extract.simulator.site import ABSENT
from tests.set_shell import shell, world
from transform.tariffs.comparison import has_same_prices
from wattlog.api_json import checksum


def tariff(**prices: float) -> dict[str, Any]:
    hours = {"DAY": (6, 22), "NIGHT": (22, 6)}
    periods = {
        name: {"periods": [{"fromDayOfWeek": 0, "toDayOfWeek": 6, "fromHour": first, "toHour": last}]}
        for name, (first, last) in hours.items()
    }
    season = {"fromMonth": 1, "fromDay": 1, "toMonth": 12, "toDay": 31, "tou_periods": periods}
    return {"code": "T", "currency": "USD", "energy_charges": {"Year": {"rates": prices}}, "seasons": {"Year": season}}


def test_a_tariff_is_replaced_and_put_back(tmp_path: Path) -> None:
    """Q131, Q136: compared by its prices, and the one before is saved in a file and in the archive."""
    (tmp_path / "new.json").write_text(json.dumps(tariff(DAY=0.4, NIGHT=0.0)))
    with shell(tmp_path) as here:
        row = here.set("tariff", "new.json")
        assert (row["outcome"], row["exit_code"]) == ("applied", 0)
        (saved,) = (tmp_path / "data" / "replaced-tariffs").iterdir()
        assert json.loads(saved.read_bytes())["code"] == "SIM-TOU-1"
        again = here.run("set", "tariff", "new.json", "--yes")
        assert (again.returncode, len(here.posts())) == (0, 1)
        restored = here.set("tariff", "--restore")
        assert (restored["outcome"], restored["value_before"]) == ("applied", row["value_after"])
        (_, _), (endpoint, body) = here.posts()
        assert (endpoint, body["tou_settings"].keys()) == ("time_of_use_settings", {"tariff_content_v2"})
        assert body["tou_settings"]["tariff_content_v2"]["code"] == "SIM-TOU-1"


def test_a_tariff_of_the_first_form_alone_is_saved_and_put_back(tmp_path: Path) -> None:
    """Q123: site_info has no `tariff_content_v2`, so `tariff_content` is replaced; it is put back in the second form."""
    (tmp_path / "new.json").write_text(json.dumps(tariff(DAY=0.4, NIGHT=0.0)))
    old = first_form(tariff(DAY=0.3, NIGHT=0.1) | {"code": "FIRST-FORM"})
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    only_first = SettingsChange(begin, (("tariff_content_v2", ABSENT), ("tariff_content", old)))
    with shell(tmp_path, world(settings_changes=(only_first,))) as here:
        row = here.set("tariff", "new.json")
        assert (row["outcome"], row["value_before"]) == ("applied", checksum(old))
        (saved,) = (tmp_path / "data" / "replaced-tariffs").iterdir()
        assert json.loads(saved.read_bytes()) == old
        assert here.set("tariff", "--restore")["outcome"] == "applied"
        back = here.posts()[-1][1]["tou_settings"]["tariff_content_v2"]
        assert back["code"] == "FIRST-FORM"
        assert has_same_prices(back, old)
        done = here.run("set", "tariff", str(saved), "--yes")
        assert (done.returncode, len(here.posts())) == (0, 2), "the saved file is the tariff that is set again"


def test_a_tariff_that_was_refused_has_replaced_nothing(tmp_path: Path) -> None:
    """What --restore puts back is the tariff before the last change that had an effect."""
    for name, price in (("new", 0.4), ("refused", 0.5)):
        (tmp_path / f"{name}.json").write_text(json.dumps(tariff(DAY=price, NIGHT=0.0)))
    refusal = Rule(ErrorResponse(400, "no"), Where(path="/time_of_use_settings"), first=2, last=2)
    with shell(tmp_path, None, refusal) as here:
        assert here.set("tariff", "new.json")["outcome"] == "applied"
        assert here.set("tariff", "refused.json")["outcome"] == "rejected"
        assert here.set("tariff", "--restore")["outcome"] == "applied"
        assert here.posts()[-1][1]["tou_settings"]["tariff_content_v2"]["code"] == "SIM-TOU-1"


def test_after_a_refused_tariff_alone_there_is_nothing_to_put_back(tmp_path: Path) -> None:
    (tmp_path / "new.json").write_text(json.dumps(tariff(DAY=0.4, NIGHT=0.0)))
    with shell(tmp_path, behaviour=CommandBehaviour(refusal=Refusal.CODE)) as here:
        assert here.set("tariff", "new.json")["outcome"] == "rejected"
        done = here.run("set", "tariff", "--restore", "--yes")
        assert (done.returncode, len(here.posts())) == (2, 1)
        assert "none can be put back" in done.stderr


def test_a_tariff_that_breaks_a_rule_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(json.dumps(tariff(DAY=0.4)))
    with shell(tmp_path) as here:
        done = here.run("set", "tariff", "bad.json", "--yes", "--force")
        assert (done.returncode, here.posts()) == (2, [])
        assert "breaks 1 rules" in done.stderr
