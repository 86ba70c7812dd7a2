"""An object store for one test, and the machines that use it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from extract.archive import segment
from flows.object_store.session import open_data_dir
from flows.settings import Settings
from tests.object_store import BUCKET, ObjectStore
from wattlog.names import WAREHOUSE

SEGMENT = "raw/site_id=1001/series=power/month=2025-03.ndjson.zst"
OTHER_SEGMENT = "raw/site_id=1001/series=soe/month=2025-03.ndjson.zst"
POWER = "lake/table=power/site_id=1001/month=2025-03/part.parquet"
APRIL = "lake/table=power/site_id=1001/month=2025-04/part.parquet"
RUNS = "lake/table=runs/part.parquet"


@dataclass
class Home:
    """A prefix of an object store for one test, and the caches of the machines that use it."""

    server: ObjectStore
    prefix: str
    caches: Path

    def settings(self, machine: str = "one") -> Settings:
        """Settings of a machine; every machine has its own cache."""
        return Settings(data_dir=Path(f"s3://{BUCKET}/{self.prefix}"), cache_dir=self.caches / machine)

    def run(self, work: Callable[[Path], None], *, command: str = "sync", machine: str = "one") -> None:
        """Call a function with the data directory, as a command does."""
        with open_data_dir(self.settings(machine), command) as settings:
            work(settings.data_dir)

    def content(self, machine: str, command: str = "verify") -> dict[str, bytes]:
        """Files of the data directory as a machine reads them."""
        found = {}

        def look(data_dir: Path) -> None:
            files = (path for path in data_dir.rglob("*") if path.is_file())
            found.update({path.relative_to(data_dir).as_posix(): path.read_bytes() for path in files})

        self.run(look, command=command, machine=machine)
        return found

    def listing(self) -> list[str]:
        return [key.removeprefix(f"{self.prefix}/") for key in self.server.keys(f"{self.prefix}/")]

    def body(self, path: str) -> bytes:
        response = self.server.client.get_object(Bucket=BUCKET, Key=f"{self.prefix}/{path}")
        return bytes(response["Body"].read())

    def is_in_order(self) -> bool:
        """Whether the lease says that the last run released the store."""
        return bool(orjson.loads(self.body("_wattlog/lease.json"))["state"] == "released")

    def put(self, path: str, body: bytes) -> None:
        self.server.client.put_object(Bucket=BUCKET, Key=f"{self.prefix}/{path}", Body=body)

    def delete(self, path: str) -> None:
        self.server.client.delete_object(Bucket=BUCKET, Key=f"{self.prefix}/{path}")

    def mirror(self, machine: str) -> Path:
        (root,) = (self.caches / machine / "stores").iterdir()
        return root


def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition that another thread fulfils."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "the condition did not hold in time"
        time.sleep(0.01)


def answer(text: str) -> bytes:
    return segment.frame(orjson.dumps({"body": text}))


def write(data_dir: Path, path: str, content: bytes) -> None:
    """Write a file as the lake and the build do: with another name first, then renamed."""
    target = data_dir / path
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(target)


def append(data_dir: Path, path: str, content: bytes) -> None:
    target = data_dir / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("ab") as file:
        file.write(content)


def first_night(data_dir: Path) -> None:
    """Write one response, its lake file, and a warehouse."""
    append(data_dir, SEGMENT, answer("monday"))
    append(data_dir, "raw/runs.ndjson", b'{"run":1}\n')
    write(data_dir, POWER, b"power of monday")
    write(data_dir, RUNS, b"one run")
    write(data_dir, WAREHOUSE, b"warehouse of monday")


def second_night(data_dir: Path) -> None:
    """Write another response: to one file by appending, to others by replacing or as new files."""
    append(data_dir, SEGMENT, answer("tuesday"))
    append(data_dir, OTHER_SEGMENT, answer("soe"))
    append(data_dir, "raw/runs.ndjson", b'{"run":2}\n')
    write(data_dir, POWER, b"power of monday and tuesday")
    write(data_dir, APRIL, b"power of april")
    write(data_dir, RUNS, b"two runs")
    write(data_dir, WAREHOUSE, b"warehouse of tuesday")


def of_store(content: dict[str, bytes]) -> dict[str, bytes]:
    """The files of the store, without locks and caches."""
    return {path: body for path, body in content.items() if path.startswith(("raw/", "lake/")) or path == WAREHOUSE}
