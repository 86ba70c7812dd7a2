"""The SQL files of this package: their text and their headers."""

import re
from dataclasses import dataclass
from importlib.resources import files

_FACT = re.compile(r"-- (?P<name>[a-z]+): (?P<text>.+)")
_MORE = re.compile(r"--  +(?P<text>\S.*)")


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL file.

    Attributes:
        name: The file's stem.
        sql: Its whole text, header included.
        header: The facts of the leading comment, by name (`purpose`, `grain` or `returns`, `sources`).
    """

    name: str
    sql: str
    header: dict[str, str]


def load(folder: str) -> dict[str, Statement]:
    """Every statement of `sql/FOLDER/`, by name in alphabetical order.

    Works from a checkout and from an installed wheel.
    """
    found = sorted((files("warehouse") / "sql" / folder).iterdir(), key=lambda path: path.name)
    texts = {path.name.removesuffix(".sql"): path.read_text("utf-8") for path in found if path.name.endswith(".sql")}
    return {name: Statement(name, text, _header(text)) for name, text in texts.items()}


def _header(text: str) -> dict[str, str]:
    facts: dict[str, str] = {}
    current = ""
    for line in text.splitlines():
        if fact := _FACT.fullmatch(line):
            current = fact["name"]
            facts[current] = fact["text"]
        elif (more := _MORE.fullmatch(line)) and current:
            facts[current] += " " + more["text"]
        else:
            break
    return facts
