"""The NAME=value words: what is accepted, and the one line that helps with the rest."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from bundle_world.checkout import ROOT
from prosaas_ops import texts
from prosaas_ops.options import Options, Usage, gather, midnight, operators_zone, parse_duration, spoken_duration
from prosaas_ops.spelling import meant_option


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7200), ("1h30m", 5400), ("1d", 86400)])
def test_a_duration_is_numbers_with_units(text: str, seconds: int) -> None:
    assert parse_duration("FOR", text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "15", "m", "15 m", "-5m", "0s", "99d", "5m?"])
def test_a_wrong_duration_is_refused_with_examples_of_a_right_one(text: str) -> None:
    with pytest.raises(Usage, match="FOR="):
        parse_duration("FOR", text)


@pytest.mark.parametrize(("beginning", "capitals"), [("CA", False), ("", False), ("cA", True), ("", True)])
def test_a_whole_call_id_is_meant_with_and_without_its_beginning_and_in_capitals(
    beginning: str, capitals: bool
) -> None:
    digits = "ca23456789abcdef0123456789abcdef"
    typed = f"{beginning}{digits.upper() if capitals else digits}"
    assert Options("trace", ("CALL",), {"CALL": typed}).call_sid() == f"CA{digits}"


@pytest.mark.parametrize(
    "text", ["054-123 4567", "(054) 1234567", "+972 (0)54 123 4567", "00972541234567", "+972-54-123-4567", "541234567"]
)
def test_a_number_is_meant_however_people_write_it(text: str) -> None:
    assert Options("call", ("TO",), {"TO": text}).phone("TO") == "+972541234567"


@pytest.mark.parametrize(("text", "kept"), [("+14155550123", "+14155550123"), ("1234567", "1234567"), ("x", "x")])
def test_what_is_no_number_of_ours_is_taken_as_it_was_typed(text: str, kept: str) -> None:
    assert Options("call", ("TO",), {"TO": text}).phone("TO") == kept


@pytest.mark.parametrize("text", ["CA", "AC123", "CA12;ls", "CA1 2", "CA" + "0" * 60])
def test_what_is_no_call_id_is_refused(text: str) -> None:
    with pytest.raises(Usage, match="not a call id"):
        Options("trace", ("CALL",), {"CALL": text}).call_sid()


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00+14:00",
        "1969-12-31",
        "9999-12-31",
        "9999-12-31T23:59:59.999999",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_moment_at_the_calendars_edge_is_refused(moment: str) -> None:
    with pytest.raises(Usage, match="SINCE="):
        Options("logs", ("SINCE",), {"SINCE": moment}).since("SINCE")


def test_a_number_longer_than_any_row_has_is_refused() -> None:
    """Python gives up on five thousand digits with an error of its own."""
    options = Options("calls", ("N", "BUSINESS"), {"N": "9" * 5000, "BUSINESS": "9" * 5000})
    with pytest.raises(Usage, match="N="):
        options.number("N", 1)
    with pytest.raises(Usage, match="business"):
        options.business()


def test_words_come_from_the_environment_and_the_command_line_with_the_latter_winning() -> None:
    options = gather(
        "trace", ("CALL", "OUT"), ["OUT=html"], {"PROSAAS_TYPED": "CALL OUT", "CALL": "CA1", "OUT": "text"}
    )
    assert (options.text("CALL"), options.text("OUT")) == ("CA1", "html")


def test_what_the_shell_happens_to_export_is_no_option() -> None:
    options = gather("trace", ("CALL", "OUT"), [], {"CALL": "CA1", "OUT": "/tmp", "PROSAAS_TYPED": "CALL"})
    assert (options.text("CALL"), options.text("OUT")) == ("CA1", "")


def test_a_misspelt_name_given_to_make_is_refused_by_name() -> None:
    environ = {"PROSAAS_TYPED": "CAL GREP", "CAL": "CA1", "GREP": "a B=c"}
    said = r"trace does not know CAL=: it takes CALL= GREP=\. Did you mean CALL=\?"
    with pytest.raises(Usage, match=said):
        gather("trace", ("CALL", "GREP"), [], environ)


@pytest.mark.parametrize("name", ["BACKUP_KEEP", "DEMO"])
def test_a_setting_that_is_typed_after_a_command_is_said_to_belong_in_env(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the example of .env has it set or commented out; what it has not, is none, unless it comes near one."""
    monkeypatch.setattr(texts, "_EXAMPLE", ROOT / "env/example.env")
    with pytest.raises(Usage, match=rf"backup does not know {name}=.*FILE=. It is a setting, and belongs in .env$"):
        gather("backup", ("FILE",), [], {"PROSAAS_TYPED": name, name: "2"})
    with pytest.raises(Usage) as told:
        gather("backup", ("FILE",), [], {"PROSAAS_TYPED": "QQQ", "QQQ": "2"})
    assert "setting" not in str(told.value)
    with pytest.raises(Usage, match=rf"FILE=. Did you mean {name}\? It is a setting, and belongs in .env$"):
        gather("backup", ("FILE",), [], {"PROSAAS_TYPED": f"{name}X", f"{name}X": "2"})


def test_all_names_that_a_command_does_not_know_are_told_at_once() -> None:
    with pytest.raises(Usage) as told:
        gather("trace", ("CALL", "GREP"), ["CALL=CA1", "CAL=CA1", "GRPE=a"], {})
    assert [line.partition("=")[0] for line in str(told.value).splitlines()] == [
        "trace does not know CAL",
        "trace does not know GRPE",
    ]


def test_an_equals_sign_inside_a_value_is_no_name() -> None:
    options = gather("logs", ("GREP",), [], {"PROSAAS_TYPED": "GREP", "GREP": "a B=c"})
    assert options.text("GREP") == "a B=c"


def test_an_empty_word_is_as_good_as_none() -> None:
    assert Options("logs", ("LEVEL",), {"LEVEL": " "}).choice("LEVEL", ("INFO",)) == ""


def test_a_choice_is_found_whatever_its_case_and_refused_with_the_choices() -> None:
    options = Options("logs", ("LEVEL",), {"LEVEL": "debug"})
    assert options.choice("LEVEL", ("DEBUG", "INFO")) == "DEBUG"
    with pytest.raises(Usage, match="LEVEL=debug is not one of INFO, WARNING"):
        options.choice("LEVEL", ("INFO", "WARNING"))


@pytest.mark.parametrize(("word", "seconds_ago"), [("15m", 900), ("2h", 7200)])
def test_since_counts_back_from_now(word: str, seconds_ago: int) -> None:
    moment = Options("logs", ("SINCE",), {"SINCE": word}).since("SINCE")
    assert moment is not None
    assert abs((datetime.now(UTC) - moment).total_seconds() - seconds_ago) < 5


@pytest.mark.parametrize("word", ["25:00", "12:60", "99:99", "8hh", "2026-13-01", "tomorrow"])
def test_what_is_no_moment_is_refused_with_examples(word: str) -> None:
    with pytest.raises(Usage, match=f"SINCE={word} is no"):
        Options("logs", ("SINCE",), {"SINCE": word}).since("SINCE")


@pytest.mark.parametrize(("zone", "began"), [("Asia/Jerusalem", "2024-01-24T22:00"), ("UTC", "2024-01-25T00:00")])
def test_a_date_is_the_operators_day_as_yesterday_is(
    zone: str, began: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPS_TZ", zone)
    moment = Options("logs", ("UNTIL",), {"UNTIL": "2024-01-25"}).since("UNTIL")
    assert moment == datetime.fromisoformat(f"{began}+00:00")
    assert f"UNTIL=2024-01-25: 2024-01-25 00:00 {zone} ({began[5:].replace('T', ' ')} UTC" in capsys.readouterr().err


def test_last_week_and_last_month_begin_at_a_midnight_of_the_operators() -> None:
    week, month = (Options("costs", ("SINCE",), {"SINCE": word}).since("SINCE") for word in ("last-week", "Last-Month"))
    today = midnight(0)
    assert week == midnight(7)
    assert month is not None
    first = month.astimezone(today.tzinfo)
    assert (first.day, first.hour, first.minute) == (1, 0, 0)
    assert (today.year * 12 + today.month) - (first.year * 12 + first.month) == 1


@pytest.mark.parametrize("hour", ["10", "10:00"])
def test_which_hour_a_clock_without_an_offset_means_is_said_in_both(
    hour: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPS_TZ", "Asia/Tokyo")
    moment = Options("logs", ("SINCE",), {"SINCE": hour}).since("SINCE")
    assert moment is not None
    assert (moment.hour, moment.minute) == (10, 0)
    said = capsys.readouterr().err
    assert f"SINCE={hour} is taken as UTC: {moment:%Y-%m-%d} 19:00 Asia/Tokyo ({moment:%m-%d} 10:00 UTC)" in said
    assert f"SINCE={hour}+09:00 is that clock of Asia/Tokyo" in said
    Options("logs", ("SINCE",), {"SINCE": f"{hour}+03:00"}).since("SINCE")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("typed", ["19", "19:00", "2024-01-25T19:00", "2024-01-25 19:00"])
def test_a_time_by_the_operators_clock_is_told_in_both_and_an_offset_stays_as_given(
    typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPS_TZ", "Asia/Tokyo")
    moment = Options("trace", ("AT",), {"AT": typed}).since("AT", clock=operators_zone())
    assert moment is not None
    assert (moment.hour, moment.minute, moment.tzinfo) == (10, 0, UTC)
    assert timedelta() <= datetime.now(UTC) - moment
    own = f"{moment.astimezone(operators_zone()):%Y-%m-%d} 19:00 Asia/Tokyo ({moment:%m-%d} 10:00 UTC; OPS_TZ)"
    assert capsys.readouterr().err == f"AT={typed}: {own}\n"
    for offset in ("Z", "+00:00"):
        whole = f"{typed}:00{offset}" if typed == "19" else f"{typed}{offset}"
        as_given = Options("trace", ("AT",), {"AT": whole}).since("AT", clock=operators_zone())
        assert as_given is not None
        assert as_given.hour == 19
    assert capsys.readouterr().err == ""


def test_where_the_operators_clock_is_utc_nobody_is_offered_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPS_TZ", "UTC")
    moment = Options("trace", ("AT",), {"AT": "10:00"}).since("AT")
    assert moment is not None
    assert capsys.readouterr().err == f"AT=10:00: {moment:%Y-%m-%d} 10:00 UTC ({moment:%m-%d} 10:00 UTC; OPS_TZ)\n"


def test_since_takes_a_date_and_a_time_in_utc() -> None:
    moment = Options("logs", ("SINCE",), {"SINCE": "2024-01-25T14:00"}).since("SINCE")
    assert moment == datetime(2024, 1, 25, 14, 0, tzinfo=UTC)


def test_services_go_by_their_short_names() -> None:
    assert Options("logs", ("S",), {"S": "calls,worker"}).services() == ["prosaas-calls", "worker"]
    with pytest.raises(Usage, match=r"S=call is not a service: .*\. Did you mean calls\?"):
        Options("logs", ("S",), {"S": "call"}).services()
    with pytest.raises(Usage, match="S=redis is not a service"):
        Options("logs", ("S",), {"S": "redis"}).services()


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "²"])
def test_a_number_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(Usage, match="MAX="):
        Options("call", ("MAX",), {"MAX": value}).number("MAX", 200)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0s"), (45, "45s"), (60, "1m"), (75, "1m15s"), (5400, "1h30m"), (7200, "2h")]
)
def test_durations_are_spoken_as_people_write_them(seconds: float, text: str) -> None:
    assert spoken_duration(seconds) == text


def test_the_front_door_s_lines_can_be_asked_for_as_the_tools_themselves_advise() -> None:
    """`make go-live` and `make errors` send their reader to S=gateway."""
    assert Options("logs", ("S",), {"S": "gateway,calls"}).services() == ["gateway", "prosaas-calls"]


@pytest.mark.parametrize(
    "clock",
    ["10:00+03:00", "9:00+02:00", "07:00Z", "02:00-05:00", "7 utc", "07:00 UTC", "07:00z", "10:00 +0300", "10+03"],
)
def test_a_time_of_the_day_may_be_that_of_the_callers_place(clock: str) -> None:
    moment = Options("calls", ("AT",), {"AT": clock}).since("AT")
    assert moment is not None
    assert (moment.hour, moment.minute, moment.tzinfo) == (7, 0, UTC)
    assert timedelta() <= datetime.now(UTC) - moment <= timedelta(days=1)


@pytest.mark.parametrize("clock", ["25:00", "10:00+99:00", "10:61", "10-03", "10:00 CET"])
def test_a_time_that_no_clock_shows_is_wrong_usage(clock: str) -> None:
    with pytest.raises(Usage, match=r"is not a time: write AT=15m \(at most 31d\), AT=14:00"):
        Options("calls", ("AT",), {"AT": clock}).since("AT")


@pytest.mark.parametrize("value", ["400d", "1y", "52w", "12months", "9999999999d", "400d12h"])
def test_a_time_further_back_than_a_command_goes_is_refused_with_the_furthest(value: str) -> None:
    """In which unit or length ever: `make costs` goes a year back."""
    with pytest.raises(Usage, match=r"at most 366d"):
        Options("costs", ("SINCE",), {"SINCE": value}).window("30d", timedelta(days=366))


def test_a_window_ends_as_far_back_as_it_may_begin() -> None:
    asked = Options("costs", ("SINCE", "UNTIL"), {"SINCE": "60d", "UNTIL": "1d12h"})
    since, until = asked.window("30d", timedelta(days=366))
    assert until - since >= timedelta(days=58)
    since, until = Options("costs", ("SINCE", "UNTIL"), {"SINCE": "60d", "UNTIL": "40d"}).window(
        "30d", timedelta(days=366)
    )
    assert timedelta(days=19) < until - since < timedelta(days=21)


@pytest.mark.parametrize(
    "words", [{"SINCE": "1h", "UNTIL": "2h"}, {"UNTIL": "2026-11-01T09:00"}, {"SINCE": "9000-01-01T00:00"}]
)
def test_a_window_that_ends_before_it_begins_is_wrong_usage(words: dict[str, str]) -> None:
    """`make errors UNTIL=09:00` in the afternoon would find nothing in the hour before now, and say so."""
    with pytest.raises(Usage, match=r"nothing is between .* UTC: write a SINCE= before UNTIL="):
        Options("errors", tuple(words), words).window("1h")


def test_what_is_nothing_like_an_option_is_not_guessed_at() -> None:
    with pytest.raises(Usage, match=r"it takes CALL= GREP=$"):
        gather("trace", ("CALL", "GREP"), ["ZZZ=1"], {})


def test_a_choice_that_was_mistyped_is_named() -> None:
    with pytest.raises(Usage, match=r"LEVEL=warnign is not one of DEBUG, WARNING\. Did you mean WARNING\?"):
        Options("logs", ("LEVEL",), {"LEVEL": "warnign"}).choice("LEVEL", ("DEBUG", "WARNING"))


# In Jerusalem it is two hours later in winter, in New York five hours earlier.
@pytest.mark.parametrize(
    ("zone", "today", "yesterday"),
    [
        ("", "2024-01-25T22:00+00:00", "2024-01-24T22:00+00:00"),
        ("UTC", "2024-01-25T00:00+00:00", "2024-01-24T00:00+00:00"),
        ("America/New_York", "2024-01-25T05:00+00:00", "2024-01-24T05:00+00:00"),
    ],
)
def test_a_day_begins_at_the_operators_own_midnight(
    zone: str, today: str, yesterday: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_TZ", zone)
    now = datetime(2024, 1, 25, 23, 30, tzinfo=UTC)
    assert [midnight(days, now) for days in (0, 1)] == [datetime.fromisoformat(when) for when in (today, yesterday)]


def test_a_day_is_as_long_as_it_was_where_the_clocks_were_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Israel 29 March 2024 had 23 hours."""
    monkeypatch.setenv("OPS_TZ", "Asia/Jerusalem")
    now = datetime(2024, 3, 30, 12, tzinfo=UTC)
    today, before = (midnight(days, now).astimezone(UTC) for days in (0, 1))
    assert today - before == timedelta(hours=23)


def test_when_yesterday_began_is_said_beside_what_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPS_TZ", "Asia/Jerusalem")
    moment = Options("calls", ("SINCE",), {"SINCE": "Yesterday"}).since("SINCE")
    assert moment == midnight(1)
    told = capsys.readouterr()
    assert told.out == ""
    assert f"SINCE=Yesterday: {midnight(1):%Y-%m-%d} 00:00 Asia/Jerusalem ({moment:%m-%d %H:%M} UTC" in told.err


@pytest.mark.parametrize("zone", ["Israel/Nowhere", "../etc/passwd", "x" * 300])
def test_what_is_no_time_zone_is_refused_with_one_that_is(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_TZ", zone)
    with pytest.raises(Usage, match="is not a time zone: one is called OPS_TZ=Asia/Jerusalem"):
        midnight(0)


def test_a_date_with_an_offset_is_told_in_utc_as_all_are() -> None:
    moment = Options("calls", ("SINCE",), {"SINCE": "2026-11-28T01:40+02:00"}).since("SINCE")
    assert f"{moment:%Y-%m-%d %H:%M %Z}" == "2026-11-27 23:40 UTC"


def test_a_number_that_is_too_large_is_told_the_limit() -> None:
    with pytest.raises(Usage, match="SPEED=1000 is not a number above 0 and below 1000"):
        Options("call", ("SPEED",), {"SPEED": "1000"}).decimal("SPEED", 1.0)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("٠٥٠-١٢٣٤٥٦٧", "+972501234567"),
        ("٤٥٦٧", "4567"),
        ("…4567", "…4567"),
        ("\u202a+1 (212) 555\u20111234\u202c", "+12125551234"),
        ("\u200f050-123-4567\u200e", "+972501234567"),
    ],
)
def test_a_number_is_read_in_any_digits_and_the_end_of_one_is_no_whole_one(typed: str, number: str) -> None:
    assert Options("trace", ("PHONE",), {"PHONE": typed}).phone() == number


@pytest.mark.parametrize(("typed", "letter"), [("05O1234567", "O"), ("+97250123456l", "l"), ("ס0501234567", "ס")])
def test_a_letter_that_stands_for_a_digit_is_named(typed: str, letter: str) -> None:
    with pytest.raises(Usage, match=f"PHONE={re.escape(typed)}: {letter} is a letter"):
        Options("trace", ("PHONE",), {"PHONE": typed}).phone()


@pytest.mark.parametrize("typed", ["sip:100200300@10.0.0.5", "client:demo12345"])
def test_who_calls_by_a_name_may_have_letters_in_it(typed: str) -> None:
    assert Options("trace", ("PHONE",), {"PHONE": typed}).phone() == typed


@pytest.mark.parametrize("name", ["CALL", "CALLS", "IMAGE", "PORT", "LOG_LEVEL"])
def test_a_word_that_only_resembles_a_setting_is_not_led_to_env(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks for a call is not told to change how many there may be."""
    monkeypatch.setattr(texts, "_EXAMPLE", ROOT / "env/example.env")
    assert "env" not in meant_option(name, ["SINCE"])
    assert "MAX_CALLS" in meant_option("MAXCALLS", ["SINCE"])
