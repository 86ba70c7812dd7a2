"""CSV and Parquet of any tool, by a mapping that the owner writes (`owners_mapping`)."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from transform.imports.batches import Batch, OnReject, UnreadableFile, header_of, parquet_batches
from transform.imports.csv_files import read_csv
from transform.imports.files import Format, HistoryFile, Sample
from transform.imports.mapping import DELIMITERS, Mapping
from transform.imports.reading import Content, read_content
from wattlog.series_spec import Series

PARQUET: Final = b"PAR1"


def _contents(file: HistoryFile, zone: str, mapping: Mapping | None) -> Iterator[Content]:
    if mapping is None:
        raise UnreadableFile("its mapping is missing")
    if file.head.startswith(PARQUET):
        yield read_content(partial(_parquet, file), mapping, zone)
        return
    absent = sorted(
        {mapping.time, *(column.name for column in mapping.columns)}.difference(header_of(file.head, mapping.delimiter))
    )
    if absent:
        raise UnreadableFile(f"it has no column {absent[0]}")
    yield from read_csv(file, zone, lambda *_: mapping, mapping.delimiter)


def _parquet(file: HistoryFile, on_reject: OnReject) -> Iterator[Batch]:
    del on_reject  # a row of Parquet has all its values
    with file.on_disk() as path:
        yield from parquet_batches(path)


def _recognises(sample: Sample) -> bool:
    return sample.head.startswith(PARQUET) or any(
        len(header_of(sample.head, delimiter)) > 1 for delimiter in DELIMITERS.values()
    )


MAPPED: Final = Format(Series.IMPORT_MAPPED, "CSV or Parquet with a mapping", _recognises, _contents)
