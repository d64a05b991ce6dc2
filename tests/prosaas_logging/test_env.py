"""An env file means what Compose says it means; durations and sizes are understood in one way everywhere."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prosaas_logging.env import EnvError, duration, read_env_file, size

OUTSIDE = {"OUTER": "outside", "EMPTY": ""}
ODD = [
    "A=1", "A=1\n", "A=", "A\n", "OUTER\n", "export A=1", "export\tA=1", "exported=1",
    "A = two words ", "A: yaml", "A:yaml",
    "\ufeffA=1", "A=1\r\nB=2\r\n", "# note\n  # note\nA=1", "A=4 # why", "A=a#b", "A=#b", "A= #b", "A=x\t#b",
    'A="two words" # note\nB=1', "A='3'\nB=4", "A='$OUTER'", "A='it\\'s'", 'A="say \\"x\\""', 'A="a\\nb\\tc"',
    'A="a\\qb"', "A='a\\nb'", "A=a\\nb", 'A="two\nlines"\nB=1', "A='two\nlines'", "A=$OUTER", "A=${OUTER}/x", "A=$$x",
    "A=$${OUTER}", 'A="\\$OUTER"', 'A="$$OUTER"', "A=1\nB=$A-$A", "A=${NONE}", "A=${NONE:-d}", "A=${EMPTY:-d}",
    "A=${EMPTY-d}", "A=${NONE:-${OUTER}}", "A=${OUTER:+yes}", "A=${NONE:+yes}", "A=${OUTER:?no}", "A.b-c=1", "A=1\nA=2",
    "A=p@ss:w/rd%20", "A=x=y=z", "A==x", "A='x' 'y'", "  A=1", "A=שלום", "OUTER=inside\nB=$OUTER",
    "A=$", "A=${", "A=${}", "A=$1", "A='x", 'A="x', "A B=1", "A=${NONE:?no}", "A!=1", "A=a$", "A=\u00a0x\u00a0",
    'A="\\\\n"', 'A="\\033x"', "A=x\\", "A='x\\\\'", "A=`date`", "A=$(date)", "A=\\$OUTER", "A=\x0bx", "A=1\n\n\nB=2",
    "A=${NONE-:x}", "A=${NONE-}",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("LOG_LEVEL: DEBUG", {"LOG_LEVEL": "DEBUG"}),
        ("\ufeffexport A = 1 # why\r\nB='$A'\r\nC=\"$A\\n\"", {"A": "1", "B": "$A", "C": "1\n"}),
        ("A=1\nA=${A}2", {"A": "12"}),
        ("OUTER", {"OUTER": "outside"}),
        ("A=${NONE-:x}\nB=${NONE-}\nC=${EMPTY-x}", {"A": ":x", "B": "", "C": ""}),
    ],
)
def test_an_env_file_is_read_as_people_write_it(text: str, values: dict[str, str]) -> None:
    assert read_env_file(text, OUTSIDE) == values


def test_what_compose_takes_for_a_setting_without_a_name_is_refused_or_passed_over() -> None:
    """`=1`, and words behind a quoted value or a last line: no service can ask for an empty name."""
    with pytest.raises(EnvError, match="line 1"):
        read_env_file("=1", OUTSIDE)
    assert read_env_file('A="x"y', OUTSIDE) == {"A": "x"}
    assert read_env_file("A", OUTSIDE) == {}


@pytest.mark.docker
def test_every_odd_spelling_means_what_compose_says(tmp_path: Path) -> None:
    ours: dict[str, object] = {}
    for text in ODD:
        try:
            ours[text] = read_env_file(text, OUTSIDE)
        except EnvError:
            ours[text] = None
    taken = [text for text in ODD if ours[text] is not None]
    # A reading of Compose takes a quarter of a second: those that it is to take are told in one.
    at_once = composed(taken, tmp_path)
    theirs: dict[str, object] = dict(zip(taken, at_once, strict=True)) if at_once else {}
    theirs |= {text: each(text, tmp_path) for text in ODD if text not in theirs}
    assert {text: (ours[text], theirs[text]) for text in ODD if ours[text] != theirs[text]} == {}


def each(text: str, folder: Path) -> dict[str, str] | None:
    """What Compose hands a service whose env_file this is; None where it refuses the file."""
    found = composed([text], folder)
    return None if found is None else found[0]


def composed(texts: list[str], folder: Path) -> list[dict[str, str]] | None:
    """The same for many at once; None where it refuses one of them."""
    for number, text in enumerate(texts):
        (folder / f"{number}.env").write_text(text, "utf-8", newline="")
    services = {f"odd{number}": {"image": "none", "env_file": f"{number}.env"} for number in range(len(texts))}
    (folder / "compose.yml").write_text(json.dumps({"services": services}))
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), **OUTSIDE}
    command = ["docker", "compose", "-f", "compose.yml", "config", "--format", "json"]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        return None
    found = json.loads(done.stdout)["services"]
    # What it prints is a Compose file again, in which a dollar is written twice.
    return [
        {
            name: value.replace("$$", "$")
            for name, value in (found[name].get("environment") or {}).items()
            if value is not None
        }
        for name in services
    ]


@given(text=st.text(alphabet=st.sampled_from("AB=:'\"\\$ {}-?+#\n\r\texport\ufeff")))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    try:
        values = read_env_file(text, OUTSIDE)
    except EnvError as refused:
        words = str(refused)
    else:
        words = "line "
        assert all(name and name == name.strip() for name in values)
    assert words.startswith("line ")


def test_a_refusal_names_line_and_setting_and_shows_no_value() -> None:
    with pytest.raises(EnvError, match="line 2, PASSWORD") as refused:
        read_env_file("A=1\nPASSWORD=hunter22${\n")
    assert "hunter22" not in str(refused.value)


def test_defaults_inside_defaults_are_followed_a_few_steps_and_refused_then() -> None:
    def nested(depth: int) -> str:
        return "A=" + "${NONE:-" * depth + "x" + "}" * depth

    assert read_env_file(nested(20), OUTSIDE) == {"A": "x"}
    with pytest.raises(EnvError, match="too many defaults"):
        read_env_file(nested(21), OUTSIDE)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1h30m", 5400), ("2d", 172_800), ("500ms", 0.5), (" 1.5H ", 5400)]
)
def test_a_duration_is_understood(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "m", "-1s", "1h 30m", "1w", "1e3s", "9" * 1000 + "s", "١s"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="15m"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "size_"), [("1", 1), ("4k", 4096), ("8MiB", 8 * 1024**2), ("1 GB", 1024**3), ("3t", 3 * 1024**4)]
)
def test_a_size_is_understood(text: str, size_: int) -> None:
    assert size(text) == size_


@pytest.mark.parametrize("text", ["", "8 apples", "-1", "k", "9" * 1000])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="8MiB"):
        size(text)
