"""What can go wrong between a frame and a published warehouse.

    WarehouseError
    ├── Nonconforming(table, reason)            a frame that the schema does not admit
    ├── LakeFailed(path, reason)                a lake file that cannot be written or read
    ├── BuildFailed(path, reason)               the warehouse could not be built; the old one stands
    │   └── DuplicateKey(path, table, key)      two lake rows with one key
    ├── ModelMismatch(model, declared, given)   a model's SQL and its declaration differ
    ├── Unreadable(path, reason)                the warehouse cannot be opened
    │   ├── WarehouseMissing(path)              there is none yet
    │   └── VersionMismatch(path, found, expected)
    ├── QueryFailed(reason)                     DuckDB refused the SQL
    │   └── NotReadOnly(statement)              it is not one read-only statement
    └── ExportFailed(path, reason)              the export could not be written
        ├── DestinationExists(path)             a file is there already
        └── UnknownRelation(path, name, known)  no such table or model

Attributes come first, then a sentence that says what to try. Positional arguments alone build each class, so that all of
them survive `pickle`: workers send them home.
"""

from pathlib import Path


class WarehouseError(Exception):
    """Anything that this package reports to a person; `str()` is one line."""


class Nonconforming(WarehouseError):
    """A frame that the schema does not admit; nothing of it was written."""

    def __init__(self, table: str, reason: str) -> None:
        super().__init__(table, reason)
        self.table = table
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.table}: {self.reason}; the rows were not written, set bad ones aside as quarantine"


class LakeFailed(WarehouseError):
    """A lake file that cannot be written or read; the file that stood there before still stands."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"lake file {self.path}: {self.reason}"


class BuildFailed(WarehouseError):
    """The warehouse could not be built; the one published before still stands."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot build {self.path}: {self.reason}; the warehouse published before is unchanged"


class DuplicateKey(BuildFailed):
    """Two lake rows with one key: two files hold the same row."""

    def __init__(self, path: Path, table: str, key: str) -> None:
        super().__init__(path, f"table {table} holds the key {key} more than once; run `wattlog rebuild`")
        self.args = (path, table, key)
        self.table = table
        self.key = key


class ModelMismatch(WarehouseError):
    """A model's SQL gives other columns than its declaration says: a defect of wattlog, not of the data."""

    def __init__(self, model: str, declared: tuple[str, ...], given: tuple[str, ...]) -> None:
        super().__init__(model, declared, given)
        self.model = model
        self.declared = declared
        self.given = given

    def __str__(self) -> str:
        differing = sorted(set(self.declared) ^ set(self.given)) or ["their order"]
        return f"model {self.model} and its declaration differ in {', '.join(differing)}; please report this"


class Unreadable(WarehouseError):
    """The warehouse cannot be opened."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot open the warehouse {self.path}: {self.reason}"


class WarehouseMissing(Unreadable):
    """No warehouse was published yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "there is none yet; run `wattlog backfill` first")
        self.args = (path,)


class VersionMismatch(Unreadable):
    """The warehouse was made by another version of wattlog."""

    def __init__(self, path: Path, found: int, expected: int) -> None:
        advice = "upgrade wattlog" if found > expected else "run `wattlog rebuild`"
        super().__init__(path, f"it has schema version {found}, this wattlog reads {expected}; {advice}")
        self.args = (path, found, expected)
        self.found = found
        self.expected = expected


class QueryFailed(WarehouseError):
    """DuckDB refused the SQL; the reason is DuckDB's own, shortened to a line."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class NotReadOnly(QueryFailed):
    """The text is not one read-only statement."""

    def __init__(self, statement: str) -> None:
        super().__init__(
            f"the warehouse answers one SELECT at a time, not {statement}; write to a database of your own"
        )
        self.args = (statement,)
        self.statement = statement


class ExportFailed(WarehouseError):
    """The export could not be written; no half file was left."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot export to {self.path}: {self.reason}"


class DestinationExists(ExportFailed):
    """A file is there already."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "it exists already; choose another name or add --force")
        self.args = (path,)


class UnknownRelation(ExportFailed):
    """No such table or model."""

    def __init__(self, path: Path, name: str, known: tuple[str, ...]) -> None:
        super().__init__(path, f"there is no table or model called {name}; there are {', '.join(known)}")
        self.args = (path, name, known)
        self.name = name
        self.known = known
