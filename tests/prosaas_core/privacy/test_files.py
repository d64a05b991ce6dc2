"""Files about one person are found by their number in any spelling or by a call's id, and others are let be."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prosaas_core.privacy.files import about, blackbox_folders, mentions, sweep
from prosaas_logging.redact import redact

SERVICES = Path(__file__).parents[3] / "services"
NUMBER, CALL = "972501112233", "CA" + "0" * 32


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    found = {name: tmp_path / name for name in ("SPOOL_DIR", "LOG_BLACKBOX")}
    for folder in found.values():
        folder.mkdir()
    spool, blackbox = found["SPOOL_DIR"], found["LOG_BLACKBOX"]
    (spool / f"{CALL}.json").write_text("{}")
    (spool / "CAdied.12ab.journal").write_text('{"call": {"from_number": "+972501112233"}}\n' + "\0" * 64)
    (spool / "CAunknown.json").write_text('{"from_number": "+972501112233"}')
    (spool / "CAlive.0a0b.journal").write_text('{"call": {"from_number": "+972501112233"}}\n\0\0')
    (spool / "CAother.json").write_text('{"from_number": "+9725011122334"}')
    (spool / ".CAhalf.partial").write_text('{"from_number": "+972501112233"}')
    (blackbox / "request.jsonl").write_text(f'{{"call_sid": "{CALL}"}}')
    (blackbox / "CAother.jsonl").write_text("{}")
    (blackbox / "folded").mkdir()
    (blackbox / f"folded/{CALL}.jsonl").write_text("{}")
    return found


def asked(folders: dict[str, Path], act: str, person: object) -> dict[str, str]:
    environment = {name: str(folder) for name, folder in folders.items()} | {"PERSON": json.dumps(person)}
    done = subprocess.run(
        [sys.executable, "-m", "prosaas_core.privacy.files", act],
        env={**os.environ, "PYTHONPATH": str(SERVICES), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def names(folders: dict[str, Path]) -> set[str]:
    return {str(path.relative_to(folder)) for folder in folders.values() for path in folder.rglob("*")}


def test_theirs_are_found_shown_and_erased(folders: dict[str, Path]) -> None:
    theirs, before = {"number": NUMBER, "ids": [CALL]}, names(folders)
    expected = {f"{CALL}.json", "CAunknown.json", "CAdied.12ab.journal", "CAlive.0a0b.journal", "request.jsonl"}
    expected |= {f"folded/{CALL}.jsonl"}
    assert asked(folders, "find", theirs).keys() == expected
    assert asked(folders, "show", theirs)["CAunknown.json"] == '{"from_number": "+972501112233"}'
    assert "\0" not in asked(folders, "show", theirs)["CAdied.12ab.journal"]
    assert names(folders) == before
    assert asked(folders, "erase", theirs).keys() == expected
    assert names(folders) == before - expected
    assert asked(folders, "find", theirs) == {}


def test_a_file_is_about_somebody_by_its_name_or_by_what_is_in_it(folders: dict[str, Path]) -> None:
    theirs = mentions(NUMBER, [CALL])
    assert theirs is not None
    found = {path.name for path in about(theirs, folders["SPOOL_DIR"], ["*.json", "*.journal", "CA*"])}
    assert found == {f"{CALL}.json", "CAunknown.json", "CAdied.12ab.journal", "CAlive.0a0b.journal"}


@pytest.mark.parametrize("nobody", [{"number": None, "ids": []}, {"number": "1234", "ids": []}, {"ids": [""]}])
def test_nobody_has_no_files(folders: dict[str, Path], nobody: object) -> None:
    before = names(folders)
    assert asked(folders, "erase", nobody) == {}
    assert names(folders) == before


@pytest.mark.parametrize(
    ("text", "theirs"),
    [
        ("+972501112233", True),
        ("+972 50-111-2233.", True),
        ("(972) 501112233", True),
        ("+9720501112233", True),
        ("+972 (0)50-1112233", True),
        ("+97200501112233", False),
        ("00972501112233", True),
        ("19725011122331", False),
        ("9725011122330", False),
        ("97250111", False),
    ],
)
def test_a_number_is_theirs_whole_or_not_at_all(text: str, theirs: bool) -> None:
    pattern = mentions(NUMBER, ())
    assert pattern is not None
    assert (pattern.search(text.encode()) is not None) is theirs


MARKS = " .-()/\t\n\u00a0\u2007\u200f\u202f\u2011\u2013\u2067\u2212\ufeff"


@given(
    marks=st.lists(st.text(MARKS, max_size=3), min_size=11, max_size=11),
    around=st.sampled_from([("", ""), ("+", "."), ("00", ","), ("tel:", '"'), ("ש", "ש"), ("9 ", " 9"), ("000", "")]),
)
def test_a_number_is_theirs_however_it_is_spaced(marks: list[str], around: tuple[str, str]) -> None:
    spelled = "".join(map("".join, zip(NUMBER, [*marks, ""], strict=True)))
    pattern, theirs = mentions(NUMBER, [CALL]), around[0] != "000"
    assert pattern is not None
    assert (pattern.search(spelled.join(around).encode()) is not None) is theirs
    assert pattern.search(f"{around[0]}{spelled}1".encode()) is None
    assert pattern.search(f"1{spelled}{around[1]}".encode()) is None


@given(ids=st.lists(st.text("aAb.+*", min_size=1, max_size=6), max_size=30), text=st.text("aAb.+*", max_size=12))
def test_of_many_ids_each_one_is_found_and_nothing_else(ids: list[str], text: str) -> None:
    pattern = mentions(None, ids)
    assert (pattern is not None and pattern.search(text.encode()) is not None) is any(id in text for id in ids)


def test_with_two_thousand_ids_a_megabyte_takes_about_what_it_takes_with_two() -> None:
    """A pattern that tries each id at each place took a hundred times as long."""
    ids = [f"CA{hashlib.md5(b'%d' % number).hexdigest()}" for number in range(2_000)]
    lines = "".join(f'{{"call_sid":"{id.replace("CA", "CA0")}","n":9725}}\n' for id in ids * 9).encode()
    took = {}
    for count in (2, 2_000):
        pattern = mentions(NUMBER, [*ids[:count], "SM1", "wamid.1"])
        assert pattern is not None
        began = time.thread_time()
        assert pattern.search(lines) is None
        took[count] = time.thread_time() - began
    assert took[2_000] < 8 * took[2]


def test_a_message_s_id_is_theirs_as_lines_show_it_too() -> None:
    """Of lines it is the end; what was kept before these were shortened has it whole."""
    whole = "wamid.HBgMOTcyNTAxMTEyMjMzFQIAERgSNUY0MjVBNzRGMTMwMzM0OTJBAA=="
    pattern = mentions(None, [whole])
    assert pattern is not None
    for shown in (whole, redact(whole)):
        assert pattern.search(f"[INFO] a · message_id={shown}".encode())
    assert not pattern.search(b"message_id=wamid.\xe2\x80\xa6MzM0OTJBAB==")


def test_black_boxes_are_sought_where_they_are_written_and_where_they_were_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_BLACKBOX", str(tmp_path))
    assert blackbox_folders() == sorted([tmp_path, Path("/var/log/prosaas/blackbox")])
    monkeypatch.setenv("LOG_BLACKBOX", "stdout")
    assert blackbox_folders() == [Path("/var/log/prosaas/blackbox")]


def test_a_sweep_takes_what_is_older_and_matches(tmp_path: Path) -> None:
    for name, days in {"a.jsonl": 3, "b.jsonl": 1, "c.txt": 9}.items():
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (1_000_000 - days * 86_400,) * 2)
    assert sweep(tmp_path, ("*.jsonl",), 2, [], now=1_000_000) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"b.jsonl", "c.txt"}
    assert sweep(tmp_path, ("*",), 0, [], now=1_000_000) == 0


def test_a_file_that_cannot_be_removed_keeps_no_other_from_going(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.jsonl", "b.jsonl", "c.jsonl"):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (0, 0))
    unlink = Path.unlink

    def refusing(path: Path, missing_ok: bool = False) -> None:
        if path.name == "b.jsonl":
            raise PermissionError(path.name)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refusing)
    refused: list[OSError] = []
    assert sweep(tmp_path, ("*.jsonl",), 1, refused) == 2
    assert [str(error) for error in refused] == ["b.jsonl"]
    assert [path.name for path in tmp_path.iterdir()] == ["b.jsonl"]
