"""kind=backup: grid failures, newest first, in pages."""

import numpy as np

from extract.simulator.local_day import local_date, stamps
from extract.simulator.query import Query
from extract.simulator.window import Period, asked_period, metering, period_start

Json = dict[str, object]


def backup(query: Query) -> Json:
    """Failures that are over, up to `end_date`, in the period that holds it.

    Durations are milliseconds whatever the documentation says, and the counts are always 0 (Q32). A page that is not the
    last names the `end_date` of the next: one second before its oldest event.
    """
    period = asked_period(query, "backup_history") if "period" in query.params else Period.LIFETIME
    meter = metering(query, Period.LIFETIME)
    limit_s = min(meter.end, meter.now).timestamp()
    zone = query.spec.zone
    outages = [
        each
        for each in query.truth.outages(
            min(period_start(period, meter), meter.last_date), local_date(zone, int(limit_s))
        )
        if each.start_s <= limit_s and each.start_s + each.duration_ms / 1000 <= query.now.timestamp()
    ]
    page = outages[::-1][: query.spec.backup_page_size]
    texts = stamps(meter.clock, np.array([each.start_s for each in page[::-1]], np.int64))[::-1]
    answer: Json = {
        "events": [{"timestamp": text, "duration": each.duration_ms} for text, each in zip(texts, page, strict=True)],
        "events_count": 0,
        "total_events": 0,
    }
    if len(page) < len(outages):
        answer["next_end_date"] = _text(query, page[-1].start_s - 1)
    elif query.spec.has_backup_loop:
        answer["next_end_date"] = _text(query, int(limit_s))
    return answer


def _text(query: Query, epoch_s: int) -> str:
    return stamps(query.clock, np.array([epoch_s], np.int64))[0]
