"""One person is found by any spelling, shown whole, and gone from every table; nobody else is touched."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from prosaas_core.messages.fates import note_call
from prosaas_core.postgres import address
from prosaas_core.privacy import ledger, person
from prosaas_core.privacy.files import mentions
from prosaas_core.privacy.person import NotAPersonError, known_as, rows_of, whole_number
from prosaas_core.privacy.places import PLACES
from prosaas_logging.redact import redact

pytestmark = pytest.mark.postgres

DIGITS = "972501112233"
# As Meta makes them: the number, in base64, and then what tells one message from another.
WAMID = "wamid.HBgMOTcyNTAxMTEyMjMzFQIAERgSNUY0MjVBNzRGMTMwMzM0OTJBAA=="
# What a person leaves behind: as a caller, as somebody who writes, in others' words, and on the way through the queue.
ROWS = """
INSERT INTO customers (id, business_id, channel, external_id, name, phone)
    VALUES ({n}1, 1000, 'phone', '+{digits}', '{mark}', '+{digits}');
INSERT INTO customers (id, business_id, channel, external_id, name) VALUES ({n}2, 1001, 'whatsapp', '{digits}', '{mark}');
INSERT INTO appointments (id, business_id, customer_id, starts_at, ends_at, note)
    VALUES ({n}, 1000, {n}1, timestamptz '2031-01-01Z' + interval '{n} days', timestamptz '2031-01-01 01:00Z' + interval '{n} days', '{mark}');
INSERT INTO calls (call_sid, business_id, customer_id, from_number, to_number, duration_s, end_reason, transcript, events, summary, metrics, ended_at)
    VALUES ('CA{mark}', 1000, {n}1, '+{digits}', '+97239990000', 42, 'customer_hangup', '[{{"who": "customer", "text": "{mark}"}}]', '[{{"e": "{mark}"}}]', '{mark}', '{{"turns": 3}}', now());
INSERT INTO calls (call_sid, business_id, direction, from_number, to_number, ended_at)
    VALUES ('CAout{mark}', 1000, 'outbound', '+97239990000', '+{digits}', now());
INSERT INTO call_messages (id, business_id, call_sid, number, body) VALUES ({n}, 1000, 'CA{mark}', '', '{mark}');
INSERT INTO call_messages (id, business_id, call_sid, number, body) VALUES ({n}9, 1000, 'CAothers', '{spelled}', '{mark}');
INSERT INTO conversations (id, business_id, customer_id, channel) VALUES ({n}, 1001, {n}2, 'meta');
INSERT INTO messages (id, conversation_id, direction, body) VALUES ('wamid.{mark}', {n}, 'in', '{mark}');
INSERT INTO messages (id, conversation_id, direction, body) VALUES ('wamid.out{mark}', {n}, 'out', '{mark}');
INSERT INTO message_fates (provider_id, status) VALUES ('wamid.out{mark}', 'read');
INSERT INTO message_fates (provider_id, status) VALUES ('SM{mark}', 'sent');
INSERT INTO outbound_messages (key, provider, sender, recipient, body, status, provider_id)
    VALUES ('appointment.remind:{n}:x', 'twilio', 'whatsapp:+97239990000', 'whatsapp:+{digits}', '{mark}', 'sent', 'SM{mark}');
INSERT INTO outbound_messages (key, provider, sender, recipient, body, status, conversation_id)
    VALUES ('whatsapp.reply:{n}:1', 'meta', '1055', '{digits}', '{mark}', 'ready', {n});
INSERT INTO outbound_messages (key, provider, sender, recipient, body, status)
    VALUES ('business.tell:message:{n}9', 'twilio', 'us', '+97238880000', '{mark}', 'sent');
INSERT INTO outbound_messages (key, provider, sender, recipient, body, status)
    VALUES ('business.tell:CA{mark}:2026-01-01', 'twilio', 'us', '+97238880000', '{mark}', 'sent');
INSERT INTO pgqueuer (priority, status, entrypoint, dedupe_key, payload, heartbeat, execute_after, updated)
    VALUES (0, 'queued', 'call.summarise', '{mark}1', '{{"call_sid": "CA{mark}", "cause": {{"call_sid": "CA{mark}"}}}}', now(), now(), now());
INSERT INTO pgqueuer (priority, status, entrypoint, dedupe_key, payload, heartbeat, execute_after, updated)
    VALUES (0, 'queued', 'appointment.remind', '{mark}2', '{{"appointment_id": {n}, "cause": {{}}}}', now(), now(), now());
INSERT INTO pgqueuer (priority, status, entrypoint, dedupe_key, payload, heartbeat, execute_after, updated)
    VALUES (0, 'queued', 'whatsapp.reply', '{mark}3', '{{"conversation_id": {n}, "message_id": "wamid.{mark}"}}', now(), now(), now());
INSERT INTO log_switches (service, target, value, level, until, for_s)
    VALUES ('prosaas-calls', 'phone', '{spelled}', 'DEBUG', 2e9, 900), ('prosaas-calls', 'call', 'CA{mark}', 'DEBUG', 2e9, 900);
INSERT INTO black_boxes (node, name, written_at, content) VALUES ('a', 'CA{mark}', now(), '{{}}'),
    ('b', 'CA{mark}', now(), '{{}}'), ('a', 'job {mark} 1', now(), 'of call_sid=CA{mark}'), ('a', 'job {mark} 2', now(), 'to 00{digits}!');
"""  # noqa: E501


@pytest.fixture
async def connection(database_url: str) -> Any:
    opened = await asyncpg.connect(**address.arguments(database_url))
    for number in (1000, 1001):
        await opened.execute(f"INSERT INTO businesses (id, name, phone) VALUES ({number}, 'b', '+9723999{number}')")
    await leave(opened, 10, "anna", DIGITS, "050-111 2233")
    await leave(opened, 20, "boris", "972501112234", "050-1112234")
    yield opened
    await opened.close()


async def leave(connection: Any, n: int, mark: str, digits: str, spelled: str) -> None:
    await connection.execute(ROWS.format(n=n, mark=mark, digits=digits, spelled=spelled))


async def everything(connection: Any) -> dict[str, list[str]]:
    """Each table whole, as text; a payload in words."""
    tables = {}
    for place in PLACES:
        columns = (
            "convert_from(payload, 'UTF8'), dedupe_key" if place.table == "pgqueuer" else f"to_jsonb({place.table})"
        )
        tables[place.table] = sorted(
            str(tuple(row)) for row in await connection.fetch(f"SELECT {columns} FROM {place.table}")
        )
    return tables


async def forget(connection: Any, **named: Any) -> ledger.Forgotten:
    rows = await rows_of(connection, await known_as(connection, **named))
    forgotten = ledger.Forgotten.of("r", datetime.now(UTC) + timedelta(minutes=1), rows)
    await person.erase(connection, rows, forgotten.at)
    return forgotten


@pytest.mark.parametrize("named", [{"number": DIGITS}, {"customer": 101}, {"customer": 102}])
async def test_the_person_is_gone_from_every_table_and_the_other_is_not(connection: Any, named: Any) -> None:
    before = await everything(connection)
    await forget(connection, **named)
    after = await everything(connection)
    for table, rows in after.items():
        # A call keeps its id and its numbers.
        left = [row.replace("CAanna", "").replace("CAoutanna", "") for row in rows]
        assert not any("anna" in row or DIGITS in row or "2233" in row for row in left), table
        assert [row for row in before[table] if "boris" in row or "972501112234" in row] == [
            row for row in rows if "boris" in row or "972501112234" in row
        ], table
    assert await connection.fetchrow("SELECT duration_s, end_reason, metrics FROM calls WHERE call_sid = 'CAanna'") == (
        42,
        "customer_hangup",
        '{"turns": 3}',
    )
    assert not await rows_of(connection, await known_as(connection, number=DIGITS))


@pytest.mark.parametrize(
    ("content", "theirs"),
    [
        ("my number is +972 50-111 2233", True),
        ("rang 972-50-1112233 back", True),
        ("dial 00972(50)111.22.33", True),
        (f"message_id={redact(WAMID)}", True),
        (f"message_id={WAMID}", True),
        ("972-50-1112234", False),
        ("1972-50-1112233", False),
        ("972-50-11122334", False),
    ],
)
async def test_a_black_box_is_theirs_by_what_a_file_of_it_is_theirs_by(
    connection: Any, content: str, theirs: bool
) -> None:
    await connection.execute(
        "INSERT INTO messages (id, conversation_id, direction, body) VALUES ($1, 10, 'in', '')", WAMID
    )
    key = await connection.fetchval(
        "INSERT INTO black_boxes (node, name, written_at, content) VALUES ('a', 'job', now(), $1) RETURNING id::text",
        content,
    )
    rows = await rows_of(connection, await known_as(connection, number=DIGITS))
    assert (key in rows["black_boxes"]) is theirs
    pattern = mentions(DIGITS, person.ids_of(rows))
    assert pattern is not None
    assert (pattern.search(content.encode()) is not None) is theirs


async def test_late_news_of_a_forgotten_call_does_not_bring_the_number_back(connection: Any) -> None:
    await forget(connection, number=DIGITS)
    await note_call(
        connection,
        "CAanna",
        status="completed",
        from_number=f"+{DIGITS}",
        to_number="+97239990000",
        direction="inbound",
        duration_s=42,
    )
    assert await connection.fetchval("SELECT from_number FROM calls WHERE call_sid = 'CAanna'") == ""


async def test_what_is_shown_is_every_row_of_theirs_and_no_other(connection: Any) -> None:
    rows = await rows_of(connection, await known_as(connection, number=DIGITS))
    tables = await person.said(connection, rows)
    assert set(tables) == {place.table for place in PLACES}
    text = json.dumps(tables)
    assert "boris" not in text
    assert "972501112234" not in text
    assert {job["payload"].get("call_sid") for job in tables["pgqueuer"]} == {"CAanna", None}
    for table, keys in rows.items():
        assert len(tables[table]) == len(keys)


@pytest.mark.parametrize(
    ("dictated", "theirs"),
    [
        ("050-111 2233", True),
        ("501112233", True),
        ("+972 50 111 2233", True),
        ("00972501112233", True),
        # Somebody else's: a number of another area or country that ends alike.
        ("01-112233", False),
        ("01112233", False),
        ("+1 501112233", False),
    ],
)
async def test_a_number_that_only_ends_alike_is_somebody_elses(connection: Any, dictated: str, theirs: bool) -> None:
    await connection.execute(
        "INSERT INTO call_messages (id, business_id, call_sid, number, body) VALUES (900, 1000, 'CAx', $1, 'x')",
        dictated,
    )
    rows = await rows_of(connection, await known_as(connection, number=DIGITS))
    assert ("900" in rows["call_messages"]) == theirs


TRUNK = "9720501112233"
STORED_WITH_TRUNK = f"""
    UPDATE customers SET external_id = '+{TRUNK}', phone = '+{TRUNK}' WHERE id = 101;
    UPDATE customers SET external_id = '{TRUNK}' WHERE id = 102;
    UPDATE calls SET customer_id = NULL, from_number = '+{TRUNK}' WHERE call_sid = 'CAanna';
    UPDATE calls SET to_number = '+{TRUNK}' WHERE call_sid = 'CAoutanna';
    UPDATE call_messages SET number = '+{TRUNK}' WHERE id = 109;
    UPDATE log_switches SET value = '+{TRUNK}' WHERE value = '050-111 2233';
    UPDATE outbound_messages SET recipient = 'whatsapp:+{TRUNK}' WHERE recipient = 'whatsapp:+{DIGITS}';
    UPDATE black_boxes SET content = 'to +972 (0)50-111 2233!' WHERE name = 'job anna 2';
"""


@pytest.mark.parametrize("named", [{"number": DIGITS}, {"number": TRUNK}, {"customer": 101}])
async def test_a_number_that_was_stored_with_the_zero_of_its_country_is_theirs(connection: Any, named: Any) -> None:
    """Nobody else's begins so."""
    theirs = await rows_of(connection, await known_as(connection, number=DIGITS))
    await connection.execute(STORED_WITH_TRUNK)
    before = await everything(connection)
    found = await rows_of(connection, await known_as(connection, **named))
    assert {table: sorted(keys) for table, keys in found.items()} == {
        table: sorted(keys) for table, keys in theirs.items()
    }
    await forget(connection, **named)
    for table, rows in (await everything(connection)).items():
        left = [row.replace("CAanna", "").replace("CAoutanna", "") for row in rows]
        assert not any("anna" in row or TRUNK in row for row in left), table
        assert [row for row in rows if "boris" in row] == [row for row in before[table] if "boris" in row], table


async def test_a_number_of_another_country_has_no_such_zero(connection: Any) -> None:
    """In Italy it is a part of the number."""
    await connection.execute("UPDATE calls SET from_number = '+390612345678' WHERE call_sid = 'CAanna'")
    await connection.execute("UPDATE calls SET customer_id = NULL")
    found = await rows_of(connection, await known_as(connection, number="39612345678"))
    assert "CAanna" not in found.get("calls", ())


async def test_a_business_whose_number_was_stored_so_is_no_person(connection: Any) -> None:
    await connection.execute("UPDATE businesses SET phone = '+972039991000' WHERE id = 1000")
    with pytest.raises(NotAPersonError, match="business"):
        await known_as(connection, number="97239991000")


async def test_a_landline_is_not_the_mobile_that_ends_like_it(connection: Any) -> None:
    await connection.execute(
        "INSERT INTO call_messages (id, business_id, call_sid, number, body) "
        "VALUES (901, 1000, 'CAx', '03-1234567', 'x')"
    )
    assert await rows_of(connection, await known_as(connection, number="972531234567")) == {}
    assert await rows_of(connection, await known_as(connection, number="97231234567")) == {"call_messages": ["901"]}


async def test_a_live_call_is_told(connection: Any) -> None:
    await connection.execute("UPDATE calls SET recorded_at = now()")
    rows = await rows_of(connection, await known_as(connection, number=DIGITS))
    assert await person.live_calls(connection, rows) == []
    await connection.execute(
        f"INSERT INTO calls (call_sid, status, from_number) VALUES ('CAnow', 'ringing', '+{DIGITS}')"
    )
    rows = await rows_of(connection, await known_as(connection, number=DIGITS))
    assert await person.live_calls(connection, rows) == ["CAnow"]
    # Twilio has said that it is over, and its record, which has the number and the words, is still on its way.
    await connection.execute("UPDATE calls SET status = 'completed', ended_at = now() WHERE call_sid = 'CAnow'")
    assert await person.live_calls(connection, rows) == ["CAnow"]
    await connection.execute("UPDATE calls SET ended_at = now() - interval '3 minutes' WHERE call_sid = 'CAnow'")
    assert await person.live_calls(connection, rows) == []


async def test_who_was_put_through_to_a_person_is_live_until_the_carrier_says_that_it_is_over(connection: Any) -> None:
    """They may come back to us, and what they say then would be stored under their number."""
    await connection.execute("UPDATE calls SET recorded_at = now(), ended_at = now()")
    rows = await rows_of(connection, await known_as(connection, number=DIGITS))
    await connection.execute(
        "UPDATE calls SET end_reason = 'transferred', started_at = now() WHERE call_sid = 'CAanna'"
    )
    assert await person.live_calls(connection, rows) == ["CAanna"]
    await connection.execute("UPDATE calls SET carrier_status = 'completed' WHERE call_sid = 'CAanna'")
    assert await person.live_calls(connection, rows) == []


async def test_what_was_promised_and_not_done_goes_with_the_words(connection: Any) -> None:
    await connection.execute(
        """UPDATE calls SET metrics = '{"turns": 3, "unkept": "I have booked anna"}' WHERE call_sid = 'CAanna'"""
    )
    await forget(connection, number=DIGITS)
    assert await connection.fetchval("SELECT metrics FROM calls WHERE call_sid = 'CAanna'") == '{"turns": 3}'


async def test_a_business_is_no_person(connection: Any) -> None:
    """Every call that it ever had would be theirs."""
    with pytest.raises(NotAPersonError, match="business"):
        await known_as(connection, number="97239991000")


@pytest.mark.parametrize("given", ["0501112233", "972501112233", "+1234", "", "anna"])
def test_less_than_a_whole_number_is_nobody(given: str) -> None:
    with pytest.raises(NotAPersonError, match="country"):
        whole_number(given)


def test_a_number_may_be_written_as_people_do() -> None:
    assert whole_number("+972 50-111 2233") == whole_number("00972501112233") == DIGITS


async def test_an_older_copy_of_the_database_forgets_them_again(
    connection: Any, database_url: str, postgres_server: Any, tmp_path: Path
) -> None:
    """By hashes of keys: a line of the file has no number in it, and no id that could have one."""
    before = await everything(connection)
    rows = await rows_of(connection, await known_as(connection, number=DIGITS))
    forgotten = ledger.Forgotten.of("r", datetime.now(UTC) + timedelta(minutes=1), rows)
    ledger.note(tmp_path, forgotten)
    written = (tmp_path / ledger.FILE).read_text()
    assert "anna" not in written
    assert DIGITS not in written
    assert (tmp_path / ledger.FILE).stat().st_mode & 0o777 == 0o600
    (read,) = ledger.noted(tmp_path)
    # The copy is this database itself: it was never erased.
    await connection.execute(ledger.again(read, {place.table for place in PLACES}))
    after = await everything(connection)
    assert after != before
    assert not await rows_of(connection, await known_as(connection, number=DIGITS))
    assert sum("boris" in row for rows in after.values() for row in rows) == sum(
        "boris" in row for rows in before.values() for row in rows
    )


async def test_a_black_box_that_only_the_older_copy_has_goes_by_its_calls_name(connection: Any) -> None:
    """When they were forgotten it was gone, for there were five hundred newer ones: nobody noted its id."""
    add = "INSERT INTO black_boxes (node, name, written_at, content) VALUES ('c', $1, now(), 'a word')"
    await connection.execute("DELETE FROM black_boxes WHERE name LIKE '%anna%'")
    forgotten = await forget(connection, number=DIGITS)
    assert "black_boxes" not in forgotten.hashes
    for name in ("CAanna", "CAboris"):
        await connection.execute(add, name)
    await connection.execute(ledger.again(forgotten, {"black_boxes"}))
    assert [name for (name,) in await connection.fetch("SELECT name FROM black_boxes WHERE node = 'c'")] == ["CAboris"]


async def test_a_row_that_got_a_forgotten_ones_number_later_stays(connection: Any) -> None:
    """After a restore the ids are given anew, to others."""
    rows = await rows_of(connection, await known_as(connection, number=DIGITS))
    earlier = ledger.Forgotten.of("r", datetime.now(UTC) - timedelta(days=1), rows)
    before = await everything(connection)
    await connection.execute(ledger.again(earlier, {place.table for place in PLACES}))
    await person.erase(connection, rows, earlier.at)
    assert await everything(connection) == before


async def test_a_copy_with_an_older_schema_is_taken_for_what_it_has(connection: Any) -> None:
    rows = await rows_of(connection, await known_as(connection, number=DIGITS))
    assert "call_messages" not in ledger.again(
        ledger.Forgotten.of("r", datetime.now(UTC), rows), {"calls", "customers"}
    )


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"receipt": "x"}',
        '{"receipt": "x", "at": "2026-01-01T00:00:00+00:00", "hashes": {"calls": ["\'); --"]}}',
    ],
)
def test_a_damaged_line_is_no_line_to_pass_over(tmp_path: Path, line: str) -> None:
    (tmp_path / ledger.FILE).write_text(f"{line}\n")
    with pytest.raises(ValueError, match="line 1"):
        list(ledger.noted(tmp_path))


def test_without_the_file_nobody_was_forgotten(tmp_path: Path) -> None:
    assert list(ledger.noted(tmp_path)) == []
