"""What is wrong with a call, from its facts."""

from dataclasses import replace
from typing import Any

import pytest

from prosaas_core.facts.call import CallFacts
from prosaas_core.facts.claims import LONGEST, false_claim, own_deed
from prosaas_core.facts.endings import ENDINGS, EndReason
from prosaas_core.facts.hindsight import claimed
from prosaas_core.facts.simulated import new_call_sid
from prosaas_core.facts.troubles import TROUBLES, next_command, opening, sentence, verdict


def facts(**values: Any) -> CallFacts:
    return CallFacts("CA1", **{"end_reason": "customer_hangup", "turns": 3, **values})


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({}, []),
        ({"end_reason": "model_unreachable", "reconnects": 6}, ["bad_ending", "reconnects"]),
        ({"end_reason": "", "reached": False}, ["no_stream"]),
        ({"end_reason": "", "reached": False, "looked_into": False}, ["no_stream_listed"]),
        ({"end_reason": "", "reached": False, "given_up": 2}, ["given_up"]),
        ({"end_reason": "missed", "reached": False, "given_up": 2}, ["given_up", "bad_ending"]),
        ({"end_reason": "", "reached": False, "given_up": 1, "down_for": "1.4s"}, ["not_running"]),
        ({"given_up": 1}, []),
        ({"end_reason": "", "reached": False, "refused_at_door": "draining"}, ["refused_at_door"]),
        ({"end_reason": "transferred", "reached": False, "refused_at_door": "draining"}, ["put_through"]),
        ({"end_reason": "transferred", "reached": False, "looked_into": False}, ["put_through"]),
        ({"end_reason": "", "reached": False, "unknown_number": "+97235550199"}, ["unknown_number"]),
        (
            {"end_reason": "", "reached": False, "unknown_number": "+97235550199", "looked_into": False},
            ["unknown_number"],
        ),
        ({"unknown_number": "+97235550199"}, []),
        ({"end_reason": "", "reached": False, "down_for": "1.4s"}, ["not_running"]),
        ({"end_reason": "", "reached": False, "lost": True}, ["no_ending"]),
        ({"unmended": 1, "false_claim": "קבעתי לך תור"}, ["false_claim"]),
        ({"unmended": 1}, ["tool_refused"]),
        ({"unmended": 2, "database_away": 2}, ["database_away"]),
        ({"database_away": 2}, []),
        ({"unanswered_ms": 4999}, []),
        ({"unanswered_ms": 5000}, ["unanswered"]),
        ({"unanswered_ms": 5000, "live": True}, []),
        ({"returned": "no-answer"}, ["transfer_failed"]),
        ({"errors": 1}, ["errors"]),
        ({"first_audio_ms": 1499}, []),
        ({"first_audio_ms": 1500}, ["slow_greeting"]),
        ({"slowest_ms": 1800}, ["slow_answer"]),
        ({"turns": 0}, ["no_words"]),
        ({"turns": 0, "end_reason": "crashed"}, ["bad_ending"]),
        ({"noisy": 1}, ["noisy"]),
        ({"unwritten": 2}, ["unwritten"]),
        ({"unwritten": 1, "turns": 0}, ["unwritten"]),
        ({"unwritten": 2, "live": True}, []),
        ({"end_reason": "", "reached": False, "forgotten": True}, []),
        ({"end_reason": "crashed", "forgotten": True}, ["bad_ending"]),
        ({"live": True, "end_reason": "", "turns": 0, "reached": True}, []),
    ],
)
def test_each_trouble_shows_in_the_facts_that_make_it_alone(values: dict[str, Any], names: list[str]) -> None:
    assert [trouble.name for trouble in verdict(facts(**values))] == names


@pytest.mark.parametrize("language", ["he", "en"])
def test_every_trouble_is_a_sentence_in_both_languages(language: str) -> None:
    call = facts(first_audio_ms=2356.0, slowest_ms=1.0, refused_at_door="full", false_claim="booked")
    for trouble in TROUBLES:
        words = sentence(trouble, call, language)
        assert words
        assert "{" not in words
        assert next_command(trouble, call).startswith("make ")


def test_every_reason_has_its_sentence_in_both_languages() -> None:
    assert set(ENDINGS) == set(EndReason)
    assert all(ending.he and ending.en for ending in ENDINGS.values())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"end_reason": "model_unreachable"}, "the model could not be reached"),
        (
            {"end_reason": "model_unreachable", "cause": "closed with 1011"},
            "the model could not be reached: closed with 1011",
        ),
        (
            {"end_reason": "caller_lost", "cause": "closed with 1011"},
            "the audio stopped without a goodbye: the network or Twilio",
        ),
        ({"end_reason": "crashed"}, "the service went down in the middle of the call"),
        ({"end_reason": "max_duration"}, "we ended it: the call reached the longest time allowed"),
        ({}, "the caller hung up"),
        ({"live": True}, "the call is live"),
        ({"end_reason": "of_tomorrow"}, "of_tomorrow"),
        ({"end_reason": ""}, "nobody knows how the call ended"),
        ({"forgotten": True}, "the caller hung up; who called was forgotten"),
        (
            {"forgotten": True, "end_reason": "crashed"},
            "the service went down in the middle of the call; who called was forgotten",
        ),
        ({"forgotten": True, "end_reason": "", "reached": False}, "who called was forgotten"),
    ],
)
def test_the_first_sentence_says_what_matters_most(values: dict[str, Any], words: str) -> None:
    assert opening(facts(**values)) == words


@pytest.mark.parametrize("values", [{}, {"live": True}, {"forgotten": True}, {"end_reason": "crashed"}])
@pytest.mark.parametrize(("language", "words"), [("en", "simulated: "), ("he", "שיחה מדומה: ")])
def test_of_a_simulated_call_that_is_said_first(values: dict[str, Any], language: str, words: str) -> None:
    real = opening(facts(**values), language)
    assert not real.startswith(words)
    assert opening(replace(facts(**values), call_sid=new_call_sid()), language) == words + real


@pytest.mark.parametrize(
    ("said", "claim"),
    [
        (["מצוין, קבעתי לך תור ליום שלישי."], "קבעתי לך תור ליום שלישי"),
        (["You are all set! See you."], "You are all set"),
        (["לצערי לא נקבע תור, העסק סגור."], ""),
        (["I could not book that, it is not booked."], ""),
        (["איזו שעה נוחה לך?"], ""),
        ([], ""),
    ],
)
def test_a_claim_after_a_refusal_is_told_from_an_apology(said: list[str], claim: str) -> None:
    assert false_claim(said) == claim


def test_a_claim_is_as_long_at_the_most_whoever_finds_it() -> None:
    """While the call goes on, as `call/promises.py` does, and from its lines afterwards: they are to agree."""
    said = "I booked it " + "very " * 200
    events = [{"event": "TOOL_REFUSED", "text": ""}, {"event": "TRANSCRIPT_AI", "text": f'AI: "{said}"'}]
    assert own_deed([said]) == false_claim([said]) == claimed(events) == said[:LONGEST]
