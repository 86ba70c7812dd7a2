"""Pages for people who join say what is there: paths, modules, headings of the changelog."""

import re
import tomllib

import pytest
import yaml

from tests.documents import ROOT, headings, text_of
from wattlog.providers import PROVIDERS

PYPROJECT = tomllib.loads(text_of("pyproject.toml"))
PACKAGES = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
SECTIONS = ["Added", "Changed", "Fixed", "Data"]

NOT_YET: set[str] = set()
"""Paths of the coming layout; the test fails as soon as one of them is there, so that this set can only shrink."""


def paths_in(page: str) -> set[str]:
    """What a page names as a path: with a folder, or an upper-case page of the root."""
    return set(re.findall(r"`([\w./-]+/[\w./-]*|[A-Z]+\.md|pyproject\.toml)`", page))


def test_every_path_in_the_pages_for_contributors_exists() -> None:
    named = paths_in(text_of("CONTRIBUTING.md") + text_of("ARCHITECTURE.md")) - {"build/site", "dist/", "/history"}
    named = {path for path in named if "=" not in path}
    assert len(named) > 60
    assert {path for path in named if not (ROOT / path).exists()} == NOT_YET


@pytest.mark.parametrize("subject", ["a series", "a provider", "a cause", "a model", "a command"])
def test_architecture_leads_to_the_list_for_each_common_change(subject: str) -> None:
    assert f"[Add {subject}](CONTRIBUTING.md#add-{subject.replace(' ', '-')}" in text_of("ARCHITECTURE.md")


@pytest.mark.parametrize("subject", ["a series", "a provider", "a cause of a difference", "a model", "a command"])
def test_contributing_has_a_list_for_each_common_change(subject: str) -> None:
    section = text_of("CONTRIBUTING.md").split(f"\n## Add {subject}\n")[1].split("\n## ")[0]
    assert len(re.findall(r"^\d\. `", section, re.MULTILINE)) >= 3


def test_security_names_modules_that_exist() -> None:
    assert [path for path in re.findall(r"`([\w/]+\.py)`", text_of("SECURITY.md")) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_the_page_of_a_package_names_its_modules_and_no_others(package: str) -> None:
    folder = ROOT / package
    there = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    there |= {f"{path.name}/" for path in folder.iterdir() if any(path.glob("*.py")) or path.name == "sql"}
    table = "\n".join(line for line in text_of(f"{package}/README.md").splitlines() if line.startswith("| "))
    named = set(re.findall(r"`(\w+(?:\.py|/))`", table))
    assert sorted(there - named) == [], f"name them in {package}/README.md"
    assert sorted(named - there) == [], f"take them out of {package}/README.md"


def test_the_changelog_goes_by_version_and_kind() -> None:
    """Unreleased first, then versions with their date, the newest as in pyproject.toml once there is one."""
    parts = re.split(r"^## ", text_of("CHANGELOG.md"), flags=re.MULTILINE)[1:]
    versions = [part.splitlines()[0] for part in parts]
    assert versions[0] == "Unreleased"
    for version in versions[1:]:
        assert re.fullmatch(r"\d+\.\d+\.\d+, \d{4}-\d\d-\d\d", version), version
    assert [version.split(",")[0] for version in versions[1:2]] in ([], [PYPROJECT["project"]["version"]])
    for part in parts:
        kinds = re.findall(r"^### (.*)$", part, re.MULTILINE)
        assert kinds == [section for section in SECTIONS if section in kinds], part.splitlines()[0]


@pytest.mark.parametrize("form", ["api_behaviour", "bug", "idea", "numbers"])
def test_issue_forms_are_well_formed(form: str) -> None:
    """What GitHub asks of a form: a name, a description, and fields with an id and a label."""
    page = yaml.safe_load(text_of(f".github/ISSUE_TEMPLATE/{form}.yml"))
    assert page["name"]
    assert page["description"]
    fields = [field for field in page["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields) > 0
    assert all(field["attributes"]["label"] for field in fields)


def test_a_bug_report_offers_every_provider() -> None:
    page = yaml.safe_load(text_of(".github/ISSUE_TEMPLATE/bug.yml"))
    (options,) = [field["attributes"]["options"] for field in page["body"] if field.get("id") == "provider"]
    assert set(options) == set(PROVIDERS)


def test_headings_are_unique_within_a_page() -> None:
    """So that every heading has an anchor of its own."""
    for page in ("docs/API.md", "CONTRIBUTING.md", "SECURITY.md", "README.md", "ARCHITECTURE.md"):
        names = headings(text_of(page))
        assert len(names) == len(set(names)), page
