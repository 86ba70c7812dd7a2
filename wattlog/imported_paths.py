"""The path of a record of an imported history: which import it belongs to, which file, and which part of the file.

    /import/import:tesla_app/ORIGIN/FILE/0001.0001

A large file is kept in several records, so that no step has all of it in memory. They are cut between lines, and a program that
appends their bodies has the file again, byte for byte.
"""

from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote

_FOLDER = "/import"
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class ImportedPath:
    """What the path of a record says.

    Attributes:
        series: The series.
        origin: Name of the file or folder that was given to `wattlog import`.
        file: Path of the file below that folder; the origin where it is the file itself.
        part: Which part of the file the record has, from 1.
        parts: How many parts the file has.
    """

    series: str
    origin: str
    file: str
    part: int = 1
    parts: int = 1

    def __str__(self) -> str:
        names = (quote(name, safe="") for name in (self.origin, self.file))
        return "/".join((_FOLDER, self.series, *names, f"{self.part:0{_DIGITS}d}.{self.parts:0{_DIGITS}d}"))

    @classmethod
    def parse(cls, path: str) -> Self:
        """The path of a record.

        Raises:
            ValueError: It is not of this form.
        """
        *folder, series, origin, file, numbers = path.split("/")
        part, _, parts = numbers.partition(".")
        if "/".join(folder) != _FOLDER:
            raise ValueError(f"{path} is no path of an imported history")
        return cls(series, unquote(origin), unquote(file), int(part), int(parts))
