"""What the model is told about the business and the caller."""

from datetime import UTC, datetime

from calls_world.world import business
from prosaas_calls.profile import Profile

NOW = datetime(2026, 1, 25, 12, 0, tzinfo=UTC)


def test_the_model_knows_the_business_the_caller_and_the_local_time() -> None:
    """The hour is that of the business, not of the server."""
    profile = Profile(business(instructions="אין חניה."), 7, "דוד")

    told = profile.instructions(NOW)

    assert "מספרת דנה" in told
    assert "דוד" in told
    assert "Sunday 2026-01-25 14:00" in told
    assert told.endswith("אין חניה.")
    assert "Hebrew" in told


def test_the_greeting_is_the_business_own() -> None:
    """Word by word."""
    assert Profile(business(greeting="שלום מדנה")).greeting().endswith(": שלום מדנה")


def test_without_a_business_everything_has_a_generic_answer() -> None:
    """The database may be away; the caller is greeted all the same."""
    profile = Profile()

    assert profile.language == "he"
    assert profile.greeting().endswith("שלום, במה אפשר לעזור?")
    assert profile.transfer_number is None
    assert "The caller is" not in profile.instructions(NOW)


def test_another_language_changes_the_instructions() -> None:
    """Language is a setting of the business."""
    profile = Profile(business(language="en", greeting=""))

    assert "English" in profile.instructions(NOW)
    assert profile.greeting().endswith("Hello, how can I help you?")
