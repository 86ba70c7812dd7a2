"""The files for unattended runs agree with the code: `prefect.yaml`, systemd units, cron line, image, docs/OPERATIONS.md."""

import configparser
import re
from pathlib import Path
from typing import Any

import pytest
import typer.main
from ruamel.yaml import YAML

from flows.cli.app import app
from flows.errors import ExitCode
from flows.orchestration import prefect_yaml
from flows.orchestration.deployments import DEPLOYMENTS, QUEUE, Deployment, job_variables
from flows.settings import Settings

ROOT = Path(__file__).parents[4]
SYNC = next(deployment for deployment in DEPLOYMENTS if deployment.name == "sync")
PAGE = (ROOT / "docs/OPERATIONS.md").read_text(encoding="utf-8")


def declared() -> dict[str, Any]:
    """The deployments of `prefect.yaml` by name, anchors followed."""
    with (ROOT / "prefect.yaml").open(encoding="utf-8") as file:
        return {entry["name"]: entry for entry in YAML(typ="safe").load(file)["deployments"]}


def test_prefect_yaml_is_current() -> None:
    assert (ROOT / "prefect.yaml").read_text(encoding="utf-8") == prefect_yaml.text(), "run `make prefect-yaml`"
    assert declared().keys() == {deployment.name for deployment in DEPLOYMENTS}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment.name)
def test_prefect_reads_each_deployment_as_it_is_declared(deployment: Deployment) -> None:
    found = declared()[deployment.name]
    assert found["entrypoint"] == deployment.entrypoint
    assert found["description"] == deployment.description
    assert found["tags"] == deployment.tags
    assert [schedule["cron"] for schedule in found.get("schedules", [])] == [deployment.cron] * (
        deployment.cron is not None
    )
    assert all("/" in schedule["timezone"] for schedule in found.get("schedules", []))
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
        assert all((ROOT / path).exists() for path in source.split()), source
    assert set(re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE)) == {
        "flows",
        "extract",
        "transform",
        "warehouse",
        "wattlog",
    }
    assert '"wattlog", "sync"' in dockerfile


def test_the_image_can_be_pinned_and_is_not_root() -> None:
    """Every stage begins with the image of the argument, and the last user is one by number, other than 0."""
    dockerfile = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${BASE_IMAGE}"}
    assert int(re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE)[-1]) > 0
    assert dockerfile.rindex("USER ") > dockerfile.rindex("RUN "), "nothing runs as root afterwards"


def test_only_what_the_image_needs_is_sent_to_the_builder() -> None:
    """`.dockerignore` leaves everything out, data and `.env` too, but for what is copied."""
    dockerfile = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
    first, *rest = [
        line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"
    ]
    assert first == "*"
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    assert {line[1:] for line in rest if line[0] == "!"} == {path for source in copied for path in source.split()}


def test_the_page_names_commands_and_options_that_exist() -> None:
    group = typer.main.get_group(app)
    named = re.findall(r"(?:^|`|bin/)wattlog ([a-z-]+)((?: --?[a-z-]+(?: \S+)?)*)", PAGE, re.MULTILINE)
    assert {command for command, _ in named} >= {"sync", "deploy", "rebuild", "verify", "login", "sites", "gaps"}
    for command, rest in named:
        known = {option for parameter in group.commands[command].params for option in parameter.opts}
        assert set(re.findall(r"(--[a-z-]+)", rest)) <= known, command


def test_the_page_names_settings_deployments_and_exit_codes_that_exist() -> None:
    settings = {f"WATTLOG_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"WATTLOG_[A-Z_]*[A-Z]", PAGE)) <= settings
    assert set(re.findall(r"^\| `([a-z_-]+/[a-z-]+)` \|", PAGE, re.MULTILINE)) == {
        deployment.full_name for deployment in DEPLOYMENTS
    }
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)} == set(ExitCode)
    for path in re.findall(r"`?(deploy/[\w./-]+\w)", PAGE):
        assert (ROOT / path).exists() or path.endswith("wattlog-sync"), path
