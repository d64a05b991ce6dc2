"""Who may look at the console, and for how long."""

import os
import time
from pathlib import Path

import pytest

from clocks import Clock
from prosaas_ops.console.session import IDLE_SECONDS, LONGEST_SESSION_SECONDS, Doorkeeper, leave_link, repeats


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door(clock: Clock) -> Doorkeeper:
    return Doorkeeper(clock)


def test_a_link_lets_one_browser_in(door: Doorkeeper) -> None:
    key = door.link()
    cookie = door.enter(key)
    assert cookie
    assert door.session(cookie)
    assert door.enter(key) is None


@pytest.mark.parametrize("key", ["", "x", "א" * 50, "\ud800"])
def test_a_key_that_never_was_lets_nobody_in(door: Doorkeeper, key: str) -> None:
    door.link()
    assert door.enter(key) is None
    assert door.session(key) is None


def test_a_link_that_nobody_used_is_too_old_at_last(door: Doorkeeper, clock: Clock) -> None:
    key = door.link()
    clock.now += IDLE_SECONDS
    assert door.enter(key) is None


def test_a_link_that_was_left_beside_lets_one_browser_in_while_it_is_fresh(clock: Clock, tmp_path: Path) -> None:
    """Of whoever typed `make console` second; a folder that is not there is no link."""
    folder = tmp_path / "links"
    door = Doorkeeper(clock, folder)
    assert door.enter("x") is None
    key, old = leave_link(folder), leave_link(folder)
    for path in folder.iterdir():
        assert path.name not in (key, old)
    assert door.enter(key)
    assert door.enter(key) is None
    (left,) = folder.iterdir()
    long_ago = time.time() - IDLE_SECONDS - 1
    os.utime(left, (long_ago, long_ago))
    assert door.enter(old) is None


def test_a_session_ends_when_nobody_looks_and_at_its_longest(door: Doorkeeper, clock: Clock) -> None:
    idle, long = (door.enter(door.link()) or "" for _ in range(2))
    for _ in range(int(LONGEST_SESSION_SECONDS / 1000)):
        clock.now += 1000
        assert door.session(long)
    assert door.session(idle) is None
    clock.now += LONGEST_SESSION_SECONDS % 1000
    assert door.session(long) is None


def test_only_who_is_in_keeps_the_console_awake(door: Doorkeeper, clock: Clock) -> None:
    cookie = door.enter(door.link()) or ""
    clock.now += 60
    door.session("a stranger")
    door.enter("a guess")
    assert door.idle_seconds == 60
    door.session(cookie)
    assert door.idle_seconds == 0


def test_links_and_sessions_are_few_however_many_are_made(door: Doorkeeper) -> None:
    first = door.link()
    for _ in range(20):
        door.link()
    assert door.enter(first) is None
    cookies = [door.enter(door.link()) or "" for _ in range(51)]
    assert door.session(cookies[0]) is None
    assert door.session(cookies[-1])


def test_a_form_repeats_its_own_sessions_token(door: Doorkeeper) -> None:
    mine, other = (door.session(door.enter(door.link()) or "") for _ in range(2))
    assert mine
    assert other
    assert repeats(mine, mine.token)
    assert not repeats(mine, other.token)
    assert not repeats(mine, "")
    assert not repeats(mine, "\ud800")
