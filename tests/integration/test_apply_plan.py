"""`wattlog apply-plan`: what the plan says for today is set once, and then left alone."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from extract.simulator import CommandBehaviour, Rule, SiteSpec, Where
from extract.simulator.faults.plan import MISSING_SCOPES, SUBSCRIPTION_REQUIRED, ErrorResponse
from tests.set_shell import SITE, AtCommand, Shell, shell, world

OTHER = 7

PLAN = """
[[plan]]
setting = "reserve"
value = 40

[[plan]]
setting = "mode"
value = "time-based"
site = 7
"""


def apply(here: Shell, *options: str) -> tuple[int, list[dict[str, Any]]]:
    done = here.run("apply-plan", "--json", *options)
    return done.returncode, json.loads(done.stdout)


def states(here: Shell, *options: str) -> tuple[int, dict[tuple[int, str], str]]:
    code, steps = apply(here, *options)
    return code, {(step["site_id"], step["name"]): step["state"] for step in steps}


def test_a_plan_is_shown_applied_and_then_left_alone(tmp_path: Path) -> None:
    (tmp_path / "wattlog.toml").write_text(PLAN)
    keys = [(OTHER, "reserve"), (OTHER, "mode"), (SITE, "reserve")]
    with shell(tmp_path, world(SiteSpec(site_id=OTHER))) as here:
        assert states(here) == (0, dict.fromkeys(keys, "to be sent"))
        assert here.posts() == [], "without --no-dry-run nothing is sent"
        assert states(here, "--no-dry-run") == (0, dict.fromkeys(keys, "applied"))
        assert len(here.posts()) == 3
        assert states(here, "--no-dry-run") == (0, dict.fromkeys(keys, "set already"))
        assert len(here.posts()) == 3
        assert len({row["command_id"] for row in here.history()}) == 3
        assert "Plan for today" in here.run("apply-plan").stdout


def test_a_change_that_cannot_be_confirmed_is_sent_once(tmp_path: Path) -> None:
    """Q54: the flag is absent before and after."""
    (tmp_path / "wattlog.toml").write_text('[[plan]]\nsetting = "grid-charging"\nvalue = "on"\n')
    with shell(tmp_path) as here:
        assert states(here, "--no-dry-run") == (7, {(SITE, "grid-charging"): "accepted_absent"})
        assert states(here, "--no-dry-run") == (0, {(SITE, "grid-charging"): "not confirmed before"})
        assert len(here.posts()) == 1


def test_a_change_that_was_not_applied_is_tried_again_by_the_next_run_alone(tmp_path: Path) -> None:
    (tmp_path / "wattlog.toml").write_text(PLAN)
    with shell(tmp_path, behaviour=CommandBehaviour(is_applied=False)) as here:
        for runs in (1, 2):
            assert states(here, "--no-dry-run") == (7, {(SITE, "reserve"): "accepted_unconfirmed"})
            assert len(here.posts()) == runs


def test_what_is_advised_against_is_refused_and_the_rest_is_done(tmp_path: Path) -> None:
    (tmp_path / "wattlog.toml").write_text(PLAN.replace("40", "90").replace("site = 7", ""))
    with shell(tmp_path) as here:
        assert states(here, "--no-dry-run") == (1, {(SITE, "reserve"): "refused", (SITE, "mode"): "applied"})
        assert len(here.posts()) == 1


def test_without_a_plan_or_with_a_wrong_one_nothing_is_done(tmp_path: Path) -> None:
    with shell(tmp_path) as here:
        none = here.run("apply-plan", "--no-dry-run")
        assert (none.returncode, "there is no plan" in none.stderr) == (2, True)
        (tmp_path / "wattlog.toml").write_text(PLAN.replace("reserve", "warp"))
        wrong = here.run("apply-plan", "--no-dry-run")
        assert (wrong.returncode, "WATTLOG_PLAN: setting 'warp' cannot be planned" in wrong.stderr) == (2, True)
        assert here.server.requests == []


@pytest.mark.parametrize("fault", [SUBSCRIPTION_REQUIRED, MISSING_SCOPES], ids=lambda fault: fault.status)
def test_what_every_change_would_meet_ends_the_plan(tmp_path: Path, fault: ErrorResponse) -> None:
    """402 and 403: no further change is sent, and the steps that are done keep their record."""
    (tmp_path / "wattlog.toml").write_text(PLAN)
    rule = Rule(fault, Where(path=f"/{OTHER}/operation"))
    with shell(tmp_path, world(SiteSpec(site_id=OTHER)), rule) as here:
        assert states(here, "--no-dry-run") == (
            4,
            {(OTHER, "reserve"): "applied", (OTHER, "mode"): "rejected", (SITE, "reserve"): "not sent"},
        )
        assert len(here.posts()) == 2


def test_an_error_of_a_later_preview_keeps_the_record_of_what_was_done(tmp_path: Path) -> None:
    (tmp_path / "wattlog.toml").write_text(PLAN)
    rule = Rule(SUBSCRIPTION_REQUIRED, Where(path=f"/{SITE}/site_info"), first=2)
    with shell(tmp_path, world(SiteSpec(site_id=OTHER)), rule) as here:
        assert states(here, "--no-dry-run") == (
            4,
            {(OTHER, "reserve"): "applied", (OTHER, "mode"): "applied", (SITE, "reserve"): "failed"},
        )
        assert here.run("apply-plan", "--no-dry-run").returncode == 4
        assert len(here.posts()) == 2


def test_an_interrupted_plan_says_what_it_did_not_send(tmp_path: Path) -> None:
    (tmp_path / "wattlog.toml").write_text(PLAN)
    plan = AtCommand(do=lambda: os.kill(os.getpid(), signal.SIGINT))
    with shell(tmp_path, world(SiteSpec(site_id=OTHER)), plan=plan) as here:
        code, found = states(here, "--no-dry-run")
        assert code == 130
        assert [found[OTHER, "mode"], found[SITE, "reserve"]] == ["not sent", "not sent"]
        assert len(here.posts()) == 1


def test_a_flag_that_the_site_reports_is_not_sent_again_where_it_is_absent(tmp_path: Path) -> None:
    """Q54: once it was there, absent means that charging from the grid is allowed."""
    (tmp_path / "wattlog.toml").write_text('[[plan]]\nsetting = "grid-charging"\nvalue = "on"\n')
    with shell(tmp_path) as here:
        here.set("grid-charging", "off")
        assert states(here, "--no-dry-run") == (0, {(SITE, "grid-charging"): "applied"})
        assert states(here, "--no-dry-run") == (0, {(SITE, "grid-charging"): "set already"})
        assert len(here.posts()) == 2
