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
# What Compose makes of each; None where it refuses the file.
ODD: dict[str, dict[str, str] | None] = {
    "A=1": {"A": "1"}, "A=1\n": {"A": "1"}, "A=": {"A": ""}, "A\n": {}, "OUTER\n": {"OUTER": "outside"},
    "export A=1": {"A": "1"}, "export\tA=1": {"A": "1"}, "exported=1": {"exported": "1"},
    "A = two words ": {"A": "two words"}, "A: yaml": {"A": "yaml"}, "A:yaml": {"A": "yaml"}, "\ufeffA=1": {"A": "1"},
    "A=1\r\nB=2\r\n": {"A": "1", "B": "2"}, "# note\n  # note\nA=1": {"A": "1"}, "A=4 # why": {"A": "4"},
    "A=a#b": {"A": "a#b"}, "A=#b": {"A": "#b"}, "A= #b": {"A": "#b"}, "A=x\t#b": {"A": "x\t#b"},
    'A="two words" # note\nB=1': {"A": "two words", "B": "1"}, "A='3'\nB=4": {"A": "3", "B": "4"},
    "A='$OUTER'": {"A": "$OUTER"}, "A='it\\'s'": {"A": "it's"}, 'A="say \\"x\\""': {"A": 'say "x"'},
    'A="a\\nb\\tc"': {"A": "a\nb\tc"}, 'A="a\\qb"': {"A": "a\\qb"}, "A='a\\nb'": {"A": "a\\nb"},
    "A=a\\nb": {"A": "a\\nb"}, 'A="two\nlines"\nB=1': {"A": "two\nlines", "B": "1"},
    "A='two\nlines'": {"A": "two\nlines"}, "A=$OUTER": {"A": "outside"}, "A=${OUTER}/x": {"A": "outside/x"},
    "A=$$x": {"A": "$x"}, "A=$${OUTER}": {"A": "${OUTER}"}, 'A="\\$OUTER"': {"A": "$OUTER"},
    'A="$$OUTER"': {"A": "$OUTER"}, "A=1\nB=$A-$A": {"A": "1", "B": "1-1"}, "A=${NONE}": {"A": ""},
    "A=${NONE:-d}": {"A": "d"}, "A=${EMPTY:-d}": {"A": "d"}, "A=${EMPTY-d}": {"A": ""},
    "A=${NONE:-${OUTER}}": {"A": "outside"}, "A=${OUTER:+yes}": {"A": "yes"}, "A=${NONE:+yes}": {"A": ""},
    "A=${OUTER:?no}": {"A": "outside"}, "A.b-c=1": {"A.b-c": "1"}, "A=1\nA=2": {"A": "2"},
    "A=p@ss:w/rd%20": {"A": "p@ss:w/rd%20"}, "A=x=y=z": {"A": "x=y=z"}, "A==x": {"A": "=x"}, "A='x' 'y'": None,
    "  A=1": {"A": "1"}, "A=שלום": {"A": "שלום"}, "OUTER=inside\nB=$OUTER": {"OUTER": "inside", "B": "outside"},
    "A=$": {"A": "$"}, "A=${": None, "A=${}": None, "A=$1": {"A": "$1"}, "A='x": None, 'A="x': None, "A B=1": None,
    "A=${NONE:?no}": None, "A!=1": None, "A=a$": {"A": "a$"}, "A=\xa0x\xa0": {"A": "x"}, 'A="\\\\n"': {"A": "\\n"},
    'A="\\033x"': {"A": "\\33x"}, "A=x\\": {"A": "x\\"}, "A='x\\\\'": {"A": "x\\\\"}, "A=`date`": {"A": "`date`"},
    "A=$(date)": {"A": "$(date)"}, "A=\\$OUTER": {"A": "\\outside"}, "A=\x0bx": {"A": "x"},
    "A=1\n\n\nB=2": {"A": "1", "B": "2"}, "A=${NONE-:x}": {"A": ":x"}, "A=${NONE-}": {"A": ""},
    'A="\\a\\b\\f\\r\\v"': {"A": "\x07\x08\x0c\r\x0b"}, 'A="a\\u0031"': {"A": "a\\u0031"},
    "A=${OUTER:-d}": {"A": "outside"}, "A=${OUTER+yes}": {"A": "yes"}, "A=${EMPTY+yes}": {"A": "yes"},
    "A=${EMPTY:+yes}": {"A": ""}, "A=${EMPTY?no}": {"A": ""}, "A=${EMPTY:?no}": None, "A=${OUTER": None,
    "A=${NONE:-${NONE:-d}}x": {"A": "dx"}, "A=${OUTER!x}": None, "A=$OUTER/$OUTER": {"A": "outside/outside"},
    "exportA=1": {"exportA": "1"}, "export  A=1": {"A": "1"}, "A=1#2 #3 #4": {"A": "1#2"}, "A='x'\\": None,
    "A =1": {"A": "1"}, "A[0]=1": {"A[0]": "1"}, "A=x\x85": {"A": "x"}, 'A="${OUTER}$"': {"A": "outside$"},
    'A="a\\\\\\"b"': {"A": 'a\\"b'}, "#": {}, "A=1\n#": {"A": "1"},
}  # fmt: skip


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


@pytest.mark.parametrize(("text", "values"), ODD.items())
def test_every_odd_spelling_is_read_as_compose_reads_it(text: str, values: dict[str, str] | None) -> None:
    try:
        assert read_env_file(text, OUTSIDE) == values
    except EnvError:
        assert values is None


@pytest.mark.docker
def test_every_odd_spelling_means_what_compose_says(tmp_path: Path) -> None:
    taken = [text for text, values in ODD.items() if values is not None]
    # A reading of Compose takes a quarter of a second: those that it is to take are told in one.
    at_once = composed(taken, tmp_path)
    theirs: dict[str, object] = dict(zip(taken, at_once, strict=True)) if at_once else {}
    theirs |= {text: each(text, tmp_path) for text in ODD if text not in theirs}
    assert {text: (ours, theirs[text]) for text, ours in ODD.items() if ours != theirs[text]} == {}


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
    with pytest.raises(EnvError, match="line 2"):
        read_env_file("\nA B=1")


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
