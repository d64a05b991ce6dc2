"""``python -m prosaas_logging run``: a service started with its logging taken over and no line of it changed.

The command takes this process's place, so that signals and exit codes are its own. What reaches its Python processes is
a ``sitecustomize`` on PYTHONPATH, which begins in each of them that writes to the service's standard output; one whose
output somebody else reads, and one that is not Python, are left alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR
from typing import Any, Final

from ..runtime import bootstrap
from ..settings import ADOPTED_DIR, SWITCH_FILE
from .asgi import ScopeMiddleware as AsgiScope
from .celery import adopt_celery
from .imports import afterwards, when_imported
from .wsgi import ScopeMiddleware as WsgiScope

NOT_EXECUTABLE, NOT_FOUND = 126, 127
_START: Final = Path(__file__).with_name("start")
_ROOT: Final = Path(__file__).parents[2]


def become(name: str, command: Sequence[str]) -> int:
    """Be *command* from now on; comes back only if that cannot be, with a shell's exit code for it."""
    environ = {
        **_places(os.environ),
        **os.environ,
        "PROSAAS_RUN": name,
        "PROSAAS_RUN_ROOT": str(_ROOT),
        "PROSAAS_RUN_OUTPUT": _output(),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(_START), os.environ.get("PYTHONPATH")))),
    }
    try:
        os.execvpe(command[0], list(command), environ)
    except FileNotFoundError:
        print(f"{command[0]}: no such command", file=sys.stderr)
        return NOT_FOUND
    except OSError as broken:
        print(f"{command[0]}: {broken.strerror}", file=sys.stderr)
        return NOT_EXECUTABLE


def _places(environ: Mapping[str, str]) -> dict[str, str]:
    """Where the live switch and the recordings lie in a container that has no folder for them: one of our own."""
    if "LOG_SWITCH_FILE" in environ or os.access(SWITCH_FILE.parent, os.W_OK):
        return {}
    with suppress(OSError):
        ADOPTED_DIR.mkdir(mode=0o700, exist_ok=True)
        status = ADOPTED_DIR.lstat()
        # Whoever else made it could switch us.
        if S_ISDIR(status.st_mode) and status.st_uid == os.geteuid():
            places = {"LOG_SWITCH_FILE": str(ADOPTED_DIR / SWITCH_FILE.name)}
            return places if "LOG_BLACKBOX" in environ else {**places, "LOG_BLACKBOX": str(ADOPTED_DIR / "blackbox")}
    return {}


def begin(environ: Mapping[str, str]) -> None:
    """In a process of the service: start logging, and have its server or worker open scopes."""
    name = environ.get("PROSAAS_RUN")
    if not name or environ.get("PROSAAS_RUN_OUTPUT") != _output() or _serves_multiprocessing():
        return
    # Workers that start anew would find the pipe in the place of the service's output, and be left alone.
    bootstrap(name, environ={**environ, "LOG_DESCRIPTORS": "0"})
    for module, action in _HOOKS.items():
        when_imported(module, action)


def _output() -> str:
    """What standard output is, by the numbers that the kernel gave it."""
    try:
        status = os.fstat(1)
    except OSError:
        return "closed"
    return f"{status.st_dev}:{status.st_ino}"


def _serves_multiprocessing() -> bool:
    return any("multiprocessing.resource_tracker" in word for word in sys.orig_argv)


def _uvicorn(config: Any) -> None:
    config.loaded_app = AsgiScope(config.loaded_app)


def _hypercorn(module: Any) -> None:
    wrap = module.wrap_app
    module.wrap_app = lambda *arguments, **named: AsgiScope(wrap(*arguments, **named))


def _gunicorn(worker: Any) -> None:
    # Another's worker knows best what kind of application it has; uvicorn's is uvicorn's to wrap.
    kind = type(worker).__module__
    if kind == "gunicorn.workers.gasgi":
        worker.wsgi = AsgiScope(worker.wsgi)
    elif kind.startswith("gunicorn.workers."):
        worker.wsgi = WsgiScope(worker.wsgi)


def _werkzeug(server: Any) -> None:
    server.app = WsgiScope(server.app)


def _rq(module: Any) -> None:
    from .rq import scoped

    worker = getattr(module.worker, "BaseWorker", module.Worker)
    worker.perform_job = scoped(worker.perform_job)


_HOOKS: Final[Mapping[str, Callable[[Any], None]]] = {
    "uvicorn.config": lambda module: afterwards(module.Config, "load", _uvicorn),
    "hypercorn.utils": _hypercorn,
    "gunicorn.workers.base": lambda module: afterwards(module.Worker, "load_wsgi", _gunicorn),
    "werkzeug.serving": lambda module: afterwards(module.BaseWSGIServer, "__init__", _werkzeug),
    "rq": _rq,
    "celery.signals": lambda _: adopt_celery(),
}
