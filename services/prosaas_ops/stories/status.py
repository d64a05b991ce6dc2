"""How it stands now, as data: who is up, the calls of today against yesterday's, what waits, what is wrong."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from prosaas_core.facts.simulated import counted
from prosaas_ops.lock import at_work
from prosaas_ops.options import SERVICES, Problem, midnight, operators_zone
from prosaas_ops.stack import alerts, sessions
from prosaas_ops.stack import switch as live_switch
from prosaas_ops.stack.day import OWN_LINES
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.stack.live_calls import drains, live_ids
from prosaas_ops.stack.records import asked
from prosaas_ops.standing import down, missing, no_new_calls, own_database
from prosaas_ops.started import is_demo
from prosaas_ops.texts import status as words

if TYPE_CHECKING:
    import asyncpg

_OURS = tuple(SERVICES.values())
# Whose lines are counted: enough for a mean, and few enough to be read at once.
_LINES_OF = 50

# A call that prosaas-calls has, or had, and whose record is yet to come, was not missed.
_CALLS = """
    select coalesce(end_reason,
                    case when call_sid = any($4) then 'live'
                         when ended_at is null or metrics ? 'streamed' then 'unfinished' else 'missed' end) as reason,
           count(*) filter (where started_at >= $1) as today,
           count(*) filter (where started_at < $1) as yesterday
    from calls
    where (started_at >= $1 or (started_at >= $2 and started_at < $3)) and {counted}
    group by 1 order by today desc, yesterday desc, reason
"""
_SIMULATED = "select count(*) from calls where started_at >= $1 and not ({counted})"
_TIMES = """
    select percentile_cont(array[0.5, 0.95]) within group (order by (metrics->>'first_audio_ms')::float) as first_sound,
           percentile_cont(array[0.5]) within group (order by (metrics->>'response_p50_ms')::float) as usual,
           percentile_cont(array[0.95]) within group (order by (metrics->>'response_p95_ms')::float) as slow
    from calls where started_at >= $1 and recorded_at is not null and {counted}
"""
_LINES = f"""
    select avg({OWN_LINES})::float
    from (select events, metrics from calls where recorded_at is not null and events <> '[]' and {{counted}}
          order by started_at desc limit $1) as latest
"""
_JOBS = """
    select count(*) filter (where status = 'queued') as waiting, count(*) filter (where status = 'failed') as held
    from pgqueuer
"""
_SPENT = """
    select currency, coalesce(sum(cost) filter (where at >= $1), 0) as today,
           coalesce(sum(cost) filter (where at < $1), 0) as yesterday
    from charges where (at >= $1 or (at >= $2 and at < $3)) and {counted}
    group by 1 order by 1
"""


class Running(NamedTuple):
    """One container: of which image, in which state, at which level, and whether its service is down.

    A service that has none although it should is there without a name.
    """

    service: str
    name: str
    version: str
    state: str
    level: str
    down: bool = False


class Ended(NamedTuple):
    """How many calls ended for a reason, or are live: today, and yesterday until this time of the day."""

    reason: str
    today: int
    yesterday: int


class Spent(NamedTuple):
    """What was spent in a currency: today, and yesterday until this time of the day."""

    currency: str
    today: float
    yesterday: float


class Switched(NamedTuple):
    """A level that somebody changed for a while."""

    service: str
    target: str
    level: str
    left_s: float
    by: str


class _Told(NamedTuple):
    """The level in force in a container, what is switched in it by whom, and whether it takes no more calls."""

    level: str = ""
    switched: Sequence[Switched] = ()
    drains: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database knows; milliseconds, p50 and p95, None before there is a call."""

    ended: list[Ended]
    first_sound_ms: tuple[float, float] | None
    answers_ms: tuple[float, float] | None
    lines_a_call: float | None
    jobs_waiting: int
    jobs_held: int
    spent: list[Spent] = field(default_factory=list)
    # Of today, and not among those that ended: outside a demo they do not count.
    simulated: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """All of it; None where nobody could say, with the reason among the `problems`."""

    at: datetime
    running: list[Running]
    live: int | None
    facts: Facts | None
    alerts: list[alerts.Alert] | None
    switched: list[Switched]
    problems: list[str]
    # The command that changes the stack just now, and since when.
    at_work: str = ""


def running(engine: Engine) -> list[Running]:
    """What runs, each of our services at the level that it says itself."""
    found = engine.current()
    ours = _ours(found)
    with ThreadPoolExecutor(8) as asking:
        told = asking.map(lambda container: _told(engine, container), ours)
        return _rows(found, {one.id: said for one, said in zip(ours, told, strict=True)})


def _ours(found: list[Container]) -> list[Container]:
    return [one for one in found if one.service in _OURS and one.state == "running"]


def _rows(found: list[Container], told: dict[str, _Told]) -> list[Running]:
    gone = {one.service for one in down(found)}
    if no_new_calls(found, lambda one: told.get(one.id, _Told()).drains):
        gone.add("prosaas-calls")
    rows = []
    for one in found:
        said = told.get(one.id, _Told())
        # What its probes call healthy is the process, and not whether it takes a call.
        state = f"{one.status.partition(' (')[0]} ({words.DRAINS})" if said.drains else one.status
        rows.append(Running(one.service, one.name, one.version, state, said.level, one.service in gone))
    nowhere = missing(found, database=own_database())
    rows += [Running(name, "", "", str(words.NO_CONTAINER), "", down=True) for name in nowhere]
    return [row for row in rows if row.service != "migrate"]


def status(engine: Engine) -> Status:
    """Everything asked at once, for a person waits."""
    now = datetime.now(UTC)
    containers = engine.current()
    ours = _ours(containers)
    problems: list[str] = []
    with ThreadPoolExecutor(len(ours) + 3) as asking:
        asked_each = {found.id: asking.submit(_told, engine, found) for found in ours}
        live = asking.submit(live_ids, engine)
        facts = asking.submit(lambda: _facts(now, is_demo(engine), live.result() or ()))
        standing = asking.submit(alerts.standing)
        told = {id_: said.result() for id_, said in asked_each.items()}
    try:
        known = facts.result()
    except Problem as problem:
        known = None
        problems.append(str(problem))
    running = _rows(containers, told)
    switched = [each for said in told.values() for each in said.switched]
    held = live.result()
    count = None if held is None else len(held)
    return Status(now, running, count, known, standing.result(), switched, problems, at_work())


def _told(engine: Engine, container: Container) -> _Told:
    """What it says itself; of one that does not answer nothing is known."""
    drained = container.service == "prosaas-calls" and drains(engine, container)
    try:
        known = live_switch.status(engine, container)
    except (Problem, ValueError):
        return _Told("?", [], drained)
    short = container.service.removeprefix("prosaas-")
    others = sessions.others(engine, f"debug-{short}") if known["switches"] else []
    rows = []
    for switch in known["switches"]:
        kind = {"call": "call_sid"}.get(switch["target"], switch["target"])
        target = live_switch.Target(**({} if kind == "service" else {kind: str(switch["value"])}))
        by = next((session.user for session in others if session.target == target), "")
        rows.append(Switched(short, str(target), str(switch["level"]), float(switch["left_s"]), by))
    return _Told(str(known["level"]), rows, drained)


def _facts(now: datetime, demo: bool | None = None, live: Sequence[str] = ()) -> Facts:
    # By the operator's clock, which is another than a day ago by seconds where it was changed in between.
    this_time_yesterday = (now.astimezone(operators_zone()) - timedelta(days=1)).astimezone(UTC)
    window = midnight(0, now), midnight(1, now), this_time_yesterday

    async def ask(connection: "asyncpg.Connection[Any]") -> Facts:
        ended = [Ended(*row) for row in await connection.fetch(_real(_CALLS, demo), *window, live)]
        times = await connection.fetchrow(_real(_TIMES, demo), window[0])
        jobs = await connection.fetchrow(_JOBS)
        assert times is not None
        assert jobs is not None
        slow = (times["usual"] or [None])[0], (times["slow"] or [None])[0]
        return Facts(
            ended,
            _pair(times["first_sound"]),
            _pair(slow),
            await connection.fetchval(_real(_LINES, demo), _LINES_OF),
            jobs["waiting"],
            jobs["held"],
            [Spent(*row) for row in await connection.fetch(_real(_SPENT, demo), *window)],
            await connection.fetchval(_real(_SIMULATED, demo), window[0]),
        )

    return asked(ask)


def _real(question: str, demo: bool | None) -> str:
    """The question about those calls that count."""
    return question.format(counted=counted(demo=demo))


def _pair(values: Any) -> tuple[float, float] | None:
    return None if values is None or None in values else (float(values[0]), float(values[1]))
