"""What was lost is told at most once a second, and counted for good."""

from types import SimpleNamespace

import pytest

from prosaas_logging import losses as module
from prosaas_logging.levels import INFO, WARNING
from prosaas_logging.losses import Losses


def test_losses_are_told_at_once_then_each_second_and_each_of_them_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    losses = Losses()
    assert losses.take() == {}
    for level, cause in ((INFO, "full"), (WARNING, "closed"), (INFO, "full")):
        losses.add(level, cause)
    assert losses.take() == {("INFO", "full"): 2, ("WARNING", "closed"): 1}
    losses.add(INFO, "full")
    now[0] = 100.75
    assert losses.take() == {}
    now[0] = 101.0
    assert losses.take() == {("INFO", "full"): 1}
    assert losses.all == {("INFO", "full"): 3, ("WARNING", "closed"): 1}
