"""A store of its own for a test, the machines that work on it, and what they do there."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from extract import segment
from flows.object_store.parts import WAREHOUSE
from flows.object_store.session import opened
from flows.settings import Settings
from tests.object_store import BUCKET, ObjectStore

SEGMENT = "raw/site_id=1001/series=power/month=2025-03.ndjson.zst"
OTHER_SEGMENT = "raw/site_id=1001/series=soe/month=2025-03.ndjson.zst"
POWER = "lake/table=power/site_id=1001/month=2025-03/part.parquet"
APRIL = "lake/table=power/site_id=1001/month=2025-04/part.parquet"
RUNS = "lake/table=runs/part.parquet"


@dataclass
class Home:
    """A store of its own for a test, and the machines that work on it."""

    server: ObjectStore
    prefix: str
    caches: Path

    def settings(self, machine: str = "one") -> Settings:
        """Settings of a machine: each has a cache of its own."""
        return Settings(data_dir=Path(f"s3://{BUCKET}/{self.prefix}"), cache_dir=self.caches / machine)

    def run(self, work: Callable[[Path], None], *, command: str = "sync", machine: str = "one") -> None:
        """Do something to the data directory, as a command does."""
        with opened(self.settings(machine), command) as settings:
            work(settings.data_dir)

    def content(self, machine: str, command: str = "verify") -> dict[str, bytes]:
        """What a machine finds in its data directory."""
        found = {}

        def look(data_dir: Path) -> None:
            files = (path for path in data_dir.rglob("*") if path.is_file())
            found.update({path.relative_to(data_dir).as_posix(): path.read_bytes() for path in files})

        self.run(look, command=command, machine=machine)
        return found

    def listing(self) -> list[str]:
        return [key.removeprefix(f"{self.prefix}/") for key in self.server.keys(f"{self.prefix}/")]

    def body(self, path: str) -> bytes:
        answer = self.server.client.get_object(Bucket=BUCKET, Key=f"{self.prefix}/{path}")
        return bytes(answer["Body"].read())

    def is_in_order(self) -> bool:
        """Whether the last run said that it left everything in good order."""
        return bool(orjson.loads(self.body("_wattlog/lease.json"))["state"] == "released")

    def put(self, path: str, body: bytes) -> None:
        self.server.client.put_object(Bucket=BUCKET, Key=f"{self.prefix}/{path}", Body=body)

    def delete(self, path: str) -> None:
        self.server.client.delete_object(Bucket=BUCKET, Key=f"{self.prefix}/{path}")

    def mirror(self, machine: str) -> Path:
        (root,) = (self.caches / machine / "stores").iterdir()
        return root


def until(holds: Callable[[], bool]) -> None:
    """Wait for what happens beside the test."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def answer(text: str) -> bytes:
    return segment.frame(orjson.dumps({"body": text}))


def write(data_dir: Path, path: str, content: bytes) -> None:
    """As the lake and the build write: beside, then renamed."""
    target = data_dir / path
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.unfinished")
    beside.write_bytes(content)
    beside.replace(target)


def append(data_dir: Path, path: str, content: bytes) -> None:
    target = data_dir / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("ab") as file:
        file.write(content)


def first_night(data_dir: Path) -> None:
    """An answer, its lake file, a warehouse."""
    append(data_dir, SEGMENT, answer("monday"))
    append(data_dir, "raw/runs.ndjson", b'{"run":1}\n')
    write(data_dir, POWER, b"power of monday")
    write(data_dir, RUNS, b"one run")
    write(data_dir, WAREHOUSE, b"warehouse of monday")


def second_night(data_dir: Path) -> None:
    """Another answer: files that grow, are replaced, are new."""
    append(data_dir, SEGMENT, answer("tuesday"))
    append(data_dir, OTHER_SEGMENT, answer("soe"))
    append(data_dir, "raw/runs.ndjson", b'{"run":2}\n')
    write(data_dir, POWER, b"power of monday and tuesday")
    write(data_dir, APRIL, b"power of april")
    write(data_dir, RUNS, b"two runs")
    write(data_dir, WAREHOUSE, b"warehouse of tuesday")


def of_store(content: dict[str, bytes]) -> dict[str, bytes]:
    """Without what commands leave beside: locks, caches."""
    return {path: body for path, body in content.items() if path.startswith(("raw/", "lake/")) or path == WAREHOUSE}
