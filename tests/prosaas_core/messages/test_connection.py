"""WhatsApp's connection: each change is one line, from what the providers document that they send."""

from typing import Any

import pytest

from clocks import Clock
from prosaas_core.messages.connection import Channel, Connections
from prosaas_core.outward.http import Refused, Unavailable
from prosaas_logging.testing import capture_events


def told(events: Any) -> list[tuple[str, str, str]]:
    return [(event.level, event.fields["status"], event.fields["channel"]) for event in events]


@pytest.mark.parametrize(
    ("channel", "status", "code", "trouble"),
    [
        ("meta", 401, "190", "token_refused"),
        ("meta", 429, "130429", "throttled"),
        ("meta", 400, "131048", "throttled"),
        ("meta", 403, "368", "restricted"),
        ("meta", 403, "131031", "restricted"),
        ("meta", 400, "133010", "not_registered"),
        ("twilio", 401, "20003", "token_refused"),
        ("twilio", 429, "20429", "throttled"),
        ("twilio", 400, "63018", "throttled"),
        ("twilio", 403, "20005", "restricted"),
        ("twilio", 400, "63007", "not_registered"),
        ("twilio", 401, "", "token_refused"),
    ],
)
def test_an_error_of_the_channel_is_told_once_and_again_when_it_works(
    channel: Channel, status: int, code: str, trouble: str
) -> None:
    clock = Clock()
    connections = Connections(clock)
    with capture_events("INFO") as events:
        for _ in range(3):
            connections.failed(channel, Unavailable("host", "no").answered(status, code))
        clock.now += 61
        for _ in range(3):
            connections.works(channel)
        connections.failed(channel, Refused("host", status, code))
    assert told(events) == [
        ("WARNING", trouble, channel),
        ("INFO", "working", channel),
        ("WARNING", trouble, channel),
    ]


@pytest.mark.parametrize(
    ("channel", "code"), [("meta", "131026"), ("twilio", "63016"), ("twilio", "21211"), ("meta", "")]
)
def test_an_error_of_one_message_says_nothing_of_the_channel(channel: Channel, code: str) -> None:
    with capture_events("INFO") as events:
        Connections().failed(channel, Refused("host", 400, code))
        Connections().works(channel)
    assert told(events) == []


def test_a_limit_that_lets_every_other_message_through_is_two_lines() -> None:
    """Neither a message that passes nor a second trouble makes the first one news again."""
    clock = Clock()
    connections = Connections(clock)
    with capture_events("INFO") as events:
        for _ in range(500):
            clock.now += 1
            connections.refused("twilio", code="63018")
            connections.refused("twilio", code="63007")
            connections.works("twilio")
    assert [status for _, status, _ in told(events)] == ["throttled", "not_registered"]


@pytest.mark.parametrize(
    ("field", "value", "level", "status"),
    [
        (
            "account_update",
            {
                "event": "ACCOUNT_RESTRICTION",
                "restriction_info": [{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING"}],
            },
            "WARNING",
            "ACCOUNT_RESTRICTION",
        ),
        ("account_update", {"event": "VERIFIED_ACCOUNT"}, "INFO", "VERIFIED_ACCOUNT"),
        (
            "account_update",
            {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "ADULT"}},
            "WARNING",
            "ACCOUNT_VIOLATION ADULT",
        ),
        (
            "account_update",
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}},
            "WARNING",
            "DISABLE",
        ),
        (
            "account_update",
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": ["DISABLE"]}},
            "WARNING",
            "DISABLE",
        ),
        (
            "account_update",
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}},
            "INFO",
            "REINSTATE",
        ),
        (
            "phone_number_quality_update",
            {"display_phone_number": "15550783881", "event": "FLAGGED", "current_limit": "TIER_10K"},
            "WARNING",
            "FLAGGED",
        ),
        (
            "phone_number_quality_update",
            {"display_phone_number": "15550783881", "event": "UPGRADE", "current_limit": "TIER_UNLIMITED"},
            "INFO",
            "UPGRADE",
        ),
        ("account_review_update", {"decision": "REJECTED"}, "WARNING", "REJECTED"),
        (
            "account_alerts",
            {"alert_severity": "CRITICAL", "alert_type": "OBA_APPROVED"},
            "WARNING",
            "CRITICAL OBA_APPROVED",
        ),
        ("message_template_status_update", {}, "INFO", "message_template_status_update"),
    ],
)
def test_account_news_is_one_line_however_often_it_comes(
    field: str, value: dict[str, Any], level: str, status: str
) -> None:
    connections = Connections()
    with capture_events("INFO") as events:
        for _ in range(3):
            connections.account_news(field, value)
    assert told(events) == [(level, status, "meta")]


def test_news_that_is_not_of_its_form_costs_a_line_at_most() -> None:
    odd: list[Any] = [None, 5, "x" * 5000, ["a", {}], {"a": []}, "two\nlines"]
    with capture_events("INFO") as events:
        for value in odd:
            Connections().account_news(
                "account_update", dict.fromkeys(("event", "ban_info", "decision", "violation_info"), value)
            )
    assert {status for _, status, _ in told(events)} == {"account_update"}
