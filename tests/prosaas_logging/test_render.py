"""Whatever is logged, one valid line comes out."""

import dataclasses
import datetime
import decimal
import enum
import json
import time
import uuid
from collections.abc import Callable
from importlib import resources
from pathlib import PurePath
from typing import Any

import jsonschema
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prosaas_logging import catalogue
from prosaas_logging.errors import describe
from prosaas_logging.events import IDS, AnyEvent, Event
from prosaas_logging.json_lines import JsonRenderer
from prosaas_logging.levels import DEBUG, ERROR, INFO, WARNING
from prosaas_logging.logger import Logger
from prosaas_logging.record import Context, Record
from prosaas_logging.redact import redact
from prosaas_logging.remembered import GOES_BY
from prosaas_logging.render import LONGEST_LINE, TAIL, TextRenderer, cut_to_bytes, escape, read_tail
from prosaas_logging.schemas import CANONICAL, RENAMED, RENAMES
from prosaas_logging.settings import LogSettings
from prosaas_logging.shapes import Shapes
from prosaas_logging.values import freeze

from .conftest import grown

SCHEMAS = ["default", "ecs", "gcp"]
NOWHERE = Context({})
LOGGER = Logger("tests")


EVENTS = [value for value in vars(catalogue).values() if isinstance(value, Event)]
TEXT = TextRenderer(LogSettings("svc"))
JSON = JsonRenderer(LogSettings("svc", json=True), TEXT)


def record(what: AnyEvent | str, /, level: int = INFO, exc: BaseException | None = None, **fields: object) -> Record:
    return 1_700_000_000.25, level, LOGGER, what, freeze(fields), describe(exc)


def validator(schema: str) -> jsonschema.Draft202012Validator:
    text = (resources.files("prosaas_logging") / "schemas" / f"{schema}.json").read_text("utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


VALIDATORS = {schema: validator(schema) for schema in SCHEMAS}


def human(what: AnyEvent | str, /, context: Context = NOWHERE, transcripts: bool = True, **fields: Any) -> str:
    renderer = TextRenderer(LogSettings("svc", transcripts=transcripts))
    lines = {renderer.line(record(what, **fields), context) for _ in range(3)}
    assert len(lines) == 1
    return lines.pop().decode()


def as_json(
    what: AnyEvent | str,
    /,
    schema: str = "default",
    context: Context = NOWHERE,
    transcripts: bool = True,
    **fields: Any,
) -> dict[str, Any]:
    configured = LogSettings("svc", json=True, schema=schema, transcripts=transcripts)
    # The second line goes another way than the first: by then the names are known, and parts are spliced.
    renderer = JsonRenderer(configured, TextRenderer(configured))
    lines = {renderer.line(record(what, **fields), context) for _ in range(3)}
    assert len(lines) == 1
    line = lines.pop()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert len(line) <= LONGEST_LINE + 1
    content: dict[str, Any] = json.loads(line)
    VALIDATORS[schema].validate(content)
    return content


class Broken:
    """An object that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no")


class Colour(enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


@dataclasses.dataclass
class Customer:
    name: str
    password: str


def cycle() -> list[Any]:
    items: list[Any] = []
    items.append(items)
    return items


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**63, max_value=2**80),
    st.floats(),
    st.text(),
    st.text(alphabet=st.characters(categories=["Cs", "Cc", "Cf", "Zl", "Zp"])),
    st.binary(),
    st.decimals(),
    st.datetimes(),
    st.uuids(),
    st.complex_numbers(),
    st.sampled_from(
        [Broken(), Colour.RED, Number.ONE, Customer("דוד", "x"), ValueError("v"), cycle(), object, len, ...]
    ),
    st.text(min_size=1).map(lambda text: text * 5000),
)
keys = st.one_of(st.text(), st.integers(), st.binary(), st.none(), st.tuples(st.integers()), st.builds(Broken))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner, inner),
        st.dictionaries(keys, inner, max_size=5),
        st.sets(st.integers()),
        st.frozensets(st.text()),
        inner.map(lambda value: (item for item in [value])),
    ),
    max_leaves=10,
)
names = st.one_of(
    st.text(min_size=1),
    st.sampled_from(
        ["timestamp", "severity", "message", "event", "service", "logger", "error", "self", "text", "token"]
    ),
)


@given(fields=st.dictionaries(names, values, max_size=4), text=st.text(), schema=st.sampled_from(SCHEMAS))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_value_in_any_field_gives_one_valid_line(fields: dict[str, Any], text: str, schema: str) -> None:
    configured = LogSettings("svc", json=True, schema=schema)
    texts = TextRenderer(configured)
    made: Record = (1_700_000_000.25, INFO, LOGGER, text, freeze(fields), None)
    line = JsonRenderer(configured, texts).line(made, NOWHERE)
    assert line.count(b"\n") == 1
    assert len(line) <= LONGEST_LINE + 1
    VALIDATORS[schema].validate(json.loads(line))
    assert texts.line(made, NOWHERE).decode().count("\n") == 1


@given(text=st.text())
@settings(deadline=None)
def test_no_transcript_can_forge_a_line(text: str) -> None:
    for transcript in (text, f"{text}\n[ERROR] forged", f"\r\x1b[2K{text}\u2028[INFO]\u202e"):
        line = human(catalogue.TRANSCRIPT_CUSTOMER, text=transcript)
        assert line.startswith('[INFO] 💬 [TRANSCRIPT] לקוח: "')
        assert len(line.rstrip("\n").splitlines()) == 1
        assert not set(line[:-1]) & set("\x1b\r\u2028\u202e\x85")


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_event_of_the_catalogue_fits_the_schema(schema: str) -> None:
    for event in (value for value in vars(catalogue).values() if isinstance(value, Event)):
        fields: dict[str, Any] = {name: "x" for name in event.fields if name != "level"}
        content = as_json(event, schema, Context({"call_sid": "CA1"}), **fields)
        assert event.name in json.dumps(content)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_an_error_s_stack_is_one_field_of_one_line(schema: str) -> None:
    try:
        raise KeyError("missing")
    except KeyError as error:
        content = as_json("failed", schema, level=ERROR, exc=error)
    stack = {
        "default": lambda: content["error"]["stack"],
        "ecs": lambda: content["error"]["stack_trace"],
        "gcp": lambda: content["stack_trace"],
    }[schema]()
    assert stack.startswith("Traceback")
    assert stack.endswith("KeyError: 'missing'")


def test_the_canonical_line_has_the_contract_s_names_in_their_order() -> None:
    content = as_json(catalogue.GREETING, context=Context({"call_sid": "CA1", "business_id": "456"}))
    assert list(content) == [
        "timestamp", "severity", "message", "event", "service", "env", "version", "logger", "call_sid", "business_id",
    ]  # fmt: skip
    assert content["timestamp"] == "2023-11-14T22:13:20.250000Z"


def test_a_stack_follows_its_human_line_indented_and_whole() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        first, *stack = human("failed", exc=error).rstrip("\n").split("\n")
    assert first == "[INFO] failed"
    assert all(row.startswith("    ") for row in stack)
    assert stack[0] == "    Traceback (most recent call last):"
    assert stack[-2:] == ["    ValueError: two", "    lines"]


def test_locals_are_not_in_a_stack() -> None:
    def fail(password: str) -> None:
        raise ValueError("refused")

    try:
        fail("hunter22-in-a-local")
    except ValueError as error:
        line = human("failed", exc=error)
    assert "in-a-local" not in line.replace('fail("hunter22-in-a-local")', "")


@pytest.mark.parametrize("text", ["x" * 100_000, "ש" * 100_000, "\x00" * 100_000, '"' * 50_000])
def test_a_long_field_loses_its_middle_and_the_line_says_so(text: str) -> None:
    content = as_json("long", payload=text, short="kept")
    assert content["short"] == "kept"
    assert content["payload"].startswith(text[:50])
    assert content["payload"].endswith(text[-50:])
    assert "characters cut" in content["payload"]


def test_a_long_line_is_marked_as_truncated_and_still_redacted() -> None:
    secret = "sk-" + "A1b2" * 10
    content = as_json("long", one=("y" * 7000 + " " + secret + " ") * 2, two="z" * 9000)
    assert content["truncated"] is True
    assert "sk-A1" not in json.dumps(content)


def test_a_long_human_line_is_cut_too() -> None:
    line = human("long", payload="ש" * 20_000, tail="kept")
    assert len(line.encode()) <= LONGEST_LINE + 1
    assert line.endswith("tail=kept\n")


def test_reserved_names_of_a_line_cannot_be_overwritten_by_fields() -> None:
    content = as_json("text", severity="mine", message="mine", service="mine", timestamp="mine")
    assert (content["severity"], content["message"], content["service"]) == ("INFO", "text", "svc")
    assert content["severity_"] == content["message_"] == content["service_"] == content["timestamp_"] == "mine"


def test_an_error_in_words_stands_where_an_error_with_a_stack_would() -> None:
    content = as_json(catalogue.DB_UNAVAILABLE, error="refused")
    assert content["error"] == {"message": "refused"}


def test_nested_secrets_are_hidden() -> None:
    nested = {
        "headers": {"Authorization": "Bearer abcdefgh", "X-Twilio-Signature": "abc="},
        "customer": Customer("a", "p"),
    }
    text = json.dumps(as_json("request", payload=nested))
    assert "abcdefgh" not in text
    assert "abc=" not in text
    assert '"password": "[redacted]"' in text


def test_spoken_words_become_their_length_when_transcripts_are_off() -> None:
    said = "סוד כמוס"
    assert said not in human(catalogue.TRANSCRIPT_CUSTOMER, transcripts=False, text=said)
    assert "<8 תווים>" in human(catalogue.TRANSCRIPT_CUSTOMER, transcripts=False, text=said)
    assert said not in json.dumps(as_json(catalogue.TRANSCRIPT_AI, transcripts=False, text=said), ensure_ascii=False)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"abc", "<3 bytes>"),
        (decimal.Decimal("1.50"), "1.50"),
        (datetime.date(2024, 1, 25), "2024-01-25"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePath("/tmp/x"), "/tmp/x"),
        (Colour.RED, "red"),
        (2**70, str(2**70)),
        (float("nan"), "nan"),
        (Broken(), "<unserialisable Broken: RuntimeError>"),
    ],
)
def test_a_value_that_json_does_not_know_is_shown_as_a_person_would_write_it(value: object, shown: str) -> None:
    assert as_json("value", value=value)["value"] in (shown, None)


def test_a_mutable_value_is_logged_as_it_was() -> None:
    items = [1, 2]
    made = record("items", items=items)
    items.clear()
    assert made[4] == {"items": [1, 2]}


CALL = Context({"call_sid": "CA1"}, ("call_sid=CA1",))


def test_a_tail_is_left_out_only_where_the_event_itself_says_the_same_id() -> None:
    said: dict[str, Any] = {"direction": "in", "mode": "ai"}
    assert " · " not in human(catalogue.CALL_START, context=CALL, **said)
    assert " · " not in human(catalogue.CALL_START, context=CALL, call_sid="CA1", **said)
    assert human(catalogue.CALL_START, context=CALL, call_sid="CA2", **said).endswith(" · call_sid=CA1\n")
    assert human("about call_sid=CA1", context=CALL).endswith(" · call_sid=CA1\n"), "a text may come from anybody"


@given(before=st.text(), after=st.text())
@settings(deadline=None)
def test_no_value_can_say_which_call_a_line_belongs_to(before: str, after: str) -> None:
    forged = f"{before} · call_sid=CA9{after}"
    for line in (
        human("refused", value=forged),
        human(forged),
        human(catalogue.TRANSCRIPT_CUSTOMER, text=forged, context=CALL),
        human("x", context=Context({"request_id": forged}, (f"request_id={forged}",))),
    ):
        _, ids = read_tail(line.rstrip("\n"))
        assert ids.get("call_sid") == ("CA1" if line.endswith(" · call_sid=CA1\n") else None)


def test_a_tail_is_read_as_it_was_written() -> None:
    job = Context({}, ("job_id=7", "call_sid=CA1"))
    assert read_tail(human("done", context=job).rstrip("\n")) == ("[INFO] done", {"job_id": "7", "call_sid": "CA1"})


@pytest.mark.parametrize("size", [1, 500, 5000, 100_000])
@pytest.mark.parametrize("count", [60, 99, 400])
@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_record_of_many_fields_stays_a_record(schema: str, count: int, size: int) -> None:
    fields: dict[str, Any] = {f"field_{number}": "ש" * size for number in range(count)}
    content = as_json("the text", schema, CALL, short="kept", **fields)
    own = content["prosaas"] if schema == "ecs" else content
    assert (content["message"], own["call_sid"], own["short"]) == ("the text", "CA1", "kept")
    assert sum(name.startswith("field_") for name in own) >= min(count, 98)
    line = human("the text", context=CALL, short="kept", **fields)
    assert line.startswith("[INFO] the text: short=kept, field_0=ש")
    assert line.endswith(" · call_sid=CA1\n")
    assert len(line.encode()) <= LONGEST_LINE + 1
    assert line.count("field_") >= min(count, 98)


def test_of_many_values_each_is_cut_before_one_is_left_out() -> None:
    """What keeps room of its own whatever comes are ids alone."""
    fields: dict[str, Any] = {f"field_{number}": "x" * 400 for number in range(98)}
    content = as_json("the text", context=CALL, **fields)
    assert sum(name.startswith("field_") for name in content) == 98
    assert content["call_sid"] == "CA1"


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        ("default", {"trace_id": "a" * 32, "span_id": "b" * 16}),
        ("ecs", {"trace": {"id": "a" * 32}, "span": {"id": "b" * 16}}),
        ("gcp", {"logging.googleapis.com/trace": "a" * 32, "logging.googleapis.com/spanId": "b" * 16}),
    ],
)
def test_a_line_of_a_traced_call_names_its_trace_as_its_schema_does(schema: str, names: dict[str, object]) -> None:
    traced = Context({"call_sid": "CA1", "trace_id": "a" * 32, "span_id": "b" * 16})
    content = as_json("said", schema, traced)
    assert {name: content[name] for name in names} == names
    assert content.get("prosaas", {}).keys().isdisjoint(traced.fields.keys() - {"call_sid"})
    assert "a" * 32 not in human("said", context=traced)


def test_a_long_event_keeps_its_name_and_its_ids() -> None:
    content = as_json(catalogue.TRANSCRIPT_CUSTOMER, context=CALL, text="\x00" * 50_000, other="\x01" * 50_000)
    assert (content["event"], content["call_sid"], content["severity"]) == ("TRANSCRIPT_CUSTOMER", "CA1", "INFO")
    assert content["message"].startswith("לקוח")


class Odd:
    """An object that raises whatever it is asked for."""

    def __init__(self, kind: type[BaseException]) -> None:
        self.kind = kind

    def __str__(self) -> str:
        raise self.kind

    __repr__ = __iter__ = __len__ = __str__  # type: ignore[assignment]


def shared() -> list[Any]:
    """A few KiB of lists that are 10**12 values to whoever walks all of them."""
    items: list[Any] = [1] * 100
    for _ in range(5):
        items = [items] * 100
    return items


awkward = st.one_of(
    st.builds(Odd, st.sampled_from([BaseException, KeyboardInterrupt, SystemExit, GeneratorExit, OSError])),
    st.builds(shared),
    st.builds(lambda: 10**10_000),
    st.builds(lambda: -(10**10_000)),
    st.sampled_from([float("nan"), float("inf"), float("-inf")]),
    st.sampled_from(["\ud800", "x" * 200_000, "+972501234567 " * 2000, b"x" * 100_000, type("S", (str,), {})("s")]),
)


@given(
    fields=st.dictionaries(names, st.one_of(awkward, st.lists(awkward, max_size=3), values), max_size=4),
    text=st.one_of(st.text(), st.text(min_size=1).map(lambda text: text * 20_000)),
    level=st.sampled_from([DEBUG, INFO, WARNING, ERROR, 7, 35]),
)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_value_said_many_times_at_any_level_gives_lines(fields: dict[str, Any], text: str, level: int) -> None:
    made: Record = (1_700_000_000.25, level, LOGGER, text, freeze(fields), None)
    for renderer in (JSON, TEXT):
        for _ in range(3):
            line = renderer.line(made, NOWHERE)
            assert line.count(b"\n") == 1
            assert len(line) <= LONGEST_LINE + 1


@pytest.mark.parametrize("part", range(10))
@given(fields=st.dictionaries(names, st.one_of(awkward, values), max_size=4))
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_value_in_any_event_gives_a_line(part: int, fields: dict[str, Any]) -> None:
    """A tenth of the events at a time, each with values of its own: all of them with the same few taught less."""
    for event in EVENTS[part::10]:
        own = dict(zip(event.fields, fields.values(), strict=False))
        made: Record = (1_700_000_000.25, event.level, LOGGER, event, freeze(own), None)
        assert JSON.line(made, NOWHERE).count(b"\n") == TEXT.line(made, NOWHERE).count(b"\n") == 1


def test_a_nested_value_costs_what_it_shows_and_not_what_it_holds() -> None:
    began = time.thread_time()
    for _ in range(10):
        frozen = freeze({"items": shared(), "more": shared()})
    assert time.thread_time() - began < 2
    assert len(orjson.dumps(frozen)) < 100_000


@pytest.mark.parametrize("count", [99, 100, 101, 5000])
def test_of_many_items_a_hundred_are_shown_and_the_others_counted(count: int) -> None:
    shown: Any = freeze({"items": list(range(count)), "names": {str(number): number for number in range(count)}})
    more = [f"… {count - 100} more"] if count > 100 else []
    assert shown["items"] == [*range(min(count, 100)), *more]
    assert list(shown["names"].values()) == [*range(min(count, 100)), *(f"{count - 100} more" for _ in more)]


def test_numbers_that_json_cannot_hold_are_words_in_the_second_line_too() -> None:
    for _ in range(3):
        content = json.loads(JSON.line(record("n", nan=float("nan"), big=10**5000), NOWHERE))
        assert (content["nan"], content["big"]) == ("nan", "<an integer of 16610 bits>")


def test_half_a_character_costs_no_other_value_of_its_line() -> None:
    others: dict[str, Any] = {"number": 5, "share": 0.5, "items": [1, None, True, {"inner": -7}], "most": 2**64 - 1}
    content = as_json("said", half="\ud800", **others)
    assert content["half"] == "\\ud800"
    assert {name: content[name] for name in others} == others


def test_a_long_line_leaves_room_for_its_ids() -> None:
    ids = {name: name[0] * 150 for name in ("call_sid", "business_id", "request_id", "job_id")}
    line = human("ש" * 20_000, Context({**ids}, tuple(f"{name}={value}" for name, value in ids.items())))
    assert LONGEST_LINE - 200 < len(line.encode()) <= LONGEST_LINE + 1
    assert all(value in line for value in ids.values())


@pytest.mark.parametrize("name", ["call_sid", "business_id", "request_id", "job_id", "message_id"])
def test_however_much_is_cut_from_an_object_its_ids_stay_whole(name: str) -> None:
    fields: dict[str, Any] = {f"field_{number}": "ש" * 20_000 for number in range(90)}
    content = json.loads(JSON.line(record("n", **fields), Context({name: "i" * 150})))
    assert content[name] == "i" * 150


def test_an_error_too_long_to_read_is_cut_in_both_forms() -> None:
    try:
        raise ValueError("begin" + "x" * 3_000_000 + "end")
    except ValueError as error:
        long = error
    for made in (record("failed", exc=long), record("failed", exc=chain(3000)), record("failed", exc=group(5000))):
        assert len(TEXT.line(made, NOWHERE)) < 2 * LONGEST_LINE
        content = json.loads(JSON.line(made, NOWHERE))
        assert content["error"]["stack"].startswith("Traceback")
    assert "end" in TEXT.line(record("failed", exc=long), NOWHERE).decode()
    text = TEXT.line(record("failed", exc=chain(3000)), NOWHERE).decode()
    assert "ValueError: 0\n" in text
    assert "ValueError: 2999\n" in text


@pytest.mark.parametrize(("length", "left_out"), [(32, None), (33, 25)])
def test_of_a_chain_that_nobody_reads_whole_both_ends_are_shown(length: int, left_out: int | None) -> None:
    told = describe(chain(length))
    assert told is not None
    shown = [number for number in range(length) if f"ValueError: {number}\n" in told.stack + "\n"]
    if left_out is None:
        assert shown == list(range(length))
    else:
        assert shown == [*range(4), *range(length - 4, length)]
        assert f"… {left_out} more exceptions …" in told.stack


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "ab…"),
        ("שלום", 8, "שלום"),
        ("שלום", 7, "של…"),
        ("שלום", 6, "ש…"),
        ("abc", 2, "…"),
    ],
)
def test_a_text_is_cut_to_so_many_bytes_and_no_character_is_cut(text: str, limit: int, shown: str) -> None:
    assert cut_to_bytes(text, limit) == shown


@pytest.mark.parametrize("schema", ["ecs", "gcp"])
def test_each_name_that_a_schema_gives_is_one_that_readers_of_lines_know(schema: str) -> None:
    own = (*CANONICAL - {"error"}, "trace_id", "span_id", "more")
    fields: dict[str, object] = {**dict.fromkeys(own, "x"), "error": {"kind": "k", "message": "m", "stack": "s"}}
    assert set(RENAMES[schema](fields)) - set(fields) <= RENAMED
    given = {name for rename in RENAMES.values() for name in rename(fields)}
    assert given - set(fields) == RENAMED


@pytest.mark.parametrize(
    ("schema", "said", "content"),
    [
        ("ecs", {}, {"@timestamp": "t", "log.level": "info", "message": "m", "ecs.version": "8.11.0", "log.logger": "l",
                     "service": {"name": "s", "version": "1", "environment": "prod"}}),
        ("ecs", {"event": "E", "n": 7, "error": {"kind": "k", "message": "why", "stack": "st"}},
         {"event": {"action": "E"}, "prosaas": {"n": 7},
          "error": {"type": "k", "message": "why", "stack_trace": "st"}}),
        ("gcp", {}, {"time": "t", "severity": "INFO", "message": "m", "logger": "l", "env": "prod",
                     "serviceContext": {"service": "s", "version": "1"}}),
        ("gcp", {"event": "E", "n": 7, "error": {"kind": "k", "message": "why", "stack": "st"}},
         {"event": "E", "n": 7, "error": {"kind": "k", "message": "why"}, "stack_trace": "st"}),
        ("gcp", {"error": {"message": "why"}}, {"error": {"message": "why"}}),
    ],
)  # fmt: skip
def test_a_schema_has_each_value_once_under_the_name_that_it_gives(
    schema: str, said: dict[str, Any], content: dict[str, Any]
) -> None:
    base: dict[str, object] = {"timestamp": "t", "severity": "INFO", "message": "m", "logger": "l"}
    base |= {"service": "s", "env": "prod", "version": "1"}
    rename = RENAMES[schema]
    assert rename(base | said) == (rename(base) if said else {}) | content


def chain(length: int) -> BaseException:
    last: BaseException | None = None
    for number in range(length):
        error = ValueError(number)
        error.__context__ = last
        last = error
    assert last is not None
    return last


def group(size: int) -> BaseException:
    return ExceptionGroup("many", [ValueError(number) for number in range(size)])


def test_numbers_read_well() -> None:
    shown: Callable[..., str] = lambda value: human("n", n=value)  # noqa: E731
    assert shown(3) == "[INFO] n: n=3\n"
    assert shown(0.5) == "[INFO] n: n=0.5\n"
    assert shown(12.0) == "[INFO] n: n=12\n"
    assert shown(True) == "[INFO] n: n=true\n"


def test_names_that_somebody_makes_up_are_not_remembered_for_ever() -> None:
    renderer = JsonRenderer(LogSettings("svc"), TextRenderer(LogSettings("svc")))

    def say(number: int) -> None:
        renderer.line((1.5, INFO, Logger("t"), "said", {f"made_up_{number}": number}, None), Context({}))

    assert grown(say, 20_000) < 2 * 1024**2


# Pieces of texts and values that are a secret or a number only beside one another.
PIECES = (
    "token", "secret", "id", "cookie", "Bearer", "bearer ", "=", ":", ": ", " ", ", ", "'", '"', "sk-", "abcd1234",
    "05", "0501234567", "+9725", "4580", "-", "1234", "5678", "9010", "123456782", "://u:", "p@h",
    "authorization", "basic ", "EAA", "eyJ", " · ", "%3D", "[", "(", ".", "/", "key",
    "api_key", "שלום", "access-key", "\n", " ·", "· ",
)  # fmt: skip
NAMES = (
    "id",
    "token_count",
    "mytoken",
    "n",
    "a1",
    "x_9",
    "key",
    "count",
    "secretary",
    "phone_",
    "bearer",
    "Basic",
    "b45",
)
WORDS = st.lists(st.sampled_from(PIECES), max_size=5).map("".join)
VALUES = st.one_of(
    WORDS, st.integers(-(10**17), 10**17), st.floats(allow_nan=True), st.sampled_from([True, False, None, 123456.782])
)


@settings(max_examples=1000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WORDS, st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=4))
def test_the_short_way_to_a_human_line_hides_as_much_as_the_long_one(said: str, fields: dict[str, Any]) -> None:
    """It looks at each part alone, and must see what only parts beside one another say."""
    short = short_way(said, fields)
    assert short in (None, long_way(said, fields))
    assert short is None or (escape(short) == short and TAIL not in short)


def long_way(said: AnyEvent | str, fields: dict[str, Any]) -> str:
    return redact(TEXT.text((0.0, INFO, Logger("t"), said, fields, None), NOWHERE))


def short_way(said: AnyEvent | str, fields: dict[str, Any]) -> str | None:
    """As it is the second time that the same is said with these fields."""
    shapes = Shapes(hebrew=True)
    shapes.words(said, fields)
    return shapes.words(said, fields)


EVENTS = [event for event in vars(catalogue).values() if isinstance(event, Event) and event.fields]
ODD = tuple(Event(lambda *, a, b, c: None, INFO, "", {"en": text, "he": text}) for text in (
    "{a}{b}", "{a} {b}: {c}", "{a}={b}", "token {a}", "{a}/{b}/{c}", "{a}.{b}", "sk-{a}", "+{a}", "0{a}", '"{a}"',
    "://{a}:{b}@{c}", "100% {a}", "{c}{a}", "bearer {b}", "wamid.{a}", "{a}, {b}", "EAA{c}", "{b}",
))  # fmt: skip


@settings(max_examples=1000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([*EVENTS, *ODD]), st.data())
def test_the_short_way_to_what_an_event_says_hides_as_much_as_the_long_one(said: AnyEvent, data: st.DataObject) -> None:
    names = data.draw(st.permutations([*said.fields, *data.draw(st.lists(st.sampled_from(NAMES), max_size=1))]))
    fields = {name: data.draw(VALUES) for name in names}
    short = short_way(said, fields)
    assert short in (None, long_way(said, fields))
    assert short is None or (escape(short) == short and TAIL not in short)


def test_every_id_that_a_scope_goes_by_is_one_that_an_event_may_say_itself() -> None:
    """Of those alone a line's end is asked whether its event says them already."""
    assert {name for names in GOES_BY.values() for name in names} <= IDS


@pytest.mark.parametrize("value", ["bearer sk-", "token: abc", "sk-1234567", "eyJ1234567", f"wamid.{'b' * 12}"])
def test_what_a_text_makes_of_the_value_before_it_is_hidden_as_the_long_way_does(value: str) -> None:
    event = catalogue.REALTIME_CONNECTED
    assert redact(f"{value}, ") == f"{value}, "
    assert long_way(event, {"ms": value}) != long_way(event, {"ms": "x"}).replace("xms", f"{value}ms")
    assert short_way(event, {"ms": value}) is None


@pytest.mark.parametrize("text", ["0{a}", "{a}8", "0 {a}", "{a} - 8"])
def test_a_value_that_makes_a_number_with_its_texts_own_digits_is_looked_at_with_them(text: str) -> None:
    """Only some nine digits are an identity number's: no value that a shape is tried with need be one of them."""
    said = Event(lambda *, a: None, INFO, "", {"en": text, "he": text})
    assert any("[redacted]" in long_way(said, {"a": number}) for number in range(70035580, 70035590))
    assert short_way(said, {"a": 70035589}) is None


def test_most_lines_take_the_short_way() -> None:
    assert short_way("request served", {"status": 200, "path": "/v1/things", "ms": 12.5, "ok": True}) is not None
    for event, fields in (
        (catalogue.AUDIO_DELTA, {"response_id": "resp_1", "bytes": 320}),
        (catalogue.MEDIA_IN, {"seq": 5, "bytes": 160}),
        (catalogue.RMS, {"rms": 12}),
        (catalogue.MARK, {"name": "m5", "action": "sent"}),
    ):
        assert short_way(event, fields) == long_way(event, fields)


def test_what_an_event_does_not_show_makes_nobody_look_closer_at_its_line() -> None:
    queued = {"job": "whatsapp.reply", "queued_id": "5", "key": "token: abcd1234"}
    assert short_way(catalogue.JOB_ENQUEUED, queued) == long_way(catalogue.JOB_ENQUEUED, queued)


def test_a_shape_is_tried_once_also_when_others_come_between(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def noted(text: str) -> str:
        tried.append(text)
        return redact(text)

    monkeypatch.setattr("prosaas_logging.shapes.redact", noted)
    said = Shapes(hebrew=False)
    for _ in range(2):
        for number in range(50):
            said.words(f"said {number}", {"count": 1})
    assert tried
    tried.clear()
    for number in range(50):
        assert said.words(f"said {number}", {"count": 2}) == f"said {number}: count=2"
    assert tried == []


def test_shapes_that_somebody_makes_up_are_not_remembered_for_ever() -> None:
    shapes = Shapes(hebrew=True)

    def say(number: int) -> None:
        for _ in range(3):
            shapes.words(f"said {number}", {f"made_up_{number}": f"{number} things"})
            shapes.words("x" * 10_000 + str(number), {"n": number})

    assert grown(say, 10_000) < 4 * 1024**2
