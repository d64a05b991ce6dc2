"""A service's own formatters scrub what they scrub, and the line is ours."""

import json
import logging
import sys
from collections.abc import Callable
from typing import Any

import pytest

from prosaas_logging.adopt.formatted import own_formatter, taken
from prosaas_logging.adopt.frameworks import shaped, unpacked


def said(message: object, *arguments: object, **more: object) -> logging.LogRecord:
    record = logging.LogRecord("shop.till", logging.WARNING, __file__, 1, message, arguments, None)
    record.__dict__.update(more)
    return record


def failure(text: str = "the secret failed") -> Any:
    try:
        raise ValueError(text)
    except ValueError:
        return sys.exc_info()


class Scrubs(logging.Formatter):
    """Of a text, also in a stack."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("secret", "***")


class ScrubsMessages(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:
        return super().formatMessage(record).replace("secret", "***")


class Json(logging.Formatter):
    """A row with the message within another, and the stack as a list of rows."""

    def format(self, record: logging.LogRecord) -> str:
        row: dict[str, object] = {
            "at": 1,
            "first": "text",
            "said": {"text": record.getMessage()},
        }
        if record.exc_info:
            row["stack"] = [f"{line}\n" for line in self.formatException(record.exc_info).split("\n")]
        return json.dumps(row).replace("secret", "***")


class Fails(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        raise RuntimeError


class Handler(logging.Handler):
    def __init__(self, formatter: logging.Formatter | None) -> None:
        super().__init__()
        self.formatter = formatter


def bare(formatter: logging.Formatter) -> logging.Formatter | None:
    return own_formatter([Handler(formatter)], frozenset())


def test_a_record_is_taken_as_it_was_said() -> None:
    record = said("%s of %d", "one", 2, order=7, stack_info="Stack:\n  x")
    record.__dict__.update(dict.fromkeys(("message", "asctime", "color_message"), "what a formatter left on it"))
    at, level, logger, text, fields, error = taken(record, True, None)
    assert (at, level, logger.name, text) == (record.created, logging.WARNING, "shop.till", "one of 2")
    assert (fields, error) == ({"order": 7, "stack_info": "Stack:\n  x"}, None)


def test_a_library_s_record_names_who_speaks() -> None:
    assert taken(said("hello"), False, None)[3] == "shop.till: hello"


def test_a_record_s_exception_is_its_error_in_whatever_form_it_comes() -> None:
    *_, error = taken(said("failed", exc_info=failure()), True, None)
    assert error is not None
    assert (error.kind, error.message) == ("ValueError", "the secret failed")
    stack = "Traceback (most recent call last):\n  File x\nKeyError: 'a'"
    for record in (said("failed", exc_text=stack), said(f"failed\n{stack}")):
        _, _, _, text, _, error = taken(record, True, None)
        assert (text, error) == ("failed", ("KeyError", "'a'", stack))
    assert taken(said(stack), True, None)[3] == "KeyError"


@pytest.mark.parametrize("formatter", [Scrubs("%(asctime)s %(message)s!"), ScrubsMessages("%(message)s!"), Json()])
def test_a_formatter_s_message_is_taken_without_its_layout(formatter: logging.Formatter) -> None:
    record = said("the %s of %s", "secret", "text", exc_text="not in it", stack_info="nor this")
    assert taken(record, True, bare(formatter))[3].startswith("the *** of text")  # type: ignore[union-attr]
    assert taken(said("the %s", "secret"), True, bare(formatter))[3] == "the ***"
    assert record.args == ("secret", "text")


@pytest.mark.parametrize("formatter", [Scrubs(), Json()])
def test_a_formatter_s_stack_is_taken_and_its_kind_kept(formatter: logging.Formatter) -> None:
    *_, error = taken(said("failed", exc_info=failure()), True, bare(formatter))
    assert error is not None
    assert (error.kind, error.message) == ("ValueError", "the *** failed")
    assert error.stack.endswith("\nValueError: the *** failed")
    assert "secret failed" not in error.stack


def test_a_formatter_that_leaves_stacks_alone_or_fails_costs_nothing() -> None:
    for formatter in (ScrubsMessages(), Fails()):
        _, _, _, text, _, error = taken(said("failed", exc_info=failure()), True, bare(formatter))
        assert text == "failed"
        assert error is not None
        assert error.message == "the secret failed"


def test_a_row_without_the_message_in_it_is_the_message() -> None:
    class Numbers(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return json.dumps({"length": len(record.getMessage())})

    assert taken(said("hello"), True, bare(Numbers()))[3] == '{"length": 5}'


def test_the_first_formatter_that_the_service_wrote_is_asked() -> None:
    class Theirs(logging.Formatter):
        __module__ = "uvicorn.logging"

    ours = [Scrubs("a %(message)s"), Json()]
    handlers = [Handler(formatter) for formatter in (None, logging.Formatter("x %(message)s"), Theirs(), *ours)]
    found = own_formatter(handlers, frozenset())
    assert type(found) is Scrubs
    assert found.format(said("hello")) == "hello"
    assert ours[0].format(said("hello")) == "a hello"
    assert own_formatter(handlers, frozenset()) is found
    assert own_formatter(handlers[:3], frozenset()) is None
    assert type(own_formatter([Handler(Theirs("y %(message)s"))], frozenset({"uvicorn"}))) is Theirs


def test_what_structlog_hands_over_whole_is_taken_apart() -> None:
    record = said({"event": "hello", "order": 7}, _logger=1, _name="info", more=2)
    assert taken(record, True, None)[3:] == ("hello", {"more": 2, "order": 7}, None)
    record = said({"event": "hello"}, _logger=1, _name="info", exc_info=failure())
    *_, error = taken(record, True, None)
    assert error is not None
    assert error.kind == "ValueError"
    assert taken(said({"event": "hello"}), True, None)[3] == "{'event': 'hello'}"


class EventRenamer:
    to = "msg"

    def __call__(self, logger: object, method: str, event: dict[str, object]) -> dict[str, object]:
        return {"msg": event.pop("event"), **event}


def adds(logger: object, method: str, event: dict[str, object]) -> dict[str, object]:
    event["by"] = f"{logger} {method}"
    return event


def renders(logger: object, method: str, event: dict[str, object]) -> Any:
    return str(event)


@pytest.mark.parametrize(
    ("processors", "event", "message"),
    [
        ([renders], {"event": "hello"}, "event"),
        ([adds, renders], {"event": "hello", "by": "l m"}, "event"),
        ([EventRenamer(), adds, renders], {"msg": "hello", "by": "l m"}, "msg"),
        ([adds, renders, EventRenamer(), renders], {"event": "hello", "by": "l m"}, "event"),
        ([], {"event": "hello"}, "event"),
    ],
)
def test_an_event_is_taken_as_it_comes_to_its_renderer(
    processors: list[Callable[..., Any]], event: dict[str, object], message: str
) -> None:
    given: dict[str, Any] = {"event": "hello"}
    assert shaped(processors, "l", "m", given) == (event, message)
    assert given == {"event": "hello"}


def test_an_event_s_message_is_under_its_name_or_one_that_is_common() -> None:
    ours = dict.fromkeys(("level", "timestamp", "logger", "_record", "_from_structlog"), "has our line itself")
    for found, name in (("event", "event"), ("message", "event"), ("msg", "event"), ("own", "own")):
        assert unpacked({found: "hello", "order": 7, **ours}, name) == ("hello", {"order": 7}, None)
    assert unpacked({"msg": "last", "message": "second"}) == ("second", {"msg": "last"}, None)
    assert unpacked({"order": 7}) == ("", {"order": 7}, None)


def test_an_event_s_exception_is_its_error_and_what_only_looks_like_one_a_field() -> None:
    stack = "Traceback (most recent call last):\n  File x\nKeyError: 'a'"
    assert unpacked({"event": "failed", "exception": stack}) == ("failed", {}, ("KeyError", "'a'", stack))
    assert unpacked({"event": "failed", "exception": "no"}) == ("failed", {"exception": "no"}, None)
    text, fields, error = unpacked({"event": "failed", "exc_info": failure(), "exception": stack})
    assert error is not None
    assert (text, fields, error.kind) == ("failed", {"exception": stack}, "ValueError")
