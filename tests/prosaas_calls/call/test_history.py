"""The transcript of a call."""

from itertools import count
from typing import Any

from prosaas_calls.call.history import History


def test_lines_stand_in_the_order_in_which_people_spoke() -> None:
    """The caller's words are often transcribed after the answer has begun."""
    ticks = count(step=100)
    history = History(lambda: next(ticks))
    history.begin("caller", "customer")
    history.begin("model", "ai")

    history.words("model", "ai", "יש לי זמן")
    history.words("caller", "customer", "שלום")

    assert [(line.who, line.text, line.at_ms) for line in history] == [
        ("customer", "שלום", 0),
        ("ai", "יש לי זמן", 100),
    ]


def test_what_was_never_transcribed_is_left_out() -> None:
    """A cough begins an item that gets no words, as does a sentence of the model's that is cut off at once."""
    history = History(lambda: 0)
    history.begin("cough", "customer")
    history.begin("nothing", "ai")
    history.still("nothing")
    history.words("nothing more", "ai", "")
    assert history.changes() == []
    history.words("model", "ai", "הלו?")

    assert history.to_json() == [{"who": "ai", "text": "הלו?", "at_ms": 0}]


def test_a_line_knows_how_long_it_lasted_and_what_the_caller_waited() -> None:
    """The record draws both sides' speech and the silence between them."""
    ticks = count(step=100)
    history = History(lambda: next(ticks))
    history.words("model", "ai", "יש לי זמן")
    history.waited("model", 840)
    history.still("model")
    history.still("model")
    history.still("unknown")

    assert history.to_json() == [{"who": "ai", "text": "יש לי זמן", "at_ms": 0, "until_ms": 200, "wait_ms": 840}]


def test_a_new_session_is_told_of_tools_and_of_what_was_not_heard() -> None:
    """The transcript is of words alone; who takes over has to know what was done as well."""
    history = History(lambda: 0)
    assert history.empty
    history.words("u1", "customer", "תקבעי לשלישי")
    history.done("c1", "book_appointment({}): התור נקבע")
    history.words("m1", "ai", "קבעתי לך ליום שלישי")
    history.interrupted("m1", heard=0.5)
    history.words("m2", "ai", "ואשלח תזכורת")
    history.interrupted("m2", heard=0.0)

    assert list(history.told()) == [
        ("user", "תקבעי לשלישי"),
        ("system", "book_appointment({}): התור נקבע"),
        ("assistant", "קבעתי לך (interrupted)"),
    ]
    assert [line["who"] for line in history.to_json()] == ["customer", "ai", "ai"]
    assert not history.empty


def test_what_was_heard_of_an_item_is_the_lesser_of_what_was_played_and_what_an_interruption_left() -> None:
    history = History(lambda: 0)
    history.words("m1", "ai", "one two three four")
    history.interrupted("m1", heard=0.5)
    assert [history.heard("m1", share) for share in (1.0, 0.25)] == ["one two", "one"]
    assert history.unheard("m1") == "three four"
    assert history.text("m1") == "one two three four"
    assert [history.heard("m2", 1.0), history.unheard("m2"), history.text("m2")] == ["", "", ""]


def test_what_was_heard_whole_stands_as_it_was_written() -> None:
    """Word by word only where not all of it was heard."""
    history = History(lambda: 0)
    history.words("m1", "ai", "one  two\nthree")
    assert history.heard("m1", 1.0) == "one  two\nthree"
    assert list(history.told()) == [("assistant", "one  two\nthree")]
    assert history.heard("m1", 0.9) == "one two three"


def test_a_speakers_last_words_are_the_last_that_are_known() -> None:
    """Those of the sentence that has just begun come later."""
    history = History(lambda: 0)
    assert history.last("customer") == ""
    history.words("u1", "customer", "ראשון")
    history.words("u2", "customer", "שני")
    history.words("m1", "ai", "בבקשה")
    history.begin("u3", "customer")
    assert history.last("customer") == "שני"


def test_an_interrupted_line_says_so() -> None:
    """The record tells that the caller did not hear all of it."""
    history = History(lambda: 0)
    history.words("model", "ai", "יש לי זמן ב")
    history.interrupted("model", heard=0.4)
    history.interrupted("unknown", heard=0.0)

    assert history.to_json()[0]["interrupted"] is True


def test_changes_tell_each_line_as_it_is_now_and_once() -> None:
    """For the journal: words that come late, and what an interruption does to a line that was told before."""
    history = History(lambda: 0)
    history.begin("m1", "ai")
    history.words("u1", "customer", "שלום")
    history.done("c1", "a tool")
    assert history.changes() == [(1, {"who": "customer", "text": "שלום", "at_ms": 0})]
    assert history.changes() == []

    history.words("m1", "ai", "יש לי")
    assert [number for number, _ in history.changes()] == [0]
    told = dict[int, dict[str, Any]]()
    for change, number in (
        (lambda: history.interrupted("m1", heard=0.5), 0),
        (lambda: history.waited("m1", 40), 0),
        (lambda: history.still("u1"), 1),
    ):
        change()
        news = history.changes()
        assert [changed for changed, _ in news] == [number]
        told.update(news)
    assert (told[0]["interrupted"], told[0]["wait_ms"], told[1]["until_ms"]) == (True, 40, 0)
    assert [told[number] for number in sorted(told)] == history.to_json()


def test_a_turn_whose_words_nobody_wrote_down_keeps_its_place_and_its_times() -> None:
    """The caller spoke to the end and was answered; the transcription failed, or never came."""
    ticks = count(step=100)
    history = History(lambda: next(ticks))
    history.begin("caller", "customer")
    history.still("caller")
    assert history.changes() == [
        (0, {"who": "customer", "text": "", "at_ms": 0, "until_ms": 100, "transcribed": False})
    ]
    assert history.to_json() == [{"who": "customer", "text": "", "at_ms": 0, "until_ms": 100, "transcribed": False}]
    assert history.empty
    assert list(history.told()) == []

    history.words("caller", "customer", "שלום")
    assert history.to_json() == [{"who": "customer", "text": "שלום", "at_ms": 0, "until_ms": 100}]


def test_a_sound_that_was_found_to_have_no_words_is_no_turn() -> None:
    """Its journal may have had it as not transcribed, and is told better."""
    history = History(lambda: 0)
    history.begin("cough", "customer")
    history.still("cough")
    assert len(history.changes()) == 1
    history.words("cough", "customer", "")
    assert history.changes() == [(0, {"who": "customer", "text": "", "at_ms": 0, "until_ms": 0})]
    assert history.to_json() == []
