"""The environment becomes settings, and what is wrong in it becomes words."""

import logging
import os
from pathlib import Path

import pytest

from prosaas_logging import levels
from prosaas_logging.levels import DEBUG, ERROR, INFO, WARNING
from prosaas_logging.settings import LogSettings, load_settings


def test_nothing_set_is_production_as_the_pages_tell_it() -> None:
    told = load_settings("svc", {})
    assert told == LogSettings("svc")
    assert (told.json, told.lang, told.schema, told.transcripts, told.call_budget) == (False, "he", "default", True, 30)
    assert (told.follow_threads, told.folded, told.recorder, told.buffer) == (True, "ring", 500, 8 * 1024**2)
    assert (told.blackbox, str(told.switch_file)) == ("/var/log/prosaas/blackbox", "/run/prosaas/log-switch.json")


@pytest.mark.parametrize("text", ["DEBUG", "debug", " Debug "])
def test_a_level_is_understood_in_any_case(text: str) -> None:
    assert load_settings("worker", {"LOG_LEVEL": text}).level == DEBUG


def test_a_wrong_level_is_info_and_one_problem_that_names_the_valid_ones() -> None:
    settings = load_settings("worker", {"LOG_LEVEL": "LOUD"})
    assert settings.level == INFO
    (problem,) = settings.problems
    assert (problem.name, problem.value, problem.fallback) == ("LOG_LEVEL", "LOUD", "INFO")
    assert problem.valid == "DEBUG, INFO, WARNING, ERROR, CRITICAL"


def test_a_service_s_own_setting_is_stronger_than_the_common_one() -> None:
    environ = {"LOG_LEVEL": "ERROR", "CALLS_LOG_LEVEL": "DEBUG"}
    assert load_settings("prosaas-calls", environ).level == DEBUG
    assert load_settings("prosaas-api", environ).level == ERROR


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_JSON", "perhaps"),
        ("LOG_LANG", "fr"),
        ("LOG_SCHEMA", "xml"),
        ("LOG_CALL_BUDGET", "-1"),
        ("LOG_RECORDER", "many"),
        ("LOG_BLACKBOX", "relative/path"),
        ("LOG_BUFFER", "8 apples"),
        ("LOG_DESCRIPTORS", "second"),
        ("LOG_FOLDED", "nowhere"),
        ("LOG_CALL_BUDGET", "٣"),
    ],
)
def test_any_other_wrong_value_is_a_problem_with_a_fallback(name: str, value: str) -> None:
    (problem,) = load_settings("worker", {name: value}).problems
    assert (problem.name, problem.value) == (name, value)
    assert problem.valid


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        *(("LOG_JSON", text, "json", True) for text in ("1", "true", "Yes", "ON")),
        *(("LOG_TRANSCRIPTS", text, "transcripts", False) for text in ("0", "false", "No", "OFF")),
        ("LOG_FOLLOW_THREADS", "0", "follow_threads", False),
        ("LOG_LANG", "EN", "lang", "en"),
        ("LOG_SCHEMA", "gcp", "schema", "gcp"),
        ("LOG_SCHEMA", "ecs", "schema", "ecs"),
        ("LOG_FOLDED", "File", "folded", "file"),
        ("LOG_CALL_BUDGET", "0", "call_budget", 0),
        ("LOG_RECORDER", "12", "recorder", 12),
        ("LOG_DESCRIPTORS", "1", "descriptors", "beside"),
        ("LOG_DESCRIPTORS", "First", "descriptors", "first"),
        ("LOG_DESCRIPTORS", "0", "descriptors", ""),
        ("LOG_BLACKBOX", "/a/Folder", "blackbox", "/a/Folder"),
        ("LOG_BLACKBOX", "STDOUT", "blackbox", "stdout"),
        ("LOG_PLACE", "here", "place", "here"),
        ("LOG_SWITCH_FILE", "/a/file", "switch_file", Path("/a/file")),
        ("PROSAAS_ENV", "dev", "env", "dev"),
        ("LOG_LEVELS", " a.b = debug, ,c=ERROR", "levels", (("a.b", DEBUG), ("c", ERROR))),
    ],
)
def test_a_value_is_understood_as_the_pages_tell_it(name: str, text: str, field: str, value: object) -> None:
    told = load_settings("svc", {name: text})
    assert (getattr(told, field), told.problems) == (value, ())


def test_of_levels_by_name_what_is_not_understood_is_left_out_and_told() -> None:
    told = load_settings("svc", {"LOG_LEVELS": "a=LOUD,b=DEBUG,=INFO,c"})
    assert told.levels == (("b", DEBUG),)
    assert [(problem.name, problem.value) for problem in told.problems] == [
        ("LOG_LEVELS", value) for value in ("a=LOUD", "=INFO", "c")
    ]
    assert told.problems[0].valid == "a logger = one of DEBUG, INFO, WARNING, ERROR, CRITICAL"


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("prosaas-api", "API_LOG_LEVEL"),
        ("prosaas-calls", "CALLS_LOG_LEVEL"),
        ("worker", "WORKER_LOG_LEVEL"),
        ("prosaas-worker", "WORKER_LOG_LEVEL"),
    ],
)
def test_where_a_level_comes_from_is_told_with_its_setting(service: str, name: str, tmp_path: Path) -> None:
    told = load_settings(service, {name: "ERROR", "LOG_LEVEL": "DEBUG"})
    assert (told.level, told.level_source) == (ERROR, f"{name} (environment)")
    environ, mark = env_file(tmp_path, f"{name}=WARNING\n", edited_after_creation=True)
    told = load_settings(service, environ, container_mark=mark)
    assert (told.level, told.level_source) == (WARNING, f"{name} ({tmp_path / 'prod.env'})")


@pytest.mark.parametrize(("text", "size"), [("1048576", 1024**2), ("4MiB", 4 * 1024**2), ("512k", 512 * 1024)])
def test_a_buffer_is_given_in_bytes_or_units(text: str, size: int) -> None:
    assert load_settings("worker", {"LOG_BUFFER": text}).buffer == size


@pytest.mark.parametrize("off", ["0", "off"])
def test_the_recorder_s_files_can_be_switched_off(off: str) -> None:
    assert load_settings("worker", {"LOG_BLACKBOX": off}).blackbox == ""


def env_file(tmp_path: Path, text: str, *, edited_after_creation: bool) -> tuple[dict[str, str], Path]:
    """An env file and the mark that a container leaves when it is created, one older than the other."""
    file, mark = tmp_path / "prod.env", tmp_path / "dockerenv"
    file.write_text(text)
    mark.touch()
    created = file.stat().st_ctime + (-10 if edited_after_creation else 10)
    os.utime(mark, (created, created))
    return {"PROSAAS_ENV_FILE": str(file), "LOG_LEVEL": "INFO"}, mark


def test_an_env_file_edited_after_the_container_was_created_is_in_force(tmp_path: Path) -> None:
    environ, mark = env_file(tmp_path, "LOG_LEVEL=DEBUG\nLOG_JSON=1\nPATH=/evil\n", edited_after_creation=True)
    settings = load_settings("worker", environ, container_mark=mark)
    assert (settings.level, settings.json, settings.problems) == (DEBUG, True, ())
    assert str(tmp_path / "prod.env") in settings.level_source


def test_an_env_file_that_the_container_was_created_from_leaves_an_explicit_level_alone(tmp_path: Path) -> None:
    environ, mark = env_file(tmp_path, "LOG_LEVEL=DEBUG\n", edited_after_creation=False)
    assert load_settings("worker", environ, container_mark=mark).level == INFO


def test_a_service_s_own_level_is_stronger_than_an_edited_env_file(tmp_path: Path) -> None:
    environ, mark = env_file(tmp_path, "LOG_LEVEL=DEBUG\n", edited_after_creation=True)
    assert load_settings("worker", {**environ, "WORKER_LOG_LEVEL": "WARNING"}, container_mark=mark).level == WARNING


def test_outside_a_container_the_process_s_environment_counts(tmp_path: Path) -> None:
    environ, _ = env_file(tmp_path, "LOG_LEVEL=DEBUG\n", edited_after_creation=True)
    assert load_settings("worker", environ, container_mark=tmp_path / "absent").level == INFO


def test_levels_have_the_numbers_of_the_standard_library() -> None:
    assert {name: getattr(logging, name) for name in levels.NAME_TO_LEVEL} == levels.NAME_TO_LEVEL
    named = [levels.level_name(number) for number in (7, 10, 19, 35, 50, 99)]
    assert named == ["DEBUG", "DEBUG", "DEBUG", "WARNING", "CRITICAL", "CRITICAL"]


@pytest.mark.parametrize(("given", "version"), [("1.2", "1.2"), ("", "1.1")])
def test_the_version_that_a_service_gives_is_stronger_than_the_environments(given: str, version: str) -> None:
    assert load_settings("svc", {"PROSAAS_VERSION": "1.1"}, version=given).version == version


@pytest.mark.parametrize("text", ["1", "64KiB"])
def test_a_buffer_has_room_for_a_few_lines_however_small_it_is_wanted(text: str) -> None:
    assert load_settings("svc", {"LOG_BUFFER": text}).buffer == 64 * 1024
