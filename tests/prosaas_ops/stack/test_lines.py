"""Human and JSON lines become the same record."""

import json
from collections.abc import Callable

import pytest

from prosaas_logging import catalogue
from prosaas_logging.schemas import RENAMES
from prosaas_ops.stack import lines
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import RANK, Line, clock, parse, perhaps, read, seconds

GOLDEN = [
    ("[INFO] 🚀 [CALL_START] call_sid=CA123, business_id=456, direction=inbound", "CALL_START", "CA123"),
    ("[INFO] ✅ [DB] נטען הקשר לקוח: name=דוד, phone=+972... · call_sid=CA123", "DB", "CA123"),
    ('[INFO] 💬 [TRANSCRIPT] לקוח: "שלום [ERROR] x" · call_sid=CA123', "TRANSCRIPT", "CA123"),
    ("[DEBUG] [TX_RESPONSE] start response_id=resp_1", "TX_RESPONSE", ""),
    ("[WARNING] ⚠️ [CONFIG_INVALID] LOG_LEVEL=LOUD", "CONFIG_INVALID", ""),
    ("[ERROR] plain words", "", ""),
]


def raw(text: str, at: str = "2024-01-25T14:00:00.500000000Z") -> RawLine:
    return RawLine(at, "prosaas-calls", text)


@pytest.mark.parametrize(("text", "event", "call_sid"), GOLDEN)
def test_a_human_line_is_taken_apart_and_put_together_again(text: str, event: str, call_sid: str) -> None:
    line = parse(raw(text))
    assert (line.level, line.event, line.call_sid) == (text[1 : text.index("]")], event, call_sid)
    assert line.human() == text


def test_a_json_line_says_the_same_as_its_human_form(json_line: Callable[..., str]) -> None:
    text = json_line("INFO", "נטען הקשר", event="DB_CONTEXT", call_sid="CA1", service="prosaas-calls", name="דוד")
    line = parse(raw(text))
    assert (line.level, line.event, line.text, line.call_sid) == ("INFO", "DB", "נטען הקשר", "CA1")
    assert line.human() == "[INFO] ✅ [DB] נטען הקשר · call_sid=CA1"
    assert line.fields == {"call_sid": "CA1", "name": "דוד"}


@pytest.mark.parametrize("schema", sorted(RENAMES))
def test_a_line_reads_the_same_in_every_schema(schema: str) -> None:
    canonical: dict[str, object] = {
        "timestamp": "2024-01-25T14:00:00Z",
        "severity": "ERROR",
        "message": "x",
        "event": "TOOL_FAILED",
        "service": "prosaas-calls",
        "env": "prod",
        "version": "1",
        "logger": "l",
        "call_sid": "CA1",
        "job_id": "7",
        "tool": "book_appointment",
        "error": {"kind": "ValueError", "message": "m", "stack": "Traceback\nValueError"},
    }
    line = parse(raw(json.dumps(RENAMES[schema](canonical))))
    assert (line.level, line.event, line.text, line.call_sid, line.job_id) == ("ERROR", "TOOL_FAILED", "x", "CA1", "7")
    assert line.stack == ["  Traceback", "  ValueError"]
    assert line.fields["tool"] == "book_appointment"


def test_the_stack_of_a_json_error_becomes_the_rows_below_it(json_line: Callable[..., str]) -> None:
    text = json_line("ERROR", "x", error={"kind": "ValueError", "stack": "Traceback\n  File a\nValueError"})
    assert parse(raw(text)).stack == ["  Traceback", "    File a", "  ValueError"]


def test_a_stack_trace_belongs_to_the_line_above_it() -> None:
    texts = ["[ERROR] broken", "  Traceback (most recent call last):", "  ZeroDivisionError", "[INFO] next"]
    first, second = read([raw(text) for text in texts])
    assert (first.stack, first.rows, second.text) == (texts[1:3], 3, "next")
    assert first.size == sum(len(text.encode()) + 1 for text in texts[:3])


@pytest.mark.parametrize("text", ["", "{not json", "[LOUD] x", '{"a": 1}', "psql: error", '{"message": "x"'])
def test_what_is_in_neither_format_is_kept_as_it_is(text: str) -> None:
    line = parse(raw(text))
    assert (line.level, line.event, line.text) == ("INFO", "", text)


def test_the_engines_stamp_is_a_moment_in_utc() -> None:
    at = seconds("2024-01-25T14:00:00.250000000Z")
    assert at == 1706191200.25
    assert clock(at) == "14:00:00.250"


def test_a_line_knows_its_size_in_bytes_as_written() -> None:
    assert parse(raw("[INFO] שלום")).size == len("[INFO] שלום\n".encode())


@pytest.mark.parametrize("level", ["WARNING", "ERROR", "CRITICAL"])
def test_a_trouble_is_known_before_it_is_parsed_in_every_format(level: str) -> None:
    """Also where another of its fields names a level that is none."""
    for text in (
        f"[{level}] ❌ [DB] x",
        json.dumps({"severity": level, "message": "x", "was": "INFO"}),
        json.dumps({"log.level": level.lower(), "message": "x", "was": "INFO"}, separators=(",", ":")),
    ):
        assert parse(RawLine("", "worker", text)).level == level
        assert perhaps()(text), text


@pytest.mark.parametrize("level", ["warn", "error", "dpanic", "panic", "fatal"])
def test_a_trouble_of_the_front_doors_is_known_before_it_is_parsed_too(level: str) -> None:
    text = json.dumps({"level": level, "msg": "x"}, separators=(",", ":"))
    assert RANK[parse(RawLine("", "gateway", text)).level] >= RANK["WARNING"]
    assert perhaps()(text)


def test_an_event_is_known_before_it_is_parsed_by_its_tag_and_by_its_own_name() -> None:
    for name, event in vars(catalogue).items():
        if hasattr(event, "tag"):
            for text in (f"[INFO] x [{event.tag}] y", json.dumps({"severity": "INFO", "message": "", "event": name})):
                assert parse(RawLine("", "worker", text)).event == event.tag
                assert perhaps((event.tag,))(text), text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[INFO] 🚀 [CALL_START] x",
        "[DEBUG] [RMS] rms=3",
        "  below an ERROR",
        "prose that says WARNING",
        '{"severity": "INFO", "message": "an ERROR"}',
    ],
)
def test_what_is_neither_is_passed_over(text: str) -> None:
    assert not perhaps()(text)
    assert RANK[parse(RawLine("", "worker", text)).level] < RANK["WARNING"]


def test_reading_nothing_gives_nothing() -> None:
    assert list(read([])) == []
    assert Line("", "", "INFO", "", "").human() == "[INFO] "


@pytest.mark.parametrize(
    ("text", "call_sid"),
    [
        ("[INFO] x · call_sid=CA1", "CA1"),
        ("[INFO] x · job_id=7 · call_sid=CA1", "CA1"),
        ("[INFO] x · call_sid=CA1 · message_id=SM1", "CA1"),
        ("[INFO] 🚀 [CALL_START] call_sid=CA1, business_id=456", "CA1"),
        ("[INFO] 🚀 [CALL_START] call_sid=CA1", "CA1"),
        ("[WARNING] ⚠️ [MEDIA_MALFORMED] Invalid value 'x · call_sid=CA1'", ""),
        ("[WARNING] ⚠️ [MEDIA_MALFORMED] call_sid=CA1, said a stranger", ""),
        ("[WARNING] x · call_sid=CA1 and more", ""),
        ("[INFO] x · call_sid=CA1 · call_sid=CA2", "CA2"),
        ("[WARNING] bad signature · request_id=CA1", ""),
        ("[INFO] he said call_sid=CA1 · call_sid=CA2", "CA2"),
        ("of a library: call_sid=CA1", ""),
        ("[INFO] said call_sid=CA1", ""),
    ],
)
def test_only_the_renderers_own_words_say_whose_line_it_is(text: str, call_sid: str) -> None:
    assert parse(raw(text)).call_sid == call_sid


@pytest.mark.parametrize("indent", ["  ", "\t"])
def test_a_row_that_is_indented_belongs_to_the_line_above_it(indent: str) -> None:
    (line,) = read([raw("[ERROR] x"), raw(f"{indent}Traceback")])
    assert line.stack == [f"{indent}Traceback"]


def test_a_line_that_is_nested_deeper_than_anybody_reads_is_kept_as_it_is() -> None:
    text = '{"message": "x", "a": ' + "[" * 30_000
    assert parse(raw(text)).text == text


def test_a_line_of_the_front_doors_that_is_nested_as_deep_as_can_be_read_is_read() -> None:
    for depth in range(900, 1000):
        text = '{"level":"error","msg":"x","a":' + "[" * depth + "]" * depth + "}"
        assert parse(RawLine("2024-01-25T14:00:00Z", "gateway", text)).level in ("ERROR", "INFO")


@pytest.mark.parametrize("said", ["\\ud800", "CA1/../../x", "<b>", "CA1 CALL=CA2"])
def test_what_no_id_looks_like_names_no_call_in_a_json_line_either(said: str) -> None:
    for text in (f'{{"message": "x", "call_sid": "{said}", "job_id": "{said}"}}', f"[INFO] x · call_sid={said}"):
        line = parse(raw(text))
        assert (line.call_sid, line.job_id) == ("", "")


@pytest.mark.parametrize(
    ("written", "level", "text"),
    [
        (
            '"level":"error","logger":"tls.obtain","msg":"no certificate","error":"429"',
            "ERROR",
            "no certificate, logger=tls.obtain, error=429",
        ),
        (
            '"level":"error","logger":"http.acme_client","msg":"challenge failed","identifier":"a.example",'
            '"problem":{"type":"urn:ietf:params:acme:error:connection","detail":"Timeout (likely firewall)"}',
            "ERROR",
            "challenge failed, logger=http.acme_client, identifier=a.example, problem="
            '{"type": "urn:ietf:params:acme:error:connection", "detail": "Timeout (likely firewall)"}',
        ),
        ('"level":"info","msg":"waits","domains":["a.example"]', "INFO", 'waits, domains=["a.example"]'),
        ('"level":"warn","msg":"x","request":{"uri":"/?phone=+972501234567"},"status":502', "WARNING", "x, status=502"),
        ('"level":"fatal","msg":"x","user_id":""', "CRITICAL", "x"),
        ('"level":["x"],"msg":null', "INFO", "None"),
    ],
)
def test_the_front_doors_own_lines_have_their_level_and_nothing_of_a_request(
    written: str, level: str, text: str
) -> None:
    """`make errors S=gateway` found none of them."""
    line = parse(RawLine("2024-01-25T14:00:00Z", "gateway", f'{{"ts":1.5,{written}}}'))
    assert (line.level, line.event, line.text) == (level, "", text)


@pytest.mark.parametrize(
    "damage", ["", ',"duration":null', ',"duration":1e400,"path":7', ',"duration":"x"', ',"status":{}']
)
def test_a_request_that_the_front_door_gave_up_is_told_however_little_is_said_of_it(damage: str) -> None:
    line = parse(
        RawLine("2024-01-25T14:00:00Z", "gateway", f'{{"level":"error","msg":"x","event":"DOOR_GAVE_UP"{damage}}}')
    )
    assert "the front door gave up a request after" in line.text
    assert line.human().startswith("[ERROR] [DOOR_GAVE_UP] ")


def test_a_line_of_another_service_is_not_read_as_the_front_doors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one of a gateway in another project, whose request is nobody's to leave out."""
    text = '{"level":"error","msg":"x","request":{"uri":"/"}}'
    assert parse(raw(text)).level == "INFO"
    monkeypatch.setattr(lines, "OTHERS", ("gateway",))
    line = parse(RawLine("2024-01-25T14:00:00Z", "gateway", text))
    assert (line.level, line.text) == ("INFO", text)
