"""The README's table of behaviours and tests is correct."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[4]
README = ROOT / "extract" / "simulator" / "README.md"
TESTS = [
    *ROOT.glob("tests/**/test_simulator*.py"),
    *ROOT.glob("tests/**/test_server_clock.py"),
    *Path(__file__).parent.glob("test_*.py"),
]


def rows() -> list[tuple[set[str], set[str]]]:
    """Numbers and test names of each row of the table."""
    lines = [line for line in README.read_text().splitlines() if line.startswith("| Q") and "shown by" not in line]
    return [(set(re.findall(r"Q\d+", line)), set(re.findall(r"`(test_\w+)`", line))) for line in lines]


def docstrings() -> dict[str, str]:
    """Docstring of each test, by name."""
    functions = [
        node
        for path in TESTS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    return {function.name: ast.get_docstring(function) or "" for function in functions}


def test_every_named_test_exists_and_names_the_behaviour() -> None:
    """The tests of each row exist, and their docstrings contain its numbers."""
    texts = docstrings()
    for numbers, names in rows():
        assert names, numbers
        assert names <= texts.keys()
        for number in numbers:
            assert any(re.search(rf"\b{number}\b", texts[name]) for name in names), (number, names)


def test_every_number_is_accounted_for() -> None:
    """Q1 to Q44 are in the table once, or listed as behaviours of something else; later ones, if they are simulated."""
    (elsewhere,) = re.findall(r"^Not of the server: (.*) \(", README.read_text(), re.MULTILINE)
    listed = [number for numbers, _ in rows() for number in numbers] + re.findall(r"Q\d+", elsewhere)
    assert len(listed) == len(set(listed))
    of_history = [f"Q{number}" for number in range(1, 45)]
    assert sorted(number for number in listed if int(number[1:]) <= 44) == sorted(of_history)


def test_the_readme_is_short() -> None:
    """At most eighty lines."""
    assert len(README.read_text().splitlines()) <= 80


def test_every_module_and_folder_is_described() -> None:
    """The README names each module and each folder of the package, and no other."""
    package = README.parent
    modules = {path.name for path in package.glob("*.py") if not path.name.startswith("__")}
    folders = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    named = set(re.findall(r"`([a-z_]+(?:\.py|/))`", README.read_text()))
    assert named - {path.name for path in TESTS} == modules | folders
