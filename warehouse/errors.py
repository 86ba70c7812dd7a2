"""The errors of the lake, the warehouse, queries and exports.

    WarehouseError
    ├── Nonconforming(table, reason)            a frame that the schema does not admit
    ├── LakeFailed(path, reason)                a lake file that cannot be written or read
    │   └── LakeDamaged(path)                   a lake file that is not what was written
    ├── BuildFailed(path, reason)               the warehouse could not be built; the old one is unchanged
    │   └── DuplicateKey(path, table, key)      two lake rows with one key
    ├── ModelMismatch(model, declared, given)   a model's SQL and its declaration differ
    ├── Unreadable(path, reason)                the warehouse cannot be opened
    │   ├── WarehouseMissing(path)              there is none yet
    │   └── VersionMismatch(path, found, expected)
    ├── QueryFailed(reason)                     DuckDB refused the SQL
    │   ├── NotReadOnly(statement)              it is not one read-only statement
    │   ├── FunctionRefused(name, reads_files)  it calls a table function that is not allowed
    │   └── QueryTooLong(limit_s)               it was ended by its time limit
    └── ExportFailed(path, reason)              the export could not be written
        ├── DestinationExists(path)             a file is there already
        └── UnknownRelation(path, name, known)  no such table or model

Attributes come first, then a sentence that says what to do. Each class is made of positional arguments only, so that all of
them survive `pickle`: workers send them to the main process.
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
        return f"{self.table}: {self.reason}; the rows were not written; quarantine the bad ones"


class LakeFailed(WarehouseError):
    """A lake file that cannot be written or read; the file that was there before is unchanged."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"lake file {self.path}: {self.reason}"


class LakeDamaged(LakeFailed):
    """A lake file that is not what was written; it can be made again from raw."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "is damaged; run `wattlog rebuild`")
        self.args = (path,)


class BuildFailed(WarehouseError):
    """The warehouse could not be built; the one published before is unchanged."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot build {self.path}: {self.reason}; the warehouse published before is unchanged"


class DuplicateKey(BuildFailed):
    """Two lake rows with one key: two files have the same row."""

    def __init__(self, path: Path, table: str, key: str) -> None:
        super().__init__(path, f"table {table} has the key {key} more than once; run `wattlog rebuild`")
        self.args = (path, table, key)
        self.table = table
        self.key = key


class ModelMismatch(WarehouseError):
    """The columns of a model's SQL and of its declaration differ: a defect of wattlog, not of the data."""

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
        super().__init__(f"the warehouse takes one SELECT at a time, not {statement}; write to another database")
        self.args = (statement,)
        self.statement = statement


class FunctionRefused(QueryFailed):
    """The statement calls a table function that reaches beyond the warehouse."""

    def __init__(self, name: str, reads_files: bool) -> None:
        super().__init__(
            f"{name}() reads files, which a query may do only with --allow-files"
            if reads_files
            else f"{name}() is not one of the table functions that a query may call; read the tables themselves"
        )
        self.args = (name, reads_files)
        self.name = name
        self.reads_files = reads_files


class QueryTooLong(QueryFailed):
    """The statement took longer than its time limit."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(f"the query was ended after {limit_s:,g} s; ask for less, or allow more time with --timeout S")
        self.args = (limit_s,)
        self.limit_s = limit_s


class ExportFailed(WarehouseError):
    """The export could not be written; no part of a file was left."""

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
