"""`GET /energy_sites/{id}/telemetry_history?kind=charge`: cars charged at the wall connectors."""

import uuid

from extract.simulator.local_day import local_date
from extract.simulator.outages_and_charging import ChargeSession
from extract.simulator.query import ApiError, Query, connector_din
from extract.simulator.site import ChargeKey

Json = dict[str, object]


def telemetry_history(query: Query) -> Json:
    """Sessions that began between the two dates, both included, and are over. Source: API.md §1.3.

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
        _session(query, each)
        for each in query.truth.charge_sessions(local_date(zone, start_s), local_date(zone, end_s))
        if start_s <= each.start_s <= end_s and each.start_s + each.duration_s <= query.now.timestamp()
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
