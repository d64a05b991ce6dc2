"""Whoever configures logging again is let, and afterwards nobody is silenced by it."""

import logging
import logging.config
from collections.abc import Callable, Iterator

import pytest

from prosaas_logging import capture_events
from prosaas_logging.adopt.reconfigure import guard

QUIET, LOUD = logging.getLogger("tests.quiet"), logging.getLogger("tests.loud")


def configured(**asked: object) -> str:
    """As an application's own call: it switches a logger off, and may fail."""
    LOUD.disabled = bool(asked.get("silences"))
    if "fails" in asked:
        raise ValueError("no such handler")
    return "done"


Guard = Callable[[bool], list[bool]]


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guard]:
    """Begin to guard `configured`, which stands in for basicConfig; each repair is in the list."""
    monkeypatch.setattr(logging, "basicConfig", configured)
    monkeypatch.setattr(logging.config, "fileConfig", logging.config.fileConfig)
    configurator = logging.config.DictConfigurator
    monkeypatch.setattr(configurator, "configure", configurator.configure)

    def begin(needed: bool) -> list[bool]:
        repaired: list[bool] = []

        def restore() -> bool:
            repaired.append(LOUD.disabled)
            return needed

        guard(restore)
        return repaired

    QUIET.disabled = True
    yield begin
    QUIET.disabled = LOUD.disabled = False


@pytest.mark.parametrize(
    ("needed", "silences", "told"), [(False, False, None), (True, False, 0), (False, True, 1), (True, True, 1)]
)
def test_it_is_repaired_and_said_only_where_something_would_have_been_lost(
    guarded: Guard, needed: bool, silences: bool, told: int | None
) -> None:
    repaired = guarded(needed)
    with capture_events() as events:
        assert logging.basicConfig(silences=silences) == "done"  # type: ignore[call-overload,func-returns-value]
    assert repaired == [False]
    assert (QUIET.disabled, LOUD.disabled) == (True, False)
    said = [(event.level, event.fields) for event in events]
    assert said == ([] if told is None else [("INFO", {"by": "configured", "woken": told})])


def test_a_configuration_that_fails_half_way_is_repaired_too_and_fails_still(guarded: Guard) -> None:
    repaired = guarded(False)
    with pytest.raises(ValueError, match="no such handler"):
        logging.basicConfig(silences=True, fails=True)  # type: ignore[call-overload]
    assert (repaired, LOUD.disabled) == ([False], False)


def test_each_way_to_configure_is_followed(guarded: Guard) -> None:
    repaired = guarded(False)
    logging.config.dictConfig({"version": 1, "incremental": True})
    with pytest.raises(FileNotFoundError):
        logging.config.fileConfig("/no/such/file")
    assert len(repaired) == 2
