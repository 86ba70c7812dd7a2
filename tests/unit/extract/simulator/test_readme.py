"""The README's table of behaviours and tests is true."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[4]
README = ROOT / "extract" / "simulator" / "README.md"
TESTS = [*ROOT.glob("tests/**/test_simulator*.py"), *Path(__file__).parent.glob("test_*.py")]


def rows() -> list[tuple[set[str], set[str]]]:
    """Numbers and test names of each row of the table."""
    lines = [line for line in README.read_text().splitlines() if line.startswith("| Q") and "shown by" not in line]
    return [(set(re.findall(r"Q\d+", line)), set(re.findall(r"`(test_\w+)`", line))) for line in lines]


def docstrings() -> dict[str, str]:
    """What each test says that it shows."""
    functions = [
        node
        for path in TESTS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    return {each.name: ast.get_docstring(each) or "" for each in functions}


def test_every_named_test_exists_and_names_the_behaviour() -> None:
    """Each row's tests are there, and their docstrings say each of its numbers."""
    said = docstrings()
    for numbers, names in rows():
        assert names, numbers
        assert names <= said.keys()
        for number in numbers:
            assert any(re.search(rf"\b{number}\b", said[name]) for name in names), (number, names)


def test_every_number_is_accounted_for() -> None:
    """Q1 to Q44 are in the table once each, or named as not the server's."""
    (elsewhere,) = re.findall(r"^Not the server's: (.*) \(", README.read_text(), re.MULTILINE)
    listed = [number for numbers, _ in rows() for number in numbers] + re.findall(r"Q\d+", elsewhere)
    assert sorted(listed) == sorted(f"Q{number}" for number in range(1, 45))


def test_the_readme_is_short() -> None:
    """It stays within a screen or two."""
    assert len(README.read_text().splitlines()) <= 60
