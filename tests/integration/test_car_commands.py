"""The ten commands to cars in each route against every outcome: the right words, the exit code, and never a second request."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from extract.api.rate_limit import RateLimiter
from extract.requests import ACCOUNT
from flows.account_tables import write_account_tables
from flows.car_commands import LOOK_AGAIN_AFTER, CarPlan, SentToCar, agreed, plan_for_car, send_to_car
from flows.cars import cars_of, with_fleet_status
from flows.errors import CarNotAwake, UsageError
from flows.fetch_session import FetchSession
from flows.run_context import RunContext, new_run_id
from flows.settings import Settings
from warehouse.lake.lake import Lake
from wattlog.commands import cars
from wattlog.commands.cars import CarCommand, Departure
from wattlog.commands.intent import Origin

VIN = "TESTVIN0000000001"
NOW = datetime(2026, 3, 10, 20, 0, tzinfo=UTC)
API, PROXY = "https://api.test", "https://proxy.test:4443"

TEN = (
    cars.charge_port(is_open=True),
    cars.charge_port(is_open=False),
    cars.charge(is_start=True),
    cars.charge(is_start=False),
    cars.limit("standard"),
    cars.limit("max"),
    cars.limit("75"),
    cars.amps(16),
    cars.schedule_charging("23:30"),
    cars.schedule_departure(Departure(540, True, False, True, False, 450)),
)
ROUTES = ("teslemetry", "proxy", "direct")

STATE = {"charging_state": "Stopped", "charge_limit_soc": 60, "charge_limit_soc_std": 80, "charge_amps": 10}


class Case(NamedTuple):
    """An answer to a command, and what it means.

    Attributes:
        status: HTTP status; None for a connection that breaks while the answer is read.
        body: The body.
        outcome: The outcome in table `commands`.
        words: A part of the reason.
        exit_code: The exit code.
        may_have_succeeded: Whether it may have been carried out.
        of_start: Outcome of `charge start`, where that is another one.
    """

    status: int | None
    body: Any
    outcome: str
    words: str
    exit_code: int
    may_have_succeeded: bool = False
    of_start: str = ""


def refusal(reason: str) -> dict[str, Any]:
    return {"response": {"result": False, "reason": reason}}


def error(text: str) -> dict[str, Any]:
    return {"response": None, "error": text, "error_description": ""}


ASLEEP = "vehicle unavailable: vehicle is offline or asleep"
PROTOCOL = "Tesla Vehicle Command Protocol required, please refer to the documentation here: …"
KEY = "vehicle rejected request: your public key has not been paired with the vehicle"

CASES = {
    "done": Case(200, {"response": {"result": True, "reason": ""}}, "done", "", 0),
    **{
        f"reason {reason}": Case(200, refusal(reason), "done", "", 0)
        for reason in ("already_set", "requested", "already_standard", "already closed", "not_charging")
    },
    **{
        f"reason {reason}": Case(200, refusal(reason), "refused", reason, 1)
        for reason in (
            "charging",
            "not_supported",
            "invalid_value",
            "car_wash",
            "low_power_mode_enforced",
            "pre_delivery",
        )
    },
    "reason is_charging": Case(200, refusal("is_charging"), "refused", "is_charging", 1, of_start="done"),
    "another reason": Case(200, refusal("moon_in_the_way"), "refused", "moon_in_the_way", 1),
    "no reason": Case(200, {"response": {"result": False}}, "refused", "no reason", 1),
    "reason disconnected": Case(200, refusal("disconnected"), "retry_later", "no cable", 1),
    "reason could_not_wake_buses": Case(200, refusal("could_not_wake_buses"), "retry_later", "woken", 1),
    "reason hardlocked": Case(200, refusal("unsigned_cmds_hardlocked"), "needs_owner", "signed", 4),
    "no meaning": Case(200, {"answer": 42}, "failed", "no meaning", 7, may_have_succeeded=True),
    "not JSON": Case(200, "nothing", "failed", "no meaning", 7, may_have_succeeded=True),
    "no answer": Case(None, None, "failed", "no answer", 7, may_have_succeeded=True),
    "asleep": Case(408, error(ASLEEP), "retry_later", "asleep", 1),
    "asleep at the proxy": Case(500, error(ASLEEP), "retry_later", "asleep", 1),
    "busy": Case(500, error("vehicle busy or finishing wake-up"), "retry_later", "busy", 1),
    "unavailable": Case(503, error("busy"), "retry_later", "503", 1),
    "too many": Case(429, error("slow down"), "retry_later", "too many", 1),
    "no key": Case(500, error(KEY), "needs_owner", "virtual key", 4),
    "protocol": Case(403, error(PROTOCOL), "needs_owner", "signed", 4),
    "no scope": Case(403, error("Unauthorized missing scopes"), "needs_owner", "forbidden", 4),
    "no credits": Case(402, error("insufficient_credits"), "needs_owner", "payment", 4),
    "token refused": Case(401, error("invalid_token"), "needs_owner", "not logged in", 3),
    "wrong type": Case(400, error("expected enable to be bool"), "refused", "400", 1),
    "not found": Case(404, error("not_found"), "refused", "404", 1),
    "server failed": Case(500, error("internal"), "failed", "500", 7, may_have_succeeded=True),
    "gateway": Case(504, error("timeout"), "failed", "504", 7, may_have_succeeded=True),
}


class Car:
    """An account with one car, answered in this process.

    Attributes:
        case: The answer to every command.
        route: How the command has to come.
        sent: Method and address of each request.
        after: What it shows after a command; by default nothing that decides.
        shown: What it shows before.
    """

    def __init__(self, case: Case, route: str, state: str = "online") -> None:
        self.case, self.route, self.state = case, route, state
        self.sent: list[tuple[str, str, bytes]] = []
        self.after: dict[str, Any] = {"charge_limit_soc": 60}
        self.shown: dict[str, Any] = STATE

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append((request.method, str(request.url), request.content))
        path, name = request.url.path, request.url.path.rsplit("/", 1)[-1]
        if "/command/" in path:
            if self.case.status is None:
                raise httpx.ReadTimeout("timed out", request=request)
            return httpx.Response(self.case.status, json=self._prefixed())
        found: Any = {
            "products": [{"vin": VIN, "vehicle_id": 1, "display_name": "Comet", "state": self.state}],
            "fleet_status": {"vehicle_info": {VIN: {"vehicle_command_protocol_required": self.route == "proxy"}}},
            "vehicle_data": {"vin": VIN, "charge_state": self.after if self.commands else self.shown},
            VIN: {"vin": VIN, "state": self.state},
            "wake_up": {"vin": VIN, "state": self.state},
        }[name]
        return httpx.Response(200, json={"response": found})

    def _prefixed(self) -> Any:
        """The proxy puts words before a reason (Q89)."""
        response = self.case.body.get("response") if isinstance(self.case.body, dict) else None
        if self.route == "proxy" and response and response.get("reason"):
            reason = f"car could not execute command: {response['reason']}"
            return {"response": {"result": False, "reason": reason}, "error": "", "error_description": ""}
        return self.case.body

    @property
    def commands(self) -> list[tuple[str, bytes]]:
        """Address and body of each command that came."""
        return [(url, body) for method, url, body in self.sent if method == "POST" and "/command/" in url]


def session_of(car: Car, data_dir: Path, number: int, clock: Callable[[], datetime] = lambda: NOW) -> FetchSession:
    facts: dict[str, object] = {
        "provider": "teslemetry" if car.route == "teslemetry" else "fleet-na",
        "data_dir": data_dir,
        "config_dir": data_dir / "config",
        "api_base_url": API,
        "access_token": "a-token-of-the-tests",
        **({"vehicle_command_url": PROXY} if car.route == "proxy" else {}),
    }
    context = RunContext(
        Settings.model_validate(facts),
        new_run_id(NOW + timedelta(microseconds=number)),
        clock=clock,
        transport=httpx.MockTransport(car.answer),
    )
    session = FetchSession(context, context.open_archive())
    session.fetcher = replace(session.fetcher, sleep=lambda _: None, rate_limiter=RateLimiter(None))
    return session


def carried_out(car: Car, data_dir: Path, asked: CarCommand, number: int = 0, *, wake: bool = False) -> SentToCar:
    with session_of(car, data_dir, number) as session:
        (found,) = with_fleet_status(session, cars_of(session))
        return send_to_car(session, plan_for_car(session, found, asked, Origin.CLI, wake=wake), "vehicle")


@pytest.mark.slow
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", CASES)
def test_each_command_in_each_route_against_each_outcome(tmp_path: Path, route: str, name: str) -> None:
    """Q75 to Q90: one request each, with the documented body, to the right address; a rebuild gives the same row."""
    case, rows = CASES[name], []
    for number, asked in enumerate(TEN):
        car = Car(case, route)
        sent = carried_out(car, tmp_path, asked, number)
        row = sent.row
        outcome = (case.of_start or case.outcome) if asked.endpoint == "charge_start" else case.outcome
        exit_code = 0 if outcome == "done" else case.exit_code
        assert (row.outcome, sent.exit_code, row.may_have_succeeded) == (outcome, exit_code, case.may_have_succeeded), (
            asked
        )
        assert case.words in (row.reason or "") or outcome == "done"
        base = PROXY if route == "proxy" else API
        url = f"{base}/api/1/vehicles/{VIN}/command/{asked.endpoint}"
        assert [(found, json.loads(body)) for found, body in car.commands] == [(url, asked.body)], (
            "once, and to one address"
        )
        assert (row.attempts, row.route, row.vehicle, row.value_asked) == (1, route, "vin-000001", asked.value)
        rows.append((row.command_id, row.outcome.value, row.reason, row.cost, row.cost_unit))
    lake = Lake(tmp_path / "lake")
    with session_of(Car(case, route), tmp_path, 99) as session:
        write_account_tables(session.archive, lake)
    stored = lake.read("commands", site_id=ACCOUNT).sort_values("command_id")
    columns = (stored[column] for column in ("command_id", "outcome", "reason", "cost", "cost_unit"))
    assert [
        (command_id, outcome, reason if isinstance(reason, str) else None, cost, unit)
        for command_id, outcome, reason, cost, unit in zip(*columns, strict=True)
    ] == rows


@pytest.mark.parametrize(
    ("route", "cost"), [("teslemetry", Decimal(5)), ("proxy", Decimal("0.005")), ("direct", Decimal("0.005"))]
)
def test_what_is_charged_is_counted(tmp_path: Path, route: str, cost: Decimal) -> None:
    """Q71, Q73: a reading, the command, a reading; 408 is charged, and an answer of 500 is not."""
    row = carried_out(Car(CASES["done"], route), tmp_path, cars.amps(16), 1).row
    assert (row.charged_requests, row.cost) == (3, cost)
    asleep = carried_out(Car(CASES["asleep"], route), tmp_path, cars.amps(16), 2).row
    failed = carried_out(Car(CASES["asleep at the proxy"], route), tmp_path, cars.amps(16), 3).row
    assert (asleep.charged_requests, failed.charged_requests) == (2, 1)


def test_a_current_below_five_amperes_is_sent_twice(tmp_path: Path) -> None:
    """Q77; a call that fails is the last."""
    car = Car(CASES["done"], "direct")
    assert carried_out(car, tmp_path, cars.amps(3), 1).row.attempts == len(car.commands) == 2
    car = Car(CASES["gateway"], "direct")
    assert carried_out(car, tmp_path, cars.amps(3), 2).row.attempts == len(car.commands) == 1


def test_a_command_without_an_answer_is_done_where_the_car_shows_it(tmp_path: Path) -> None:
    """Q90: it may have been carried out, and one reading decides; a charge port and a departure show too little."""
    car = Car(CASES["no answer"], "direct")
    car.after = {**STATE, "charge_limit_soc": 75, "charging_state": "Charging"}
    outcomes = {asked.text: carried_out(car, tmp_path, asked, number).row for number, asked in enumerate(TEN)}
    assert [text for text, row in outcomes.items() if row.outcome == "done"] == ["charge start", "limit 75"]
    assert outcomes["limit 75"].reason == "no answer came, but the car shows it"
    assert outcomes["charge-port open"].may_have_succeeded


def test_without_a_route_nothing_is_sent(tmp_path: Path) -> None:
    """Q86, Q110: one line says which two there are."""
    car = Car(CASES["done"], "proxy")
    with session_of(car, tmp_path, 1) as session:
        session.context = replace(
            session.context, settings=session.context.settings.model_copy(update={"vehicle_command_url": None})
        )
        (found,) = with_fleet_status(session, cars_of(session))
        with pytest.raises(UsageError, match=r"Teslemetry .* WATTLOG_VEHICLE_COMMAND_URL .* nothing is sent"):
            plan_for_car(session, found, cars.amps(16), Origin.CLI, wake=False)
    assert car.commands == []
    assert not [url for _, url, _ in car.sent if "vehicle_data" in url], "no reading is charged either"


def test_a_sleeping_car_gets_nothing_unless_it_is_to_be_woken(tmp_path: Path) -> None:
    """Q93: neither a reading nor a command; the price of waking is said."""
    car = Car(CASES["done"], "teslemetry", state="asleep")
    with pytest.raises(CarNotAwake, match=r"asleep.*--wake wakes it; waking costs 20 credits"):
        carried_out(car, tmp_path, cars.charge(is_start=True))
    assert [url.rsplit("/", 1)[-1] for _, url, _ in car.sent] == ["products", "fleet_status", VIN]


def test_a_wake_in_vain_is_charged_and_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Q73, Q93: 20 credits, although no command was sent; a rebuild gives the same row."""
    monkeypatch.setattr("flows.car_commands._POLLS", 0)
    car = Car(CASES["done"], "teslemetry", state="asleep")
    sent = carried_out(car, tmp_path, cars.charge(is_start=True), wake=True)
    assert car.commands == []
    assert (sent.row.outcome, sent.row.attempts, sent.row.may_have_succeeded, sent.exit_code) == (
        *("retry_later", 0, False, 1),
    )
    assert (sent.row.charged_requests, sent.row.cost, sent.row.cost_unit) == (1, Decimal(20), "credits")
    lake = Lake(tmp_path / "lake")
    with session_of(car, tmp_path, 99) as session:
        write_account_tables(session.archive, lake)
    stored = lake.read("commands", site_id=ACCOUNT)
    assert stored[["outcome", "reason", "cost"]].to_numpy().tolist() == [
        ["retry_later", "the car did not wake; the command was not sent", Decimal(20)]
    ]


def test_what_the_car_cannot_take_is_not_sent(tmp_path: Path) -> None:
    """Q76."""
    car = Car(CASES["done"], "direct")
    with pytest.raises(UsageError, match="from 50 to 100 %; nothing is sent"):
        carried_out(car, tmp_path, cars.limit("40"))
    assert car.commands == []


def test_no_whole_vin_is_stored_but_in_paths(tmp_path: Path) -> None:
    carried_out(Car(CASES["done"], "direct"), tmp_path, cars.charge(is_start=True))
    with session_of(Car(CASES["done"], "direct"), tmp_path, 9) as session:
        records = list(session.archive.load_all(session.archive.entries(ACCOUNT)))
    assert len(records) == 4
    assert all(VIN.encode() not in record.body and b"Comet" not in record.body for record in records)
    assert sum(VIN in record.path for record in records) == 3


def asked_about(
    car: Car, data_dir: Path, *pauses: timedelta, becomes: dict[str, Any] | None = None, answer: bool = True
) -> tuple[CarPlan | None, list[str | None]]:
    """What is agreed to where the answers take so long, and the values that the questions were about.

    Args:
        car: The car; the command is a limit of 75 %.
        data_dir: The data directory.
        pauses: How long each answer takes.
        becomes: What the car shows from the first answer on; None for the same.
        answer: The answer.
    """
    now, questions = [NOW], list[str | None]()

    def ask(planned: CarPlan) -> bool:
        now[0] += pauses[len(questions)]
        questions.append(planned.value_before)
        car.shown = becomes or car.shown
        return answer

    with session_of(car, data_dir, 1, lambda: now[0]) as session:
        (found,) = with_fleet_status(session, cars_of(session))
        planned = plan_for_car(session, found, cars.limit("75"), Origin.CLI, wake=False)
        return agreed(session, planned, ask, wake=False), questions


LONG = LOOK_AGAIN_AFTER + timedelta(seconds=1)


def test_after_a_short_question_the_car_is_not_looked_at_again(tmp_path: Path) -> None:
    car = Car(CASES["done"], "direct")
    found, questions = asked_about(car, tmp_path, LOOK_AGAIN_AFTER)
    assert found is not None
    assert (found.readings, questions) == (1, ["60"])
    assert asked_about(car, tmp_path / "no", LONG, answer=False) == (None, ["60"])


def test_a_question_that_waited_long_is_about_the_car_as_it_is_now(tmp_path: Path) -> None:
    """Another value is asked about again; the same one is not; both looks at the car are counted."""
    found, questions = asked_about(Car(CASES["done"], "direct"), tmp_path / "same", LONG)
    assert found is not None
    assert (found.readings, questions) == (2, ["60"])
    changed = {**STATE, "charge_limit_soc": 90}
    found, questions = asked_about(Car(CASES["done"], "direct"), tmp_path / "other", LONG, timedelta(), becomes=changed)
    assert found is not None
    assert (found.readings, found.value_before, questions) == (2, "90", ["60", "90"])


def test_a_car_that_has_the_value_by_now_is_left_alone(tmp_path: Path) -> None:
    becomes = {**STATE, "charge_limit_soc": 75}
    found, questions = asked_about(Car(CASES["done"], "direct"), tmp_path, LONG, becomes=becomes)
    assert found is not None
    assert (found.is_set, questions) == (True, ["60"])


def test_a_car_that_fell_asleep_during_the_question_gets_nothing(tmp_path: Path) -> None:
    car = Car(CASES["done"], "direct")

    def asleep(*arguments: Any) -> bool:
        car.state = "asleep"
        now[0] += LONG
        return True

    now = [NOW]
    with session_of(car, tmp_path, 1, lambda: now[0]) as session:
        (found,) = with_fleet_status(session, cars_of(session))
        planned = plan_for_car(session, found, cars.limit("75"), Origin.CLI, wake=False)
        with pytest.raises(CarNotAwake, match="asleep or out of reach; nothing is sent"):
            agreed(session, planned, asleep, wake=False)
    assert car.commands == []
