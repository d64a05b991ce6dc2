"""What is typed behind ``python -m prosaas_logging`` is one command, and a service's own words are left to it."""

import sys

import pytest

from prosaas_logging.__main__ import main

Done = list[tuple[object, ...]]


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Done:
    """What would have been done, and with what; each answers with a code of its own."""
    asked: Done = []

    def report(name: str, budget: int) -> int:
        asked.append((name, budget))
        return 5

    def become(name: str, command: list[str]) -> int:
        asked.append((name, *command))
        return 6

    monkeypatch.setattr("prosaas_logging.adopt.noise.report", report)
    monkeypatch.setattr("prosaas_logging.adopt.launch.become", become)
    return asked


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (("noise",), 5, ("-", 30)),
        (("noise", "log", "--budget", "7"), 5, ("log", 7)),
        (("noise", "--", "-log"), 5, ("-log", 30)),
        (("run", "shop", "--", "serve"), 6, ("shop", "serve")),
        (("run", "shop", "--", "serve", "--", "-x", "noise"), 6, ("shop", "serve", "--", "-x", "noise")),
    ],
)
def test_each_command_has_its_own_words_and_answers_with_its_own_code(
    done: Done, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int, what: tuple[object, ...]
) -> None:
    assert main(words) == code
    monkeypatch.setattr(sys, "argv", ["prosaas_logging", *words])
    assert main() == code
    assert done == [what] * 2


@pytest.mark.parametrize("words", [("run", "shop"), ("run", "shop", "--")])
def test_a_service_without_a_command_is_told_how_to_write_it(
    done: Done, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err == "no command to run. Write: python -m prosaas_logging run NAME -- COMMAND …\n"
    assert done == []


@pytest.mark.parametrize("words", [(), ("serve",), ("run", "--", "serve"), ("run", "shop", "serve", "--", "x")])
def test_what_is_no_command_is_wrong_usage(done: Done, words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert (ended.value.code, done) == (2, [])
