"""Times: each minute of a season's week in one period, each day of the year in one season (Q134)."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

import numpy as np

from transform.tariffs.document import Json, period_items
from transform.tariffs.tariff import MINUTES_PER_DAY, Season, Side
from transform.tariffs.validation.fields import DAYS_OF_MONTHS, MONTHS
from transform.tariffs.validation.violation import Violation, child, item
from transform.tariffs.week import coverage, runs

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

SHOWN_LABELS: Final = frozenset({"ON_PEAK", "PARTIAL_PEAK", "OFF_PEAK", "SUPER_OFF_PEAK"})
"""The labels that the app shows (Q136)."""


_LABELS_NAMED: Final = 3
"""A tariff with a price for each half hour has 48 labels."""


def time_violations(document: Json, side: Side, path: str) -> Iterator[Violation]:
    """Violations by the times of one side: overlaps, gaps, missing seasons, and what is read by a rule of its own."""
    place = child(path, "seasons")
    if not side.seasons:
        yield Violation(place, "At least one season with dates is needed.")
        return
    yield from _days(side.seasons, place)
    for season in side.seasons:
        of_labels = child(child(place, season.name), "tou_periods")
        yield from _week(season, of_labels)
        yield from _unwritten_days(document, season, of_labels)
    others = sorted({label for season in side.seasons for label in season.periods} - SHOWN_LABELS)
    if others:
        named = ", ".join(map(repr, others[:_LABELS_NAMED])) + (", …" if len(others) > _LABELS_NAMED else "")
        shown = ", ".join(sorted(SHOWN_LABELS))
        yield Violation(place, f"The app does not show {len(others)} of the labels: {named}. It shows {shown}.", False)


def _days(seasons: Sequence[Season], path: str) -> Iterator[Violation]:
    """Days in no season, and in several, as ranges."""
    days = [(month, day) for month in range(1, 13) for day in range(1, DAYS_OF_MONTHS[month - 1] + 1)]
    of_days = [tuple(season.name for season in seasons if season.covers(*day)) for day in days]
    for names, group in groupby(zip(of_days, days, strict=True), key=lambda item: item[0]):
        if len(names) == 1:
            continue
        span = [day for _, day in group]
        first, last = (f"{day} {MONTHS[month - 1]}" for month, day in (span[0], span[-1]))
        where = first if first == last else f"{first} to {last}"
        sentence = "is in no season." if not names else f"is in several seasons: {', '.join(names)}."
        yield Violation(path, f"{where} {sentence}")


def _week(season: Season, path: str) -> Iterator[Violation]:
    """Minutes in no period, and in several, as times of the day with the days of the week."""
    if not any(season.periods.values()):
        return
    counts = coverage(period for periods in season.periods.values() for period in periods)
    days: dict[tuple[int, int, tuple[str, ...]], list[int]] = {}
    by_label = {label: coverage(periods) for label, periods in season.periods.items()}
    for day in range(7):
        begin = day * MINUTES_PER_DAY
        for first, last, count in runs(counts[begin : begin + MINUTES_PER_DAY]):
            if count != 1:
                labels = tuple(label for label, of_label in by_label.items() if of_label[begin + first])
                days.setdefault((first, last, labels), []).append(day)
    for (first, last, labels), of_days in days.items():
        when = f"{_day_names(of_days)} {_clock(first)} to {_clock(last)}"
        sentence = "is in no period." if not labels else f"is in several periods: {', '.join(labels)}."
        yield Violation(path, f"{when} {sentence}")


def _unwritten_days(document: Json, season: Season, path: str) -> Iterator[Violation]:
    """Periods without a last day of the week, which is read as Sunday or Monday (Q124)."""
    labels = document["seasons"][season.name].get("tou_periods")
    for label, value in labels.items() if isinstance(labels, Mapping) else ():
        between, periods = period_items(value)
        read = season.periods.get(label, ())
        if len(read) != len(periods):
            continue  # a period that cannot be read has a violation of its own
        for position, (written, period) in enumerate(zip(periods, read, strict=True)):
            if written.get("toDayOfWeek") is None:
                yield Violation(
                    item(f"{child(path, label)}{between}", position),
                    f"toDayOfWeek is absent and read as {period.last_day} ({WEEKDAYS[period.last_day]}). Write it.",
                    False,
                )


def _day_names(days: Sequence[int]) -> str:
    is_range = len(days) > 2 and np.array_equal(np.diff(days), np.ones(len(days) - 1))
    return f"{WEEKDAYS[days[0]]} to {WEEKDAYS[days[-1]]}" if is_range else ", ".join(WEEKDAYS[day] for day in days)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
