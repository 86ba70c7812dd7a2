"""Events of a site: outages (calendar_history, kind=backup) and charge sessions (telemetry_history)."""

import uuid

import numpy as np

from extract.simulator.endpoints.query import ApiError, Query, connector_din
from extract.simulator.endpoints.window import Period, asked_period, metering, period_start
from extract.simulator.local_day import local_date, stamps
from extract.simulator.site import ChargeKey
from extract.simulator.truth.outages_and_charging import ChargeSession

Json = dict[str, object]


def backup(query: Query) -> Json:
    """kind=backup: outages that are over, newest first, in the period that contains `end_date` and up to it.

    Durations are milliseconds, contrary to the documentation, and the counts are always 0 (Q32). A page that is not the last
    one has `next_end_date`, the `end_date` of the next page: one second before its oldest event.
    """
    period = asked_period(query, "backup_history") if "period" in query.params else Period.LIFETIME
    meter = metering(query, Period.LIFETIME)
    limit_s = min(meter.end, meter.now).timestamp()
    zone = query.spec.zone
    listed = query.truth.outages(min(period_start(period, meter), meter.last_date), local_date(zone, int(limit_s)))
    for anomaly in query.spec.anomalies:
        listed = anomaly.listed(listed, zone, query.timing)
    outages = [
        outage
        for outage in listed
        if outage.start_s <= limit_s and outage.start_s + outage.duration_ms / 1000 <= query.now.timestamp()
    ]
    page = outages[::-1][: query.spec.backup_page_size]
    texts = stamps(meter.clock, np.array([outage.start_s for outage in page[::-1]], np.int64))[::-1]
    response: Json = {
        "events": [
            {"timestamp": text, "duration": outage.duration_ms} for text, outage in zip(texts, page, strict=True)
        ],
        "events_count": 0,
        "total_events": 0,
    }
    if len(page) < len(outages):
        response["next_end_date"] = _text(query, page[-1].start_s - 1)
    elif query.spec.has_backup_loop:
        response["next_end_date"] = _text(query, int(limit_s))
    return response


def _text(query: Query, epoch_s: int) -> str:
    return stamps(query.clock, np.array([epoch_s], np.int64))[0]


def telemetry_history(query: Query) -> Json:
    """kind=charge: charge sessions that began between the two dates, both included, and are over.

    Source: API.md#charge-sessions.

    Raises:
        ApiError: 400, the kind is not `charge` or a date is missing.
    """
    if query.params.get("kind") != "charge":
        raise ApiError(400, f"kind `{query.params.get('kind', '')}` is not supported")
    start, end = query.instant("start_date"), query.instant("end_date")
    if start is None or end is None:
        raise ApiError(400, "start_date and end_date are required")
    zone, start_s, end_s = query.spec.zone, int(start.timestamp()), int(end.timestamp())
    sessions = [
        _session(query, session)
        for session in query.truth.charge_sessions(local_date(zone, start_s), local_date(zone, end_s))
        if start_s <= session.start_s <= end_s and session.start_s + session.duration_s <= query.now.timestamp()
    ]
    if query.spec.charge_key is ChargeKey.TIME_SERIES:
        return {"period": "", "time_series": sessions}
    return {"charge_history": sessions}


def _session(query: Query, session: ChargeSession) -> Json:
    din = connector_din(query.spec, session.connector)
    return {
        "charge_start_time": {"seconds": session.start_s},
        "charge_duration": {"seconds": session.duration_s},
        "energy_added_wh": session.energy_wh,
        "target_id": {"text": str(uuid.uuid5(uuid.NAMESPACE_OID, din))},
        "din": din,
    }
