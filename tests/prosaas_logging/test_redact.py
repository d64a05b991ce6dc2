"""Nothing secret is shown, by the name of a field or by its looks."""

import base64
import importlib
import pkgutil
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prosaas_logging import catalogue
from prosaas_logging.digits import is_private, mask_phone
from prosaas_logging.errors import describe
from prosaas_logging.events import IDS
from prosaas_logging.json_lines import JsonRenderer
from prosaas_logging.logger import Logger
from prosaas_logging.record import Context, Record
from prosaas_logging.redact import (
    LONGEST_TEXT,
    PHONE_ENDINGS,
    PHONE_NAMES,
    SECRET_ENDINGS,
    SECRET_NAMES,
    SECRET_PARTS,
    clean,
    cut_middle,
    harmless,
    hide,
    is_secret_name,
    is_word,
    redact,
)
from prosaas_logging.render import TextRenderer
from prosaas_logging.settings import LogSettings
from prosaas_logging.values import freeze

SERVICES = Path(__file__).parents[2] / "services"

KEY = "sk-proj-AbCdEfGh12345678"
# As Meta makes them: the number, then what tells one message from another.
NUMBER_IN_IT = base64.b64encode(b"972501234567").decode()
WAMID = f"wamid.HBgM{NUMBER_IN_IT}FQIAERgSNUY0MjVBNzRGMTMwMzM0OTJBAA=="


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"key {KEY} was refused", KEY),
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ("authorization=Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("postgresql://prosaas:hunter2@db/prosaas", "hunter2"),
        ("redis://:hunter2@cache:6379/0", "hunter2"),
        ("X-Twilio-Signature: RSOYDt4T1cUTdK1PDd93/VVr8B8=", "RSOYDt4T1cUTdK1PDd93"),
        ("X-Hub-Signature-256: sha256=0123456789abcdef", "0123456789abcdef"),
        ("Cookie: session=abcdef; theme=dark", "abcdef"),
        ("Set-Cookie: id=a3fWa; Expires=Thu", "a3fWa"),
        ("GET /x?token=abcdef123&y=1", "abcdef123"),
        ("password='hunter22'", "hunter22"),
        ("{'api_key': 'abcd1234'}", "abcd1234"),
        ("{'password': 'correct horse battery'}", "horse battery"),
        ('password="p&ss;w(rd"', "p&ss;w(rd"),
        ("secret: 'it\\'s a long way'", "long way"),
        ('{\\"client_secret\\": \\"of four words here\\"}', "words"),
        ('{"private_key": "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBg\\n"}', "MIIEvQIBADANBg"),
        ('password="cut off in the mid', "in the mid"),
        ("headers={'authorization': 'abcdef0123456'}", "abcdef0123456"),
        ("Authorization: Token 9944b09199c62bcf9418ad846dd0e4bb", "9944b09199"),
        ("Authorization: HMAC-SHA256 9944b09199c62bcf9418ad846dd0e4bb", "9944b09199"),
        ("Authorization: SharedKey clinic:c2lnbmF0dXJlMTIzNDU2", "c2lnbmF0"),
        ('{"client_secret": "abcd1234"}', "abcd1234"),
        ("token EAAGm0PX4ZCpsBAKZCxyz1234567890", "EAAGm0PX4ZCpsBAKZCxyz1234567890"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig-part", "eyJhbGciOiJIUzI1NiJ9"),
        ("OPENAI_API_KEY=abcdef1234", "abcdef1234"),
        ("line\\nsk-abcdefgh12345", "sk-abcdefgh12345"),
        ("call +972501234567 now", "501234567"),
        ("from +972-50-123-4567", "123-4567"),
        ("From=%2B972501234567&To=x", "501234567"),
        ("whatsapp:+14155238886", "4155238886"),
        ("dial 0501234567 please", "0501234567"),
        ("dial 050-1234567 please", "1234567"),
        ("wa id 972501234567 wrote", "501234567"),
        ("הטלפון שלי:0501234567", "501234567"),
        ("נייד:050-1234567, דנה", "1234567"),
        ("טל:972501234567", "501234567"),
        ("Телефон:0501234567", "501234567"),
        ("phone (mobile):0501234567", "501234567"),
        ("0501234567,0521234567", "521234567"),
        ("him,0501234567", "501234567"),
        ("him,972501234567", "501234567"),
        ("7,0501234567", "501234567"),
        ("id,phone\n7,050-1234567\n8,052-1234567", "1234567"),
        ("2026-11-28,0501234567", "501234567"),
        ("7,00972501234567", "501234567"),
        ("[1,0501234567]", "501234567"),
        ("972501234567,972521234567", "521234567"),
        ("050-1234567,052-1234567", "1234567"),
        (f"no message {WAMID}", NUMBER_IN_IT),
    ],
)
def test_a_text_that_looks_secret_is_hidden(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert secret not in str(clean("note", text))


MARKS = " .-()/\u00a0\u200f\u2011\u2013\u2067"


@given(
    start=st.sampled_from(["972.", "00972)", "+972/", "972", "0", "0-", "0 "]),
    marks=st.lists(st.text(MARKS, max_size=3), min_size=8, max_size=8),
    around=st.sampled_from([("", ""), ("rang ", " back"), ("tel:", "."), ('"', '"'), ("(", ")"), ("הוא ", ", תודה")]),
)
def test_a_mobile_number_is_hidden_however_it_is_spaced(start: str, marks: list[str], around: tuple[str, str]) -> None:
    spelled = start + "".join(map("".join, zip(["", *marks], "507654321", strict=True)))
    shown = redact(spelled.join(around))
    assert "54321" not in "".join(filter(str.isdigit, shown)), shown
    assert shown.startswith(around[0])
    assert shown.endswith(around[1])


@given(st.lists(st.text(" -\u00a0\u200f\u2011", max_size=3), min_size=11, max_size=11))
def test_a_number_that_is_said_digit_by_digit_is_hidden(marks: list[str]) -> None:
    for number in ("972507654321", "0507654321"):
        spelled = "".join(map("".join, zip(number, [*marks[: len(number) - 1], ""], strict=True)))
        assert "54321" not in "".join(filter(str.isdigit, redact(f"said {spelled}.")))


@pytest.mark.parametrize(
    "text",
    [
        "call_sid=CA0123456789abcdef0123456789abcdef",
        "2026-11-23T01:45:33.545327Z",
        "tokens used: 12",
        "https://example.com/a@b",
        "response_id=resp_0501234567",
        "3+4=7 and 1+2345",
        "task-1234567890",
        "in 1700000000000 ms",
        '{"at_us":972501234567,"all":[972501234567,972501234567]}',
        "1,050,123,456.05 of 7,050,972",
        "0.0501234567,0.0501234568",
        "1700000000000,1700000000050",
        "97.25 12345678",
        "972501234567.125 s",
        "2026-05-01 12:34:05 1234567",
        "972501234567891",
    ],
)
def test_ordinary_text_passes_unchanged(text: str) -> None:
    assert redact(text) == text
    assert redact(text) == text, "the second time it is remembered"


def test_of_a_messages_id_the_end_is_shown_which_tells_it_from_others() -> None:
    assert redact(f"sent {WAMID}, read") == f"sent wamid.…{WAMID[-12:]}, read"
    assert redact("wamid.1") == "wamid.1"


def test_what_is_redacted_once_stays_as_it_is() -> None:
    once = redact(f"{WAMID} Bearer abcdefgh postgresql://a:secret1@h password=hunter22 {KEY} +972501234567")
    assert redact(once) == once


@pytest.mark.parametrize(
    "name",
    ["password", "OPENAI_API_KEY", "X-Twilio-Signature", "access_token", "Authorization", "set-cookie", "appSecret"],
)
def test_a_field_with_a_secret_s_name_is_hidden_whole(name: str) -> None:
    assert hide(name, "anything") == "[redacted]"


@pytest.mark.parametrize("name", ["tokens", "token_count", "name", "cookies_accepted", "from_cache", "total"])
def test_a_field_that_only_sounds_like_one_is_shown(name: str) -> None:
    assert hide(name, "anything") == "anything"


def test_an_absent_secret_is_shown_as_absent() -> None:
    assert hide("password", None) is None
    assert hide("password", "") == ""


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+972501234567", "+972..."),
        ("whatsapp:+972501234567", "whatsapp:+972..."),
        ("+14155238886", "+1..."),
        ("+447911123456", "+44..."),
        ("00972501234567", "+972..."),
        ("972501234567", "972..."),
        ("0501234567", "0..."),
        ("+972...", "+972..."),
        ("anonymous", "anonymous"),
    ],
)
def test_a_number_shows_its_country_alone(number: str, shown: str) -> None:
    assert mask_phone(number) == shown
    assert hide("phone", number) == shown


# Of all codes that the ITU has given out, those of one and of two digits; every other one has three.
SHORT_CODES = {
    *("1", "7", "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48"),
    *("49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84"),
    *("86", "90", "91", "92", "93", "94", "95", "98"),
}


def test_each_country_s_code_is_shown_whole_and_no_digit_more() -> None:
    for three in range(100, 1000):
        code = next((short for short in SHORT_CODES if str(three).startswith(short)), str(three))
        assert mask_phone(f"+{three}5551234") == f"+{code}..."


@pytest.mark.parametrize("digits", [6, 7])
def test_what_has_fewer_digits_than_any_number_is_none(digits: int) -> None:
    number = "5" * digits
    assert (mask_phone(number) == number) is (digits < 7)


PRIVATE = {
    0: False, 99999999: False, 100000009: True, 123456782: True, 123456783: False, 999999998: True,
    1234567897: False, 4222222222222: True, 4580123456789015: True, 4580123456789016: False,
    6304000000000000000: True, 1700000000000: False, 10**19 + 9: False, -123456782: False,
}  # fmt: skip


@pytest.mark.parametrize("number", PRIVATE)
def test_somebody_s_number_is_hidden_as_a_number_too(number: int) -> None:
    assert is_private(number) is PRIVATE[number]
    assert (str(abs(number)) not in lines_of({"number": number, "list": [number], "map": {"n": number}})) is PRIVATE[
        number
    ]


def test_what_is_harmless_is_remembered_beside_others() -> None:
    """Much of what is logged is said again and again, and looked at once."""
    texts = [f"harmless, number {'x' * count}" for count in range(20)]
    harmless.clear()
    for text in texts:
        redact(text)
    assert harmless.issuperset(texts)


def test_what_is_remembered_as_harmless_stays_bounded() -> None:
    from prosaas_logging import redact as module

    for number in range(10_000):
        assert redact(f"harmless text {number}") == f"harmless text {number}"
    assert len(module.harmless) <= 4096
    assert "secret-id" in redact("sk-abcdefgh1234 of secret-id")
    assert not [text for text in module.harmless if "sk-" in text]


def patterns() -> dict[str, re.Pattern[str]]:
    """Every compiled pattern that a module of the product holds, by itself or in a table."""
    found: dict[str, re.Pattern[str]] = {}

    def collect(where: str, value: object) -> None:
        if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
            found[where] = value
        elif isinstance(value, tuple | list):
            for number, item in enumerate(value):
                collect(f"{where}[{number}]", item)

    for package in ("prosaas_logging", "prosaas_core", "prosaas_api", "prosaas_calls", "prosaas_worker", "prosaas_ops"):
        for info in pkgutil.walk_packages([str(SERVICES / package)], f"{package}."):
            if "__main__" in info.name or "migrations" in info.name:
                continue
            for name, value in vars(importlib.import_module(info.name)).items():
                collect(f"{info.name}.{name}", value)
    return found


PATTERNS = patterns()
UNITS = [
    *("-eyJ", "eyJ.", "sk-", "sk_", "-sk-a", "EAA", " EAAa", "Bearer ", "bearer%20", "bearer", "+1", "%2B1", "+1 ("),
    *("05", " 050-", "9725", " 972", "://", "://a:", "://a:b", "://:", "a@", "cookie:", "cookie=a", "Cookie: ;"),
    *("token=", "token='", 'secret":', "apiKey =  ", "signature-256=", "authorization: basic ", "\\n", "\\x0a", "%3D"),
    *("1 ", "1", "1-", "12345678 x", "123456782 ", "4580 ", "4580.", "4580 1234 5678 9012 ", "1,", "9 9-", "0" * 19),
    *("a", " ", "\x00", "\u202e", "ש", "{", "{a", "[INFO] ", "[INFO] [A", "exactly", "12:30", "CA1", "call_sid="),
    *(" · ", " · a=", "a=", "\\", "'", '"', "'\"", "\t ", "\n", " \n", "KEY", "_FILE", "1h", "$", "${", "${a:-"),
]


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_takes_time_by_length_alone(name: str) -> None:
    """Any repeated unit: four times as long takes four times as long where it is linear, and sixteen where it is not.

    What is over in ten milliseconds at 8 KiB is neither: a quadratic one takes a hundred.
    """
    pattern = PATTERNS[name]

    def took(count: int, before: str, after: str) -> float:
        return seconds(lambda long: pattern.sub("", long), before + unit * (count // len(unit)) + after)

    for unit in UNITS:
        for around in (("", ""), ("x", "\x00")):
            long = took(8192, *around)
            assert long < 0.01 or long < 9 * took(2048, *around), unit


TABLES = ["9725 9999 ", "-5", "050-0", "2024-01-25 1)a1 4 5 8 0 ", "4580123456789012 key=", "a-112 123456782 00 "]


@pytest.mark.parametrize("unit", [*UNITS, *TABLES])
def test_a_text_of_any_length_is_redacted_in_bounded_time(unit: str) -> None:
    """Ten milliseconds where there is a processor to be had."""
    for text in (unit * (65536 // len(unit)), unit * (3_000_000 // len(unit))):
        assert seconds(redact, text) < 0.03
        assert len(redact(text)) <= LONGEST_TEXT + 200


GONE = re.compile(r" …\[(\d+) characters cut\]… ")


@pytest.mark.parametrize("length", [100, 101, 150, 999, 1000, 12345, 200_000])
@pytest.mark.parametrize("limit", [40, 99, 100, 101, 5000])
def test_a_text_that_is_cut_keeps_both_ends_and_says_how_much_is_gone(length: int, limit: int) -> None:
    text = "".join(chr(0x4E00 + number % 20_000) for number in range(length))
    cut = cut_middle(text, limit)
    if length <= limit:
        assert cut == text
        return
    head, gone, tail = GONE.split(cut)
    assert len(cut) <= limit
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(head) + int(gone) + len(tail) == length
    assert 0 <= len(head) - len(tail) <= 1
    assert limit - len(cut) <= 1


def test_where_there_is_no_room_for_an_end_the_mark_stands_alone() -> None:
    assert cut_middle("x" * 100, 10) == " …[100 characters cut]… "


def test_of_a_text_that_is_too_long_to_be_looked_through_it_is_said_how_much_is_gone() -> None:
    text = "a b " * 30_000
    head, gone, tail = GONE.split(redact(text))
    assert LONGEST_TEXT - 100 <= len(redact(text)) <= LONGEST_TEXT
    assert len(head) + int(gone) + len(tail) == len(text)
    assert text.startswith(head)
    assert text.endswith(tail)


def test_of_a_text_full_of_digits_the_rest_is_hidden_whole() -> None:
    card = "4580 1234 5678 9015"
    text = f"{card} first " + "1234 5678 x " * 300 + f"{card} last"
    assert redact(text).startswith("[redacted] first 1234 5678 x ")
    assert redact(text).endswith("[redacted] x [redacted] last")
    assert redact(redact(text)) == redact(text)


def seconds(work: Callable[[str], object], text: str) -> float:
    """Processor time of this thread, the least of a few runs: another process's work is not in it."""
    times = []
    for _ in range(3):
        began = time.thread_time()
        work(text)
        times.append(time.thread_time() - began)
        if times[-1] < 0.005:
            break
    return min(times)


SECRET_FIELDS = [
    *sorted(SECRET_NAMES),
    *(f"{before}{part}{after}" for part in SECRET_PARTS for before in ("", "my_") for after in ("", "_x")),
    *(f"some{ending}" for ending in SECRET_ENDINGS),
]
PHONE_FIELDS = [*sorted(PHONE_NAMES), *(f"some{ending}" for ending in PHONE_ENDINGS)]


@pytest.mark.parametrize("name", SECRET_FIELDS)
@pytest.mark.parametrize("form", [str, str.upper, lambda name: "X-" + name.replace("_", "-").title()])
def test_each_secret_name_hides_its_value_in_every_form(name: str, form: Callable[[str], str]) -> None:
    assert lines_of({form(name): "anything"}).count("anything") == 0
    assert is_secret_name(form(name))


@pytest.mark.parametrize("part", [*SECRET_PARTS, "token"])
@pytest.mark.parametrize("between", ["=", ": ", "='", '": "', "', '", '", "'])
def test_each_secret_name_hides_what_follows_it_in_a_text(part: str, between: str) -> None:
    for name in (part, part.upper(), part.replace("_", "-"), part.replace("_", "")):
        assert "hunter22" not in redact(f"the {name}{between}hunter22")


@pytest.mark.parametrize("name", PHONE_FIELDS)
@pytest.mark.parametrize("value", ["+972501234567", 972501234567])
def test_each_telephone_name_hides_its_number(name: str, value: object) -> None:
    assert lines_of({name: value}).count("501234567") == 0


SECRETS = ["sk-proj-AbCdEfGh12345678", "+972501234567", "4580-1234-5678-9015", "123456782", "Bearer abcdef1234567"]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_hidden_wherever_the_bounds_of_a_text_fall(secret: str) -> None:
    core = secret.removeprefix("Bearer ").removeprefix("+972")
    for size in (LONGEST_TEXT, 65536):
        for place in (0, 63, 64, 4000, LONGEST_TEXT // 2, LONGEST_TEXT - 40, size // 2, size - 5200, size - 30):
            for shift in range(-len(secret) - 1, len(secret) + 2, 3):
                before = max(0, place + shift)
                text = ("word " * (before // 5 + 1))[:before] + f" {secret} " + "word " * ((size - before) // 5 + 1)
                shown = redact(text)
                assert core not in shown
                assert core[6:] not in shown, "no half of it either"


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("size", [10, 500, 8000, 70_000])
def test_a_secret_is_hidden_in_every_line_of_a_renderer_and_every_order_of_fields(secret: str, size: int) -> None:
    core = secret.removeprefix("Bearer ").removeprefix("+972")
    orders: list[dict[str, object]] = [
        {"one": f"x {secret} y", "two": "z " * size},
        {"two": "z " * size, "one": f"{'w ' * size}{secret}"},
    ]
    for fields in orders:
        assert core not in lines_of(fields)
        assert core not in lines_of({"list": [fields], "map": {secret: fields}})


@given(
    text=st.lists(st.sampled_from([*SECRETS, "word", " ", "\n", '"', "token=", "Bearer ", "x" * 70, "שלום"])).map(
        "".join
    ),
    value=st.one_of(st.text(), st.sampled_from(SECRETS), st.integers(), st.floats(), st.none(), st.booleans()),
)
@settings(deadline=None)
def test_the_way_of_most_lines_says_what_the_whole_way_says(text: str, value: object) -> None:
    settings_ = LogSettings("svc", json=True)
    spliced = JsonRenderer(settings_, TextRenderer(settings_))
    for what in (text, catalogue.TOOL_FAILED):
        made: Record = (1.5, 20, Logger("t"), what, {"error_text": value, "note": text}, None)
        spliced.line(made, Context({}))
        assert orjson.loads(spliced.line(made, Context({}))) == orjson.loads(spliced._whole(made, Context({})))


def test_spoken_words_are_muted_in_every_line() -> None:
    settings_ = LogSettings("svc", json=True, transcripts=False)
    for event in (catalogue.TRANSCRIPT_CUSTOMER, catalogue.TRANSCRIPT_AI):
        renderer = JsonRenderer(settings_, TextRenderer(settings_))
        for _ in range(3):
            assert b"words" not in renderer.line((1.5, 20, Logger("t"), event, {"text": "words"}, None), Context({}))


def lines_of(fields: dict[str, object]) -> str:
    """What both renderers make of a text with *fields*, three lines of each."""
    settings_ = LogSettings("svc")
    text = TextRenderer(settings_)
    renderers = (text, JsonRenderer(settings_, text))
    record: Record = (1.5, 20, Logger("t"), "said", freeze(fields), None)
    return "".join(r.line(record, Context({})).decode() for r in renderers for _ in range(3))


CARDS = ["4580123456789015", "4111111111111111", "378282246310005", "5555555555554444", "6011111111111117"]
FORMS = [
    lambda n: n,
    lambda n: " ".join(n),
    lambda n: "-".join(n),
    lambda n: " - ".join((n[:4], n[4:8], n[8:12], n[12:])),
    *(
        lambda n, s=s: s.join((n[:4], n[4:8], n[8:12], n[12:]))
        for s in (" ", "-", ".", ", ", "\u00a0", "\u200f \u200f", "–")
    ),
    lambda n: f"{n[:2]} {n[2:7]}-{n[7:]}",
    lambda n: f"my 7 cards: {n}, 12.",
    lambda n: f"card={n};exp=12/27",
    lambda n: f"כרטיס {n} תודה",
    lambda n: f"line\\n{n}",
]


@pytest.mark.parametrize("number", CARDS)
@pytest.mark.parametrize("form", FORMS)
def test_a_card_number_is_hidden_however_it_is_written(number: str, form: Callable[[str], str]) -> None:
    text = form(number)
    assert number[-4:] not in redact(text)
    assert number[4:8] not in "".join(filter(str.isdigit, lines_of({"text": text, "number": int(number)})))


@pytest.mark.parametrize("text", ["123456782", "12345678-2", "123 456 782", "1 2 3 4 5 6 7 8 2", "id=123456782.",
                                  "ת.ז. 123456782, תודה", "000000018", "is 5 12345678-2 ok", "(123456782)"],
)  # fmt: skip
def test_an_identity_number_is_hidden(text: str) -> None:
    assert "45678" not in redact(text).replace(" ", "")
    assert "[redacted]" in redact(text)


@pytest.mark.parametrize(
    "text",
    ["123456789", "4580123456789012", "BK-123456782", "123456782-AB", "order_123456782", "resp_4580123456789015",
     "CA4580123456789015", "2024-01-25 14:00", "2024-01-25 9", "in 1700000000000 ms",
     "0.123456782", "took 3.4580123456",
     "1700000000123456789", "10.123.456.782", "12345678", "1234567820", "f47ac10b-58cc-4372-a567-0e02b2c3d479"],
)  # fmt: skip
def test_a_number_that_merely_looks_long_stays(text: str) -> None:
    assert redact(text) == text


def test_private_numbers_are_hidden_in_tracebacks_too() -> None:
    try:
        raise ValueError("card 4580 1234 5678 9015 of 123456782")
    except ValueError as error:
        record: Record = (1.5, 40, Logger("t"), "failed", {"error": str(error)}, describe(error))
    for line in (TextRenderer(LogSettings("s")).line(record, Context({})),
                 JsonRenderer(LogSettings("s"), TextRenderer(LogSettings("s"))).line(record, Context({}))):  # fmt: skip
        assert b"9015" not in line
        assert b"123456782" not in line


def test_the_tables_of_names_lose_none_unnoticed() -> None:
    """What is generated from a table cannot miss a row that is gone: these are the rows that others rely on."""
    assert sorted(SECRET_NAMES) == [
        "authorization", "bearer", "cookie", "credential", "credentials", "dsn", "proxy_authorization", "pwd",
        "session_cookie", "set_cookie", "token",
    ]  # fmt: skip
    assert sorted(SECRET_PARTS) == [
        "access_key", "api_key", "apikey", "passwd", "password", "private_key", "secret", "signature",
    ]  # fmt: skip
    assert sorted(SECRET_ENDINGS) == ["_authorization", "_cookie", "_credentials", "_hmac", "_token"]
    assert sorted(PHONE_NAMES) == [
        "called", "callee", "caller", "from", "from_number", "msisdn", "phone", "phone_number", "recipient", "to",
        "to_number", "transfer_number", "wa_id", "whatsapp_number",
    ]  # fmt: skip
    assert sorted(PHONE_ENDINGS) == ["_msisdn", "_phone", "_phone_number"]


@pytest.mark.parametrize("zero", ["\u0660", "\u06f0", "\uff10"])
def test_numbers_in_other_digits_are_hidden_and_other_texts_stay_as_they_are(zero: str) -> None:
    """A transcript has them as the model writes the caller's language."""

    def theirs(text: str) -> str:
        return "".join(chr(ord(zero) + int(sign)) if sign.isdecimal() else sign for sign in text)

    for number in (*CARDS, "4580 1234 5678 9015", "123456782"):
        assert redact(f"שלי {theirs(number)} כן") == "שלי [redacted] כן"
    assert redact(f"טלפון {theirs('+972501234567')}") == "טלפון +972..."
    assert redact(theirs("בשעה 14:30, בעוד 15 דקות")) == theirs("בשעה 14:30, בעוד 15 דקות")


def test_no_pattern_hides_anything_of_what_is_a_word_at_a_glance() -> None:
    """Words are shown without a look: as values, before another field, and behind the names of ids."""
    pieces = (
        *(
            "a",
            "Z",
            "id",
            "token",
            "secret",
            "password",
            "cookie",
            "bearer",
            "Authorization",
            "sk",
            "EAA",
            "eyJ",
            "wamid",
        ),
        *(
            "0",
            "7",
            "1234567",
            "123456782",
            "0501234567",
            "972501234567",
            "4580458045804580",
            "4111111111111111",
            "x" * 24,
        ),
    )
    chance = random.Random(22)
    words = {"".join(chance.choices(pieces, k=chance.randint(1, 5))) for _ in range(20_000)}
    taken = {word for word in words if is_word(word)}
    assert all(map(is_word, ("id4580458045804580", "tokenid", "4580458045804580a", "12345678")))
    assert not any(map(is_word, ("4111111111111111", "123456782", "EAAx", "eyJx", "a b", "a=b", "a-b", "", "א")))
    for word in taken:
        for text in (word, f"{word}, aaaaaaaa", *(f"{name}={word}" for name in IDS)):
            assert redact(text) == text
