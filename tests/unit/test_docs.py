"""What the pages say is what the code does."""

import ast
import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from flows.cli.app import app
from flows.errors import ExitCode
from flows.settings import Settings
from wattlog.providers import PROVIDERS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PACKAGES = ("flows", "extract", "transform", "warehouse", "wattlog")


def test_every_command_is_in_the_readme_and_every_one_there_exists() -> None:
    functions = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    commands = {name.replace("_", "-") for name in functions}
    commands |= {str(group.name) for group in app.registered_groups}
    table = README.split("## Commands")[1].split("## Settings")[0]
    named = set(re.findall(r"`(?:wattlog )?([a-z-]+)[ `]", table))
    assert commands <= named
    assert set(re.findall(r"`wattlog ([a-z][a-z-]*)", README)) <= commands


def test_every_setting_is_in_the_readme_and_every_one_there_exists() -> None:
    settings = {f"WATTLOG_{name.upper()}" for name in Settings.model_fields}
    assert settings == set(re.findall(r"WATTLOG_[A-Z_]*[A-Z]\b", README))


def test_every_provider_and_exit_code_is_in_the_readme() -> None:
    assert all(f"`{name}`" in README for name in PROVIDERS)
    table = README.split("| exit code |")[1].split("## Settings")[0]
    assert {int(code) for code in re.findall(r"^\| (\d) \|", table, re.MULTILINE)} == set(ExitCode) - {
        ExitCode.INTERRUPTED
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_has_a_short_page(package: str) -> None:
    assert len((ROOT / package / "README.md").read_text(encoding="utf-8").splitlines()) <= 40


def test_no_other_distribution_owns_our_names() -> None:
    """Flat packages are ours alone in this environment: no other distribution installs one of these names."""
    owners = packages_distributions()
    assert {package: set(owners.get(package, ["wattlog"])) for package in PACKAGES} == {
        package: {"wattlog"} for package in PACKAGES
    }


def test_the_lock_has_hashes_and_no_addresses() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert "index-url" not in lock
    for line in re.findall(r"^[A-Za-z0-9].*==.*$", lock, re.MULTILINE):
        assert line.endswith("\\"), f"{line} has no hash"


def test_the_pins_that_prefect_needs_stand_with_their_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    dependencies = tomllib.loads(text)["project"]["dependencies"]
    assert "fastapi>=0.139,<0.151" in dependencies
    assert "sqlalchemy[asyncio]>=2.0.40,<2.1" in dependencies
    assert "min_items" in text
    assert "bulk DML" in text


def test_deployments_point_at_flows_that_exist() -> None:
    entrypoints = re.findall(r"entrypoint: (\S+)", (ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    assert entrypoints
    for module, name in (entrypoint.rsplit(".", 1) for entrypoint in entrypoints):
        tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
