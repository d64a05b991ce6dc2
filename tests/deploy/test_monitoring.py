"""What watches the stack: each rule has its tests, its command and its page, and the receivers are usable."""

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from bundle_world.model import services
from postgres_world import ROOT, docker
from prosaas_core.facts.endings import ABNORMAL
from prosaas_ops.__main__ import COMMANDS, options_of
from prosaas_ops.receivers import config

FOLDER = ROOT / "deploy/monitoring"
GROUPS = yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"] if "alert" in rule]
NAMES = [rule["alert"] for rule in RULES]
TESTS = ("rules_test.yml", "rules_days_test.yml")
PAGE = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")
EVERYBODY = {
    "ALERT_WEBHOOK_URL": "http://duty.example.com/alert",
    "ALERT_SLACK_URL": "https://hooks.example.com/a'b",
    "ALERT_EMAIL_TO": "duty@example.com",
    "ALERT_SMTP": "mail.example.com:587",
    "ALERT_SMTP_USER": "duty",
    "ALERT_SMTP_PASSWORD": 'a "quoted" one',
}


def run(image: str, tool: str, *words: str, **mounts: Path) -> str:
    volumes = [f"--volume={path}:/{where}:ro" for where, path in mounts.items()]
    return docker("run", "--rm", "--network=none", f"--entrypoint={tool}", *volumes, image, *words)


@pytest.mark.docker
@pytest.mark.parametrize("name", TESTS)
def test_each_rule_fires_for_what_it_is_named_after_and_keeps_quiet_beside_it(
    watchers: dict[str, str], name: str
) -> None:
    image = watchers["PROMETHEUS_IMAGE"]
    assert "SUCCESS" in run(image, "promtool", "test", "rules", f"/rules/{name}", rules=FOLDER)


@pytest.mark.docker
def test_prometheus_takes_its_configuration(watchers: dict[str, str]) -> None:
    configuration = {"etc/prometheus": FOLDER}
    run(watchers["PROMETHEUS_IMAGE"], "promtool", "check", "config", "/etc/prometheus/prometheus.yml", **configuration)


@pytest.mark.docker
@pytest.mark.parametrize("language", ["he", "en"])
@pytest.mark.parametrize("settings", [{}, EVERYBODY])
def test_alertmanager_takes_what_is_made_of_the_settings(
    watchers: dict[str, str], settings: dict[str, str], language: str
) -> None:
    # The engine mounts what lies on its own machine, as this checkout does.
    with TemporaryDirectory(dir=ROOT / "logs") as folder:
        path = Path(folder) / "config"
        path.write_text(config(settings, language), encoding="utf-8")
        path.parent.chmod(0o755)
        path.chmod(0o644)
        said = run(watchers["ALERTMANAGER_IMAGE"], "amtool", "check-config", "/config", config=path)
    assert "1 receivers" in said


@pytest.mark.parametrize("name", NAMES)
def test_each_rule_is_tried_both_ways(name: str) -> None:
    """An alert that is expected, and one that is not, at different moments."""
    tried = [
        case
        for file in TESTS
        for test in yaml.safe_load((FOLDER / file).read_text())["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == name
    ]
    assert {bool(case.get("exp_alerts")) for case in tried} == {True, False}


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_each_alert_says_the_command_to_run_next_and_the_page_to_read(rule: dict[str, Any]) -> None:
    """The command is one that there is, with options that it takes; the page has a heading of the alert's name."""
    words = rule["annotations"]
    assert re.search("[\u05d0-\u05ea]", words["summary_he"])
    assert re.findall(r"\{\{.*?\}\}", words["summary_he"]) == re.findall(r"\{\{.*?\}\}", words["summary"])
    assert rule["labels"]["severity"] in ("page", "warn")
    assert words["page"] == f"docs/alerts.md#{rule['alert'].lower()}"
    section = PAGE.partition(f"### {rule['alert']}\n")[2].partition("\n#")[0]
    assert f"`{words['next']}`" in section
    program, target, *options = words["next"].split()
    assert program in ("make", "docker")
    if program == "make" and target in COMMANDS:
        allowed = options_of(target)
        assert {option.partition("=")[0] for option in options} <= set(allowed)


def test_the_page_has_no_alert_that_there_is_not() -> None:
    assert re.findall(r"^### (\w+)$", PAGE, re.MULTILINE) == NAMES


@pytest.mark.docker
def test_grafana_finds_its_source_and_its_dashboards_where_compose_mounts_them() -> None:
    """Grafana itself could not be had here: its files say of one another what its manual wants them to."""
    folder = FOLDER / "grafana"
    (source,) = yaml.safe_load((folder / "datasources/prometheus.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((folder / "dashboards/prosaas.yml").read_text())["providers"]
    board = json.loads((folder / "dashboards/prosaas.json").read_text())
    (mounted,) = [each for each in services("prod")["grafana"]["volumes"] if each.get("source") == str(folder)]
    assert provider["options"]["path"] == f"{mounted['target']}/dashboards"
    assert {(panel["datasource"]["type"], panel["datasource"]["uid"]) for panel in board["panels"]} == {
        (source["type"], source["uid"])
    }
    assert source["url"] == "http://prometheus:9090"
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    places = [tuple(panel["gridPos"].values()) for panel in board["panels"]]
    assert len(set(places)) == len(places)


def test_two_workers_that_count_one_queue_do_not_show_twice_its_jobs() -> None:
    """Each replica, and during a deploy each generation, says what is in the database."""
    board = json.loads((FOLDER / "grafana/dashboards/prosaas.json").read_text())
    rules = [rule["expr"] for group in GROUPS for rule in group["rules"]]
    asked = rules + [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    counted = [each for each in asked if "prosaas_queue_jobs" in each]
    assert len(counted) == 2
    assert all(re.search(r"max by \((?:status, )?exported_job\) \(prosaas_queue_jobs", each) for each in counted)


@pytest.mark.docker
def test_whoever_watches_is_on_this_machines_own_address_and_bounded() -> None:
    """No port to the world, no disk without an end."""
    model = services("prod")
    for name, profile in (("prometheus", "monitoring"), ("alertmanager", "monitoring"), ("grafana", "grafana")):
        (port,) = model[name]["ports"]
        assert port["host_ip"] == "127.0.0.1"
        assert model[name]["profiles"] == [profile]
    assert "--storage.tsdb.retention.size=1GB" in model["prometheus"]["command"]


def test_what_counts_as_a_bad_ending_is_what_the_services_call_abnormal() -> None:
    recorded = {rule.get("record"): rule["expr"] for group in GROUPS for rule in group["rules"]}
    (reasons,) = re.findall(r'reason=~"([^"]+)"', recorded["prosaas:calls_ended_badly:5m"])
    assert set(reasons.split("|")) == set(ABNORMAL)


def test_a_database_that_is_away_hides_nothing_that_callers_hear_of_for_another_reason() -> None:
    """Calls and the front door work without Postgres: that nobody answers must not drown in that of Postgres."""
    rules = json.loads(config({}, "en"))["inhibit_rules"]
    hidden = {
        name
        for rule in rules
        if rule["source_matchers"] == ["alertname=PostgresAway"]
        for name in re.findall(r"\w+", rule["target_matchers"][0].partition("=~")[2])
    }
    assert "SpoolNotEmpty" in hidden
    assert "NobodyAnswers" not in hidden
