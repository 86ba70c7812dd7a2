"""The project's own text, for tests that compare documents with code."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

FOLDERS = (".github", "data", "deploy", "docs", "extract", "flows", "tests", "transform", "warehouse", "wattlog")
"""Folders with the project's files. Of `data` only the top level is read, since an owner's archive is below it."""

GENERATED = {"build", "__pycache__", "_build"}


def files(*suffixes: str) -> Iterator[Path]:
    """The project's files with one of the suffixes, without minified third-party scripts."""
    candidates = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in FOLDERS:
        found = (ROOT / folder).glob("*") if folder == "data" else (ROOT / folder).rglob("*")
        candidates += [path for path in found if path.is_file() and not GENERATED & set(path.parts)]
    for path in sorted(candidates):
        if path.suffix in suffixes and not path.name.endswith(".min.js"):
            yield path


def name(path: Path) -> str:
    """A file's path from the project's root."""
    return path.relative_to(ROOT).as_posix()


def text_of(relative: str) -> str:
    """The text of one file."""
    return (ROOT / relative).read_text(encoding="utf-8")


def headings(markdown: str) -> list[str]:
    """Headings of a page, in order, without their marks."""
    prose = re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return [line.lstrip("#").strip() for line in re.findall(r"^#{1,6} .*$", prose, re.MULTILINE)]


def anchor(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    plain = re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
