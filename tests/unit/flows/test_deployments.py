"""What is shipped for running unattended says what the code does: `prefect.yaml`, units, cron line, image, page."""

import configparser
import re
from pathlib import Path
from typing import Any

import pytest
import typer.main
from ruamel.yaml import YAML

from flows.cli.app import app
from flows.deployments import DEPLOYMENTS, QUEUE, Deployment, job_variables
from flows.errors import ExitCode
from flows.settings import Settings

ROOT = Path(__file__).parents[3]
SYNC = next(each for each in DEPLOYMENTS if each.name == "sync")
PAGE = (ROOT / "docs/OPERATIONS.md").read_text(encoding="utf-8")


def declared() -> dict[str, Any]:
    """The deployments of `prefect.yaml` by name, anchors followed."""
    with (ROOT / "prefect.yaml").open(encoding="utf-8") as file:
        return {each["name"]: each for each in YAML(typ="safe").load(file)["deployments"]}


def test_prefect_yaml_has_the_same_deployments() -> None:
    assert declared().keys() == {each.name for each in DEPLOYMENTS}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda each: each.name)
def test_prefect_yaml_says_the_same_of_each(deployment: Deployment) -> None:
    found = declared()[deployment.name]
    assert found["entrypoint"] == deployment.entrypoint
    assert found["description"] == deployment.description
    assert found["tags"] == deployment.tags
    assert [each["cron"] for each in found.get("schedules", [])] == [deployment.cron] * (deployment.cron is not None)
    assert all("/" in each["timezone"] for each in found.get("schedules", []))
    assert found["work_pool"]["work_queue_name"] == QUEUE
    assert found["work_pool"]["job_variables"] == job_variables(working_dir=None)


def test_sync_is_nightly_at_half_past_three_everywhere() -> None:
    assert SYNC.cron == "30 3 * * *"
    timer = _unit("wattlog-sync.timer")
    assert re.match(r"\*-\*-\* 03:30:00 \S+/\S+$", timer["Timer"]["OnCalendar"])
    cron = (ROOT / "deploy/wattlog.cron").read_text(encoding="utf-8")
    assert re.search(r"^30 3 \* \* \* wattlog ", cron, re.MULTILINE)


class UnitFile(configparser.ConfigParser):
    """systemd's keys have capitals."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def _unit(name: str) -> configparser.ConfigParser:
    parser = UnitFile(strict=False, interpolation=None)
    parser.read(ROOT / "deploy/systemd" / name, encoding="utf-8")
    return parser


def test_the_unit_runs_a_command_that_exists_and_writes_where_it_may() -> None:
    service = _unit("wattlog-sync.service")["Service"]
    assert service["ExecStart"].endswith("/wattlog sync")
    assert service["SuccessExitStatus"] == str(int(ExitCode.BUSY))
    assert service["ProtectSystem"] == "strict"
    text = (ROOT / "deploy/systemd/wattlog-sync.service").read_text(encoding="utf-8")
    written = re.findall(r"^Environment=WATTLOG_(?:DATA|CONFIG)_DIR=(\S+)", text, re.MULTILINE)
    assert len(written) == 2
    assert all(path.startswith(f"/var/lib/{service['StateDirectory']}/") for path in written)


def test_the_image_holds_every_package_and_runs_sync() -> None:
    dockerfile = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE):
        assert all((ROOT / each).exists() for each in source.split()), source
    assert set(re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE)) == {
        "flows",
        "extract",
        "transform",
        "warehouse",
    }
    assert '"wattlog", "sync"' in dockerfile


def test_the_page_names_commands_and_options_that_exist() -> None:
    group = typer.main.get_group(app)
    named = re.findall(r"(?:^|`|bin/)wattlog ([a-z]+)((?: --?[a-z-]+(?: \S+)?)*)", PAGE, re.MULTILINE)
    assert {command for command, _ in named} >= {"sync", "deploy", "rebuild", "verify", "login", "sites", "gaps"}
    for command, rest in named:
        known = {option for parameter in group.commands[command].params for option in parameter.opts}
        assert set(re.findall(r"(--[a-z-]+)", rest)) <= known, command


def test_the_page_names_settings_deployments_and_exit_codes_that_exist() -> None:
    settings = {f"WATTLOG_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"WATTLOG_[A-Z_]*[A-Z]", PAGE)) <= settings
    assert set(re.findall(r"^\| `([a-z]+/[a-z-]+)` \|", PAGE, re.MULTILINE)) == {each.full_name for each in DEPLOYMENTS}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)} == set(ExitCode)
    for path in re.findall(r"`?(deploy/[\w./-]+\w)", PAGE):
        assert (ROOT / path).exists() or path.endswith("wattlog-sync"), path
