"""`make capture`: one redacted archive that can leave the house: lines, story, configuration, versions, containers."""

import io
import json
import sys
import tarfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from prosaas_ops.files import output_folder
from prosaas_ops.files import replace as put
from prosaas_ops.masks import Masker, known_secrets
from prosaas_ops.options import FINE, NOTHING, OTHERS, SERVICES, Options, Usage, complain, spoken_duration
from prosaas_ops.screen import capture_page, trace_page
from prosaas_ops.screen.terminal import Prose, Screen
from prosaas_ops.stack.engine import AWAY, Container, Engine, Gone
from prosaas_ops.stack.follow import Happening, happenings, merged
from prosaas_ops.stack.lines import Line, naming
from prosaas_ops.stack.naming import one_call
from prosaas_ops.stack.swarm import opened
from prosaas_ops.stories.call import tell
from prosaas_ops.texts import language
from prosaas_ops.texts import lines as words
from prosaas_ops.texts.told import NEXT

OPTIONS = ("FOR", "SINCE", "CALL")

T = TypeVar("T")

_SERVICES = (*SERVICES.values(), *(() if OTHERS else ("migrate", "postgres", "simulator")))


def run(options: Options) -> int:
    if options.text("FOR") and options.text("SINCE"):
        raise Usage(str(words.CHOOSE_ONE))
    model = sys.stdin.read() if not sys.stdin.isatty() else ""
    engine, screen = opened(), Screen()
    engine.require(*SERVICES.values())
    call_sid = one_call(engine, options)
    start = _wait_for(options, screen) if options.text("FOR") else options.since("SINCE", "1h")
    assert start is not None
    lines = merged(engine, _SERVICES, start.timestamp(), wanted=naming(call_sid))
    if call_sid:
        lines = [line for line in lines if line.call_sid == call_sid]
    if not lines:
        whose = words.OF_CALL(call_sid=call_sid) if call_sid else ""
        complain(f"capture: {words.NO_LINE_SINCE(whose=whose, since=f'{start:%Y-%m-%d %H:%M:%S}')}")
        return NOTHING
    masker = Masker(known_secrets())
    happened = happenings(engine, start.timestamp(), time.time())
    with ThreadPoolExecutor(8) as asking:
        there = [container for container in engine.current() if container.state != AWAY]
        described = [one for one in asking.map(partial(_described, engine), there) if one]
    files = {
        **_told_by(engine, lines, happened, start, call_sid, masker),
        "inspect.json": _pretty(masker.tree(described)),
        "versions.txt": masker.text(_versions(engine, described, lines)),
        "config.json": _config(model, masker),
    }
    files["README.txt"] = _contents(start, call_sid, len(lines), files)
    target = output_folder() / f"capture-{call_sid or 'stack'}-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar.gz"
    put(target, archive(target.name.removesuffix(".tar.gz"), files))
    size = target.stat().st_size
    told = {"lines": len(lines), "events": len(happened), "size": f"{size / 1024:.0f}"}
    screen.say(Prose(words.CAPTURED(target=target, **told)), Prose(words.MASKED))
    page = f"{target.name.removesuffix('.tar.gz')}/timeline.html"
    screen.say(Prose(screen.dim(NEXT(commands=words.OPEN_PAGE(target=target, page=page)))))
    return FINE


def gathered(engine: Engine, lines: list[Line], start: datetime, call_sid: str, masker: Masker) -> tuple[str, bytes]:
    """The name and the bytes of an archive of these lines: what the engine tells, without the settings."""
    happened = happenings(engine, start.timestamp(), time.time())
    files = _told_by(engine, lines, happened, start, call_sid, masker)
    files["README.txt"] = _contents(start, call_sid, len(lines), files)
    name = f"capture-{call_sid or 'stack'}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    return f"{name}.tar.gz", archive(name, files)


def _told_by(
    engine: Engine, lines: list[Line], happened: list[Happening], start: datetime, call_sid: str, masker: Masker
) -> dict[str, str]:
    return {
        "events.jsonl": masked_lines(lines, masker),
        "timeline.html": _page(engine, call_sid, lines, happened, masker) if lines else "",
        "containers.jsonl": "".join(_row(masker.tree(_told(told))) for told in happened),
    }


def _page(engine: Engine, call_sid: str, lines: list[Line], happened: list[Happening], masker: Masker) -> str:
    """The page of what is masked already: a page that were masked as a whole could lose any part of it."""
    story = tell(engine, call_sid) if call_sid else None
    if story is not None:
        return trace_page.render(masked(story, masker), language())
    return capture_page.render([masked(line, masker) for line in lines], [masked(told, masker) for told in happened])


def masked(value: T, masker: Masker) -> T:
    """A copy of a dataclass with every text in it masked, however deep."""

    def inner(part: Any) -> Any:
        if is_dataclass(part) and not isinstance(part, type):
            return replace(part, **{field.name: inner(getattr(part, field.name)) for field in fields(part)})
        if isinstance(part, list):
            return [inner(item) for item in part]
        return masker.tree(part)

    copied: T = inner(value)
    return copied


def _wait_for(options: Options, screen: Screen) -> datetime:
    """Ctrl-C ends the wait early and keeps what has come."""
    start, length = datetime.now(UTC), options.duration("FOR", "10m")
    screen.say(words.CAPTURING(length=spoken_duration(length.total_seconds())))
    try:
        time.sleep(length.total_seconds())
    except KeyboardInterrupt:
        screen.say(str(words.ENDED_EARLY))
    return start


def masked_lines(lines: Iterable[Line], masker: Masker) -> str:
    """One JSON object a line, whichever format the services wrote."""
    return "".join(
        _row(
            masker.tree(
                {
                    "timestamp": line.stamp,
                    "service": line.service,
                    **({"place": line.place} if line.place else {}),
                    "level": line.level,
                    "event": line.event,
                    "call_sid": line.call_sid,
                    "text": line.text,
                    **({"fields": line.fields} if line.fields else {}),
                    **({"stack": line.stack} if line.stack else {}),
                }
            )
        )
        for line in lines
    )


def archive(folder: str, files: dict[str, str]) -> bytes:
    """The files in one folder as a tar.gz."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            body = text.encode("utf-8", "backslashreplace")
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mtime, entry.mode = len(body), int(time.time()), 0o644
            tar.addfile(entry, io.BytesIO(body))
    return buffer.getvalue()


def _described(engine: Engine, container: Container) -> dict[str, Any]:
    """What the archive says of the container; nothing of one that is gone by now."""
    try:
        detail = engine.inspect(container.id)
    except Gone:
        return {}
    host = detail["HostConfig"]
    return {
        "service": container.service,
        "name": container.name,
        "image": container.image,
        "image_id": detail["Image"],
        "state": detail["State"],
        "status": container.status,
        "restarts": detail["RestartCount"],
        "environment": detail["Config"]["Env"],
        "user": detail["Config"]["User"],
        "limits": {name: host.get(name) for name in ("Memory", "NanoCpus", "PidsLimit", "ReadonlyRootfs")},
        "log": host["LogConfig"],
        "restart_policy": host["RestartPolicy"],
    }


def _versions(engine: Engine, described: list[dict[str, Any]], lines: list[Line]) -> str:
    version = engine.get("/version")
    rows = [f"docker {version['Version']} (API {version['ApiVersion']}), kernel {version.get('KernelVersion', '?')}"]
    names = [one["name"] if "@" in one["name"] else one["service"] for one in described]
    rows += [
        f"{name}: {one['image']} {one['image_id'][:19]} {one['status']}"
        for name, one in zip(names, described, strict=True)
    ]
    rows += [f"{line.service}: {line.text}" for line in lines if line.event in ("SERVICE_START", "WORKER_START")]
    return "\n".join(rows) + "\n"


def _config(model: str, masker: Masker) -> str:
    try:
        return _pretty(masker.tree(json.loads(model)))
    except ValueError:
        return masker.text(model)


def _told(told: Happening) -> dict[str, Any]:
    when = datetime.fromtimestamp(told.at, UTC).isoformat(timespec="milliseconds")
    return {"timestamp": when, "service": told.service, "what": told.what, "detail": told.detail}


def _row(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _contents(start: datetime, call_sid: str, count: int, names: Iterable[str]) -> str:
    what = words.THE_CALL(call_sid=call_sid) if call_sid else str(words.THE_STACK)
    span = {"start": f"{start:%Y-%m-%d %H:%M:%S}", "end": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"}
    rows = "".join(f"{name:<18}{words.ABOUT[name]}\n" for name in names)
    return f"{words.CONTENTS(what=what, count=count, **span)}\n\n{rows}\n{words.CONTENTS_MASKED}\n"
