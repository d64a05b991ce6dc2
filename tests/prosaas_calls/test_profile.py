"""What the model is told about the business and the caller."""

from datetime import UTC, datetime

import pytest

from calls_world.world import BUSINESS, business
from prosaas_calls.profile import Profile

NOW = datetime(2026, 1, 25, 12, 0, tzinfo=UTC)


def test_the_model_knows_the_business_the_caller_and_the_local_time() -> None:
    """The hour is that of the business, not of the server."""
    profile = Profile(business(instructions="אין חניה."), 7, "דוד")

    told = profile.instructions(NOW)

    assert "מספרת דנה" in told
    assert "דוד" in told
    assert "Sunday 2026-01-25 14:00" in told
    assert "אין חניה." in told
    assert "Hebrew" in told


def test_the_model_knows_the_hours_the_days_and_what_the_caller_has_booked() -> None:
    """Asked "until when are you open?" or "when is my appointment?", it need not guess; what changes comes last."""
    booked = (datetime(2026, 1, 27, 8, 0, tzinfo=UTC), datetime(2026, 2, 1, 9, 30, tzinfo=UTC))
    told = Profile(business(instructions="אין חניה."), 7, "דוד", booked).instructions(NOW)

    assert "Sun 09:00-17:00, Mon 09:00-17:00" in told
    assert "Fri closed, Sat closed" in told
    assert "Sun 2026-01-25, Mon 2026-01-26" in told
    assert told.count("2026-02-0") == 8
    assert "Tuesday 2026-01-27 10:00; Sunday 2026-02-01 11:30" in told
    assert told.index("אין חניה.") < told.index("2026-01-25")


def test_each_day_of_the_week_has_its_own_hours_in_the_order_of_the_week() -> None:
    days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    hours = {day: [(f"0{number}:00", "10:00")] for number, day in enumerate(days)}
    told = Profile(business(opening_hours=hours)).instructions(NOW)
    assert ", ".join(f"{day.capitalize()} 0{number}:00-10:00" for number, day in enumerate(days)) in told


def test_what_nobody_entered_and_what_nobody_booked_is_said_to_be_so() -> None:
    """Hours that are not known are no week of closed days."""
    told = Profile(business(opening_hours={}), 7, "").instructions(NOW)
    assert "Opening hours: not known" in told
    assert "Their coming appointments: none." in told
    assert "The caller is" not in told


def test_who_hides_their_number_is_asked_for_one() -> None:
    assert "hidden" in Profile(business(), None, "").instructions(NOW)


def test_who_has_said_a_number_is_told_by_name_and_not_what_is_booked_under_it() -> None:
    """Anybody can say a number."""
    booked = (datetime(2026, 1, 27, 8, 0, tzinfo=UTC),)
    told = Profile(business(), 7, "דוד", booked, numbers_said=1).instructions(NOW)
    assert "דוד" in told
    assert "have said one" in told
    assert "Tuesday 2026-01-27" not in told


@pytest.mark.parametrize(("why", "words"), [("busy", "busy"), ("machine", "voicemail"), ("new-word", "not be reached")])
def test_who_is_back_from_a_transfer_hears_why_and_is_not_greeted(why: str, words: str) -> None:
    told = Profile(business()).greeting(returned=why)

    assert words in told
    assert "take_message" in told
    assert business().greeting not in told


def test_the_greeting_is_the_business_own() -> None:
    """Word by word."""
    assert Profile(business(greeting="שלום מדנה")).greeting().endswith(": שלום מדנה")


def test_without_a_business_everything_has_a_generic_answer() -> None:
    """The database may be away; the caller is greeted all the same."""
    profile = Profile()

    assert profile.language == "he"
    assert profile.greeting().endswith("שלום, במה אפשר לעזור?")
    assert profile.transfer_number is None
    assert "The caller is" not in (told := profile.instructions(NOW))
    # A call back would be nobody's job.
    assert "promise nothing" in told
    assert "call back" not in told
    assert (profile.spent_today, profile.claimed) == (0.0, False)


@pytest.mark.parametrize(
    ("number", "reachable"),
    [("+97235550199", True), (None, False), ("", False), (BUSINESS, False), ("+972-3-555-0100", False)],
)
def test_a_person_is_reached_at_any_number_but_the_business_own(number: str | None, reachable: bool) -> None:
    profile = Profile(business(transfer_number=number))
    assert (profile.transfer_number, profile.reachable) == (number, reachable)
    assert not Profile().reachable


def test_another_language_changes_the_instructions() -> None:
    """Language is a setting of the business."""
    profile = Profile(business(language="en", greeting=""))

    assert "English" in profile.instructions(NOW)
    assert profile.greeting().endswith("Hello, how can I help you?")
