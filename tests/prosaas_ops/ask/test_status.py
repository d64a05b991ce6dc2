"""How it stands now, on one screen of 80 columns, and for scripts."""

import asyncio
import json
import re
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from postgres_world import Fill
from prosaas_core.facts.simulated import new_call_sid
from prosaas_ops.act import alert_test
from prosaas_ops.ask import status as command
from prosaas_ops.conduct.world import World
from prosaas_ops.options import FINE, PROBLEM, Problem
from prosaas_ops.stack import alerts, sessions
from prosaas_ops.stack.alerts import Alert
from prosaas_ops.standing import unserved
from prosaas_ops.stories import status as story
from prosaas_ops.stories.status import Ended, Facts, Spent

NOW = datetime(2026, 1, 25, 14, tzinfo=UTC)
FACTS = Facts(
    [Ended("customer_hangup", 97, 99), Ended("crashed", 3, 0)],
    (600.0, 900.0),
    (700.0, 3400.0),
    17.2,
    4,
    0,
    [Spent("USD", 3.214, 2.9)],
)
ALERT = Alert(
    "CallsEndBadly", "page", NOW, "3 calls ended badly", "make calls BAD=1", "docs/alerts.md#callsendbadly", False
)


@pytest.fixture
def stands(engine: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A stack in which all is well, of which a test changes something."""
    world: dict[str, Any] = {"facts": FACTS, "alerts": [], "live": ("CA1", "CA2"), "switches": []}

    def facts(now: datetime, demo: bool, live: tuple[str, ...]) -> Facts:
        world.update(demo=demo, held=live)
        if isinstance(world["facts"], Exception):
            raise world["facts"]
        found: Facts = world["facts"]
        return found

    engine.on_run = lambda service, words: (
        0,
        json.dumps({"level": "INFO", "source": "x", "switches": world["switches"] if "calls" in service else []}),
        "",
    )
    monkeypatch.setattr(command, "opened", lambda: engine)
    monkeypatch.setattr(story, "_facts", facts)
    monkeypatch.setattr(story, "live_ids", lambda engine: world["live"])
    monkeypatch.setattr(story.alerts, "standing", lambda: world["alerts"])
    return world


def test_one_screen_says_how_it_stands(stands: Any, options: Any, capsys: Any) -> None:
    assert command.run(options("status")) == FINE
    said = capsys.readouterr().out
    assert re.search(r"^calls +v1\.4 +INFO +Up$", said, re.MULTILINE)
    assert "live calls     2" in said
    assert stands["held"] == ("CA1", "CA2"), "so that the database counts them as live, and not as unfinished"
    assert "calls today    100, yesterday until now 99" in said
    assert re.search(r"^  crashed +3 +0$", said, re.MULTILINE)
    assert "first sound    p50 0.6 s, p95 0.9 s" in said
    assert "answers        p50 0.7 s, p95 3.4 s" in said
    assert "lines a call   17 at INFO in prosaas-calls; make trace counts all services" in said
    assert "spent today    3.21 USD, yesterday until now 2.90" in said
    assert "jobs           4 wait, 0 held" in said
    assert "alerts         none" in said
    assert "\x1b" not in said
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize(("simulated", "beside"), [(0, ""), (3, "; beside them 3 simulated")])
def test_simulated_calls_that_do_not_count_stand_beside_those_that_do(
    stands: Any, options: Any, capsys: Any, simulated: int, beside: str
) -> None:
    stands["facts"] = replace(FACTS, simulated=simulated)
    command.run(options("status"))
    assert f"calls today    100, yesterday until now 99{beside}\n" in capsys.readouterr().out


@pytest.mark.parametrize("runs", ["1", "0"])
def test_its_figures_are_those_of_what_runs_and_not_of_what_env_says_by_now(
    stands: Any, engine: Any, options: Any, runs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO", "0" if runs == "1" else "1")
    engine.started_with("prosaas-calls", f"DEMO={runs}")
    command.run(options("status"))
    assert stands["demo"] is (runs == "1")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"alerts": [ALERT]}, "next: make calls BAD=1 · read: docs/alerts.md#callsendbadly"),
        ({"facts": Facts([], None, None, None, 0, 2)}, "0 wait, 2 held: make jobs"),
        ({"facts": Problem("the database does not answer: gone")}, "the database does not answer: gone"),
        ({"live": None}, "nobody could say"),
    ],
)
def test_what_must_be_looked_at_is_said_and_is_a_problem(
    stands: Any, options: Any, capsys: Any, wrong: dict[str, Any], words: str
) -> None:
    stands.update(wrong)
    assert command.run(options("status")) == PROBLEM
    assert words in capsys.readouterr().out


def test_a_service_that_is_down_is_a_problem(stands: Any, engine: Any, options: Any, capsys: Any) -> None:
    gone = [replace(found, state="exited", status="Exited (137) 2 minutes ago") for found in engine.containers()]
    engine.containers = lambda *some: [one for one in gone if one.service != "gateway"]
    assert command.run(options("status")) == PROBLEM
    said = capsys.readouterr().out
    assert "Exited (137)" in said
    assert "not everything serves; next: make restart-worker · make restart-api · make restart-calls" in said


def test_what_others_need_is_started_with_the_whole_stack(stands: Any, engine: Any, options: Any, capsys: Any) -> None:
    found = engine.containers()
    engine.containers = lambda *some: [
        replace(found[0], service="postgres", state="exited", status="Exited (1)"),
        *found[1:],
    ]
    assert command.run(options("status")) == PROBLEM
    assert "next: make up-prod" in capsys.readouterr().out


def test_what_is_paused_is_named_with_what_has_it_serve_again(
    stands: Any, engine: Any, options: Any, capsys: Any
) -> None:
    """A restart is refused as long as it is paused."""
    found = [
        replace(one, state="paused", status="Up 5 minutes (Paused)") if one.service == "worker" else one
        for one in engine.containers()
    ]
    (worker,) = (one.name for one in found if one.service == "worker")
    engine.containers = lambda *some: [one for one in found if not some or one.service in some]
    assert command.run(options("status")) == PROBLEM
    assert f"not everything serves; next: docker unpause {worker}\n" in capsys.readouterr().out
    assert unserved(engine) == f"not everything serves; next: docker unpause {worker}"


@pytest.mark.parametrize("away", ["prosaas-calls", "gateway", "worker"])
def test_a_service_without_a_container_is_down_and_comes_back_with_the_whole_stack(
    stands: Any, engine: Any, options: Any, capsys: Any, away: str
) -> None:
    """As a late Ctrl-C in `make down` leaves it: a restart would find nothing to renew."""
    del engine.written[away]
    assert command.run(options("status")) == PROBLEM
    said = capsys.readouterr().out
    assert re.search(rf"^{away.removeprefix('prosaas-')} +no container$", said, re.MULTILINE)
    assert "not everything serves; next: make up-prod\n" in said


def test_what_development_misses_comes_back_as_development(
    stands: Any, engine: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Production would be begun beside it, on its port."""
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "prosaas-dev")
    del engine.written["gateway"]
    assert command.run(options("status")) == PROBLEM
    assert "next: make up-dev\n" in capsys.readouterr().out


def test_the_database_is_missed_only_where_it_is_the_stacks_own(
    stands: Any, engine: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://reader:secret@db.example.net/prosaas")
    assert command.run(options("status")) == FINE
    monkeypatch.setenv("DATABASE_URL", "postgresql://reader:secret@postgres:5432/prosaas")
    assert command.run(options("status")) == PROBLEM
    assert re.search(r"^postgres +no container$", capsys.readouterr().out, re.MULTILINE)


def test_of_a_stack_of_which_nothing_runs_and_of_a_swarm_nothing_is_missed(
    stands: Any, engine: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody wanted the one so; the other makes its tasks anew by itself."""
    engine.states = dict.fromkeys(engine.written, "exited")
    del engine.written["gateway"]
    command.run(options("status"))
    assert "no container" not in capsys.readouterr().out
    engine.states.clear()
    monkeypatch.setenv("OPS_SWARM", "1")
    assert command.run(options("status")) == FINE


def test_a_generation_that_ended_beside_one_that_serves_is_no_problem(
    stands: Any, engine: Any, options: Any, capsys: Any
) -> None:
    found = engine.containers()
    ended = [replace(one, id=f"old-{one.id}", state="exited", status="Exited (0) 2 minutes ago") for one in found]
    engine.containers = lambda *some: [*ended, *found]
    assert command.run(options("status")) == FINE
    assert "not everything serves" not in capsys.readouterr().out


def test_a_swarm_is_judged_by_what_its_tasks_do(
    stands: Any, engine: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manager's words for a task are not those of one host's engine."""
    monkeypatch.setenv("OPS_SWARM", "1")
    found = [replace(one, status="running") for one in engine.containers()]
    engine.containers = lambda *some: found
    assert command.run(options("status")) == FINE
    found[-1] = replace(found[-1], state="created", status="pending no suitable node")
    assert command.run(options("status")) == PROBLEM
    assert "next: make up-swarm" in capsys.readouterr().out


def test_a_command_that_changes_the_stack_just_now_is_named_and_its_end_awaited(
    stands: Any, engine: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What is down then may be its doing, and its lock would refuse whatever starts it again."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".state").mkdir()
    (tmp_path / ".state/journal.json").write_text('{"plan": "rotate-secret", "memory": {"new": "s3cret"}}')
    with World(tmp_path).locked("rotate-secret"):
        assert command.run(options("status")) == FINE, "at work is not amiss"
        said = capsys.readouterr().out
        assert re.search(
            r"^another command is at work: make rotate-secret, since \d\d:\d\d:\d\d UTC$", said, re.MULTILINE
        )
        assert "s3cret" not in said
        command.run(options("status", JSON="1"))
        assert json.loads(capsys.readouterr().out)["at_work"].startswith("make rotate-secret, since ")
        engine.states["worker"] = "exited"
        command.run(options("status"))
        said = capsys.readouterr().out
        assert re.search(
            r"^not everything serves; next: wait for the end of make rotate-secret, since ", said, re.MULTILINE
        )
    command.run(options("status"))
    said = capsys.readouterr().out
    assert "at work" not in said
    assert "next: make restart-worker" in said


def test_an_unhealthy_container_is_a_problem(stands: Any, engine: Any, options: Any) -> None:
    found = [replace(one, status="Up 2 minutes (unhealthy)") for one in engine.containers()]
    engine.containers = lambda *some: found
    assert command.run(options("status")) == PROBLEM


def test_an_alert_that_another_explains_is_not_told(stands: Any, options: Any, capsys: Any) -> None:
    stands["alerts"] = [Alert("SpoolNotEmpty", "warn", NOW, "", "", "", True)]
    assert command.run(options("status")) == FINE
    assert "alerts         none" in capsys.readouterr().out


def test_an_alert_is_told_in_the_operator_s_language_and_to_scripts_in_both(
    stands: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands["alerts"] = [replace(ALERT, summary_he="3 שיחות הסתיימו רע")]
    monkeypatch.setenv("OPS_LANG", "he")
    command.run(options("status"))
    assert "3 שיחות הסתיימו רע" in capsys.readouterr().out
    command.run(options("status", JSON="1"))
    told = json.loads(capsys.readouterr().out)["alerts"][0]
    assert (told["summary"], told["summary_he"]) == ("3 calls ended badly", "3 שיחות הסתיימו רע")
    stands["alerts"] = [ALERT]
    command.run(options("status"))
    assert "3 calls ended badly" in capsys.readouterr().out, "a rule of somebody's own"


def test_what_is_switched_says_by_whom(stands: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stands["switches"] = [{"target": "call", "value": "CA1", "level": "DEBUG", "left_s": 420}]
    session = sessions.Session(story.live_switch.Target(call_sid="CA1"), NOW, "dana@ops-1")
    monkeypatch.setattr(sessions, "others", lambda engine, name: [session] if name == "debug-calls" else [])
    command.run(options("status"))
    assert "switched       calls, call CA1: DEBUG for 7m, by dana@ops-1" in capsys.readouterr().out


def test_scripts_get_the_same_as_json(stands: Any, options: Any, capsys: Any) -> None:
    stands["alerts"] = [ALERT]
    assert command.run(options("status", JSON="1")) == PROBLEM
    said = json.loads(capsys.readouterr().out)
    assert said["live"] == 2
    assert said["facts"]["ended"][1] == {"reason": "crashed", "today": 3, "yesterday": 0}
    assert said["alerts"][0]["name"] == "CallsEndBadly"
    assert [each["service"] for each in said["running"]] == ["prosaas-api", "prosaas-calls", "worker", "gateway"]


@pytest.mark.postgres
def test_the_database_is_asked_for_today_and_for_yesterday_until_this_hour(fill: Fill) -> None:
    numbers = json.dumps({"first_audio_ms": 500, "response_p50_ms": 700, "response_p95_ms": 900, "folded": 1})

    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        for number, hours in enumerate((1, 2, 25, 27, 50)):
            at = NOW - timedelta(hours=hours)
            await connection.execute(
                "insert into calls (call_sid, from_number, to_number, status, started_at, end_reason, metrics, events,"
                " recorded_at) values ($1, '', '', 'completed', $2, 'agent_ended', $3, '[{}, {}, {}]', $2)",
                f"CA{number}",
                at,
                numbers,
            )
            await connection.execute(
                "insert into charges (at, kind, name, tokens_in, tokens_cached, tokens_out, seconds, cost, currency,"
                " estimated) values ($1, 'phone', 'twilio', 0, 0, 0, 60, 0.5, 'USD', false)",
                at,
            )

        # Of one whose lines are gone (a person was forgotten, their time is over) nobody can say how many there were.
        await connection.execute("update calls set events = '[]' where call_sid = 'CA0'")
        await connection.execute(
            "insert into calls (call_sid, status, started_at, ended_at) values ('CAunknown', 'failed', $1, $1),"
            " ('CAlive', 'in-progress', $1, null), ('CAopen', 'in-progress', $1, null)",
            NOW,
        )
        # prosaas-calls had it, and was killed: its record comes when the next one looks, and says crashed.
        await connection.execute(
            "insert into calls (call_sid, status, started_at, ended_at, metrics)"
            " values ('CAkilled', 'completed', $1, $1, '{\"streamed\": true}')",
            NOW,
        )

    fill(write)
    facts = story._facts(NOW + timedelta(minutes=30), None, ("CAlive",))
    ended = [Ended("live", 1, 0), Ended("missed", 1, 0)]
    assert facts.ended == [Ended("agent_ended", 2, 2), Ended("unfinished", 2, 0), *ended]
    assert facts.first_sound_ms == (500.0, 500.0)
    assert facts.answers_ms == (700.0, 900.0)
    # With the line of the job, which is enqueued as the record is kept.
    assert facts.lines_a_call == 3.0
    assert (facts.jobs_waiting, facts.jobs_held) == (0, 0)
    assert facts.spent == [Spent("USD", 1.0, 1.0)]


@pytest.mark.parametrize(
    ("now", "yesterday"),
    [
        ("2026-10-25T08:00", "2026-10-24T07:00"),
        ("2026-03-27T22:30", "2026-03-26T23:30"),
        ("2026-03-27T10:00", "2026-03-26T11:00"),
    ],
)
def test_yesterday_until_this_time_is_by_the_operators_clock_where_it_was_changed(
    now: str, yesterday: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Israel 25 October 2026 has 25 hours, and 27 March has 23."""
    windows: list[tuple[object, ...]] = []

    class Connection:
        async def fetch(self, question: str, *values: object) -> list[object]:
            windows.append(values)
            return []

        async def fetchrow(self, question: str, *values: object) -> dict[str, Any]:
            return {"first_sound": None, "usual": None, "slow": None, "waiting": 0, "held": 0}

        async def fetchval(self, question: str, *values: object) -> int:
            return 0

    monkeypatch.setenv("OPS_TZ", "Asia/Jerusalem")
    monkeypatch.setattr(story, "asked", lambda question: asyncio.run(question(Connection())))
    story._facts(datetime.fromisoformat(f"{now}+00:00"))
    assert windows[0][2] == datetime.fromisoformat(f"{yesterday}+00:00")


@pytest.mark.postgres
@pytest.mark.parametrize(("demo", "counted"), [("0", False), ("1", True)])
def test_simulated_calls_are_in_the_numbers_of_a_demo_alone(
    demo: str, counted: bool, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        call_sid, numbers = new_call_sid(), {"first_audio_ms": 500, "response_p50_ms": 700, "response_p95_ms": 900}
        await connection.execute(
            "insert into calls (call_sid, started_at, end_reason, metrics, events, recorded_at)"
            " values ($1, $2, 'agent_ended', $3, '[{}, {}]', $2)",
            call_sid, NOW, json.dumps(numbers),
        )  # fmt: skip
        await connection.execute(
            "insert into charges (call_sid, at, kind, name, tokens_in, tokens_cached, tokens_out, seconds, cost,"
            " currency, estimated) values ($1, $2, 'phone', 'twilio', 0, 0, 0, 60, 0.5, 'USD', false)",
            call_sid, NOW,
        )  # fmt: skip

    fill(write)
    facts = story._facts(NOW + timedelta(minutes=30), demo == "1")
    assert facts.simulated == int(not counted)
    if counted:
        assert (facts.ended, facts.spent) == ([Ended("agent_ended", 1, 0)], [Spent("USD", 0.5, 0.0)])
        assert (facts.first_sound_ms, facts.lines_a_call) == ((500.0, 500.0), 3.0)
    else:
        assert (facts.ended, facts.spent, facts.first_sound_ms, facts.lines_a_call) == ([], [], None, None)


def test_who_took_an_alert_is_known_by_what_was_tried_since() -> None:
    before = {"webhook": (3.0, 1.0), "email": (0.0, 0.0)}
    assert alert_test.outcome(before, {"webhook": (4.0, 1.0), "email": (1.0, 1.0)}) == {"webhook": True, "email": False}
    assert alert_test.outcome(before, before) == {}


def test_what_alertmanager_counts_is_read_by_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        'alertmanager_notifications_total{integration="webhook",receiver_name="duty"} 2\n'
        'alertmanager_notifications_failed_total{integration="webhook",reason="other"} 1\n'
        'alertmanager_notifications_failed_total{integration="webhook",reason="serverError"} 1\n'
        'alertmanager_notifications_total{integration="slack"} 0\n'
    )
    monkeypatch.setattr(alerts, "asked", lambda url, body=None: text)
    assert alerts.handed_on() == {"webhook": (2.0, 2.0), "slack": (0.0, 0.0)}


def test_alerts_that_somebody_must_act_on_stand_first(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"labels": {"alertname": name, "severity": severity}, "annotations": {}, "startsAt": "2026-01-25T14:00:00.1Z",
         "status": {"state": state}}
        for name, severity, state in (
            ("Hidden", "page", "suppressed"), ("Later", "warn", "active"), ("Now", "page", "active"))
    ]  # fmt: skip
    monkeypatch.setattr(alerts, "asked", lambda url, body=None: json.dumps(rows))
    standing = alerts.standing()
    assert standing is not None
    assert [alert.name for alert in standing] == ["Now", "Later", "Hidden"]


_WITHOUT_ZONE = [{"labels": {}, "annotations": {}, "startsAt": f"2026-01-02T03:04:05{zone}"} for zone in ("", "Z")]


@pytest.mark.parametrize(
    "answer",
    ['{"error": "x"}', "5", '[{"labels": {}}]', "[5]", "<html>", "[" * 30_000, json.dumps(_WITHOUT_ZONE)],
    ids=range(7),
)
def test_where_something_else_answers_nobody_watches(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "asked", lambda url: answer)
    assert alerts.standing() is None


def test_an_answer_that_is_no_http_is_as_good_as_none() -> None:
    """Nor one that ends half way, while a test of an alert waits for its numbers."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            for _ in range(2):
                connection = server.accept()[0]
                with connection:
                    connection.recv(4096)
                    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert alerts.standing(address) is None
        with pytest.raises(Problem):
            alerts.handed_on(address)
        thread.join()


def test_an_alert_of_another_day_says_of_which(stands: Any, options: Any, capsys: Any) -> None:
    stands["alerts"] = [replace(ALERT, since=NOW - timedelta(days=2, minutes=5))]
    command.run(options("status"))
    assert f"since {NOW - timedelta(days=2, minutes=5):%m-%d %H:%M}\n" in capsys.readouterr().out
