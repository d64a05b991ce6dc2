"""What the database remembers of a call, in a database at the newest schema."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from postgres_world import Fill
from prosaas_ops.options import Problem, Usage
from prosaas_ops.stack import records
from prosaas_ops.stack.found import calls_of
from prosaas_ops.stories.judged import paid

INSERT = """
    insert into calls (call_sid, business_id, from_number, to_number, status, started_at, ended_at, duration_s,
                       end_reason, metrics, transcript, events, summary)
    values ($1, 456, $2, '+97235550100', 'completed', $3::text::timestamptz, $3::text::timestamptz + interval '9 s', 9,
            'customer_hangup', $4, $5, $6, 'נקבע תור')
"""


@pytest.fixture
def stored(fill: Fill) -> None:
    """Two calls of one number, the later one with a job in the queue."""

    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await connection.execute("insert into businesses (id, name, phone) values (456, 'מספרת דנה', '+97235550100')")
        for call_sid, when in (("CAold", "2024-01-25T14:00Z"), ("CAnew", "2024-01-26T14:00Z")):
            turns = json.dumps([{"who": "ai", "text": "שלום", "at_ms": 0}])
            values: list[Any] = [call_sid, "+972501234567", when, '{"turns": 3}', turns, "[]"]
            await connection.execute(INSERT, *values)
        await connection.execute(
            "insert into pgqueuer (priority, entrypoint, payload, status, created, updated, heartbeat)"
            " values (0, 'call.summarise', $1, 'queued', now(), now(), now())",
            json.dumps({"cause": {"call_sid": "CAnew"}}).encode(),
        )

    fill(write)


@pytest.mark.usefixtures("stored")
def test_a_record_comes_with_its_business_and_its_queued_jobs() -> None:
    record = records.call_record("CAnew")
    assert record is not None
    assert (record.business, record.end_reason, record.duration_s) == ("456 מספרת דנה", "customer_hangup", 9.0)
    assert (record.metrics, record.transcript[0]["text"], record.events) == ({"turns": 3}, "שלום", [])
    assert [(job.name, job.status) for job in record.jobs] == [("call.summarise", "queued")]


@pytest.mark.usefixtures("stored")
def test_a_record_tells_what_its_call_cost_charge_by_charge(fill: Fill) -> None:
    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await connection.execute(
            """
            insert into charges (business_id, call_sid, kind, name, tokens_in, tokens_cached, tokens_out, seconds, cost,
                                 currency, estimated)
            select 456, 'CAnew', kind, name, 0, 0, 0, 0, cost, 'USD', name = 'gpt-realtime-2.1'
            from (values ('model', 'gpt-realtime-2.1', 0.05), ('phone', 'twilio', 0.0125), ('phone', 'twilio', 0.0125),
                         ('text', 'gpt-of-tomorrow', null)) as bought (kind, name, cost)
            """
        )

    fill(write)
    record = records.call_record("CAnew")
    assert record is not None
    assert paid(record) == "gpt-realtime-2.1 0.0500 estimated · twilio 0.0250 · gpt-of-tomorrow ? USD"
    assert paid(record, "he").startswith("gpt-realtime-2.1 0.0500 (משוער) · ")
    unpaid = records.call_record("CAold")
    assert unpaid is not None
    assert paid(unpaid) == ""


@pytest.mark.usefixtures("stored")
def test_a_zone_that_postgres_has_not_hides_no_record(fill: Fill) -> None:
    """Nobody knows what its clock says; its calendar is in UTC."""

    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await connection.execute("update businesses set timezone = 'Mars/Hellas'")
        await connection.execute(
            "with customer as (insert into customers (business_id, channel, external_id, name)"
            " values (456, 'phone', '+97250', 'x') returning id)"
            " insert into appointments (business_id, customer_id, starts_at, ends_at, status, call_sid)"
            " select 456, id, '2024-02-01T08:00Z', '2024-02-01T09:00Z', 'booked', 'CAnew' from customer"
        )

    fill(write)
    record = records.call_record("CAnew")
    assert record is not None
    assert (record.business, record.local_start) == ("456 מספרת דנה", None)
    assert [f"{found.starts_at:%H:%M}" for found in record.appointments] == ["08:00"]


@pytest.mark.usefixtures("stored")
def test_a_record_tells_what_the_calendar_says_now(fill: Fill) -> None:
    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await connection.execute(
            "insert into customers (id, business_id, channel, external_id, name)"
            " values (1, 456, 'phone', '+97250', 'x')"
        )
        await connection.execute("update calls set customer_id = 1")
        for call_sid, status, when in (
            ("CAnew", "cancelled", "2024-02-01T08:00Z"),
            ("CAold", "booked", "2099-07-01T08:00Z"),
            ("CAold", "booked", "2024-02-02T08:00Z"),
        ):
            await connection.execute(
                "insert into appointments (business_id, customer_id, starts_at, ends_at, status, call_sid)"
                " values (456, 1, $3::text::timestamptz, $3::text::timestamptz + interval '1 h', $2, $1)",
                call_sid, status, when,
            )  # fmt: skip

    fill(write)
    record = records.call_record("CAnew")
    assert record is not None
    assert [(f"{found.starts_at:%Y-%m-%d %H:%M}", found.status, found.call_sid) for found in record.appointments] == [
        ("2024-02-01 10:00", "cancelled", "CAnew"),
        ("2099-07-01 11:00", "booked", "CAold"),
    ]


@pytest.mark.usefixtures("stored")
def test_a_number_has_its_calls_since_a_moment_and_their_number() -> None:
    told = calls_of("0501234567", datetime(2024, 1, 26, tzinfo=UTC))
    assert ([row.facts.call_sid for row in told.rows], told.calls) == (["CAnew"], 1)


@pytest.mark.usefixtures("stored")
def test_a_number_is_known_that_a_business_is_called_at() -> None:
    assert records.number_known("+97235550100")
    assert not records.number_known("+97235550101")
    assert records.numbers() == ["+97235550100"]


@pytest.mark.usefixtures("stored")
def test_a_call_without_a_record_is_none() -> None:
    assert records.call_record("CAnone") is None


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    "phone", ["+972501234567", "050-1234567", "00972 50 123 4567", "0501234567", "+972 (0)50 1234567", "(050) 123-4567"]
)
def test_a_number_finds_its_calls_newest_first_however_it_is_written(phone: str) -> None:
    assert [row.facts.call_sid for row in calls_of(phone).rows] == ["CAnew", "CAold"]


@pytest.mark.usefixtures("stored")
def test_a_number_finds_the_calls_to_it_too() -> None:
    assert calls_of("+972-3-555-0100").calls == 2
    assert calls_of("+97239999999").rows == []


@pytest.mark.parametrize(
    ("number", "typed"),
    [
        ("+447911123456", ("7911123456", "911123456", "911 123 456", "11123456", "07911 123456", "0044 7911 123456")),
        (
            "+972547654321",
            ("47654321", "547654321", "054-765 4321", "(054) 7654321", "+972 (0)54 7654321"),
        ),
        ("+12125551234", ("125551234", "25551234", "(212) 555 1234", "+1 212 555 1234")),
        ("+19721234567", ("9721234567", "721234567")),
    ],
)
def test_a_number_of_any_country_is_searched_by_its_ending_unless_its_beginning_was_typed(
    number: str, typed: tuple[str, ...]
) -> None:
    """Eight or nine digits are no whole number of ours, which would be another one."""
    for spelled in typed:
        assert number.endswith(records.local_digits(spelled)), spelled
        assert number.endswith(records.local_digits(records.searched(spelled))), spelled


@pytest.mark.parametrize("phone", ["123", "%_%", "abc"])
def test_what_is_no_number_is_wrong_usage(phone: str) -> None:
    with pytest.raises(Usage, match="PHONE="):
        calls_of(phone)


def test_a_database_that_does_not_answer_is_a_problem_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://me:planted-password@127.0.0.1:1/x")
    monkeypatch.delenv("DATABASE_URL_FILE", raising=False)
    with pytest.raises(Problem, match="the database does not answer") as caught:
        records.call_record("CA1")
    assert "planted-password" not in str(caught.value)


def test_a_password_that_was_changed_meanwhile_is_told_as_such_and_the_database_is_not_blamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse(**_: object) -> None:
        raise asyncpg.InvalidPasswordError('password authentication failed for user "prosaas_ops"')

    monkeypatch.setenv("DATABASE_URL", "postgresql://me:planted-password@postgres/x")
    monkeypatch.setattr(asyncpg, "connect", refuse)
    with pytest.raises(records.Away, match="if make rotate-secret changed it meanwhile, the next command") as caught:
        records.call_record("CA1")
    assert "does not answer" not in str(caught.value)
    # Before its end a first start has not made the roles either.
    assert "If the first start is not over: make up-prod" in str(caught.value)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (asyncpg.InsufficientPrivilegeError("permission denied for table calls"), "answers, and refuses: permission"),
        (asyncpg.UndefinedTableError('relation "calls" does not exist'), 'answers, and refuses: relation "calls"'),
        (asyncpg.InvalidCatalogNameError('database "x" does not exist'), 'answers, and refuses: database "x"'),
        (asyncpg.CannotConnectNowError("the database system is starting up"), "does not answer: the database system"),
        (asyncpg.TooManyConnectionsError("too many clients already"), "does not answer: too many clients"),
    ],
)
def test_a_refusal_is_told_as_what_it_is_and_no_silence(
    error: asyncpg.PostgresError, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(**_: object) -> None:
        raise error

    monkeypatch.setenv("DATABASE_URL", "postgresql://me@postgres/x")
    monkeypatch.setattr(asyncpg, "connect", refuse)
    with pytest.raises(records.Away, match=f"the database {told}"):
        records.call_record("CA1")


@pytest.mark.parametrize(
    ("error", "cured"),
    [
        (asyncpg.InsufficientPrivilegeError("permission denied for table calls"), True),
        (asyncpg.QueryCanceledError("canceling statement due to statement timeout"), False),
        (asyncpg.SerializationError("canceling statement due to conflict with recovery"), False),
    ],
)
def test_a_start_is_named_as_the_cure_of_what_a_start_mends_alone(
    error: asyncpg.PostgresError, cured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that ends long statements, or a standby, has the tables and the rights of this version."""

    async def refuse(**_: object) -> None:
        raise error

    monkeypatch.setenv("DATABASE_URL", "postgresql://me@postgres/x")
    monkeypatch.setattr(asyncpg, "connect", refuse)
    with pytest.raises(records.Away, match="answers, and refuses") as told:
        records.call_record("CA1")
    assert ("make up-prod" in str(told.value)) is cured


def test_the_address_comes_from_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "url").write_text("postgres+asyncpg://a@b/c\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    assert records.server()["host"] == ["b"]
    # It only reads, which a server that can no more be written to still serves.
    assert records.server()["target_session_attrs"] == "any"
    (tmp_path / "url").write_text("postgres://a:hunter2#@b/c\n")
    with pytest.raises(Problem, match="percent-encode") as refused:
        records.server()
    assert "hunter2" not in str(refused.value)
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "none"))
    with pytest.raises(Problem, match="make setup"):
        records.database_url()
