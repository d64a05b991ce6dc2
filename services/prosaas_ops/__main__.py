"""`python -m prosaas_ops COMMAND [NAME=value …]`: what the operator's make targets run."""

import signal

if __name__ == "__main__":
    # Who changes their mind while the rest is read sees no stack: `main` hears of it, and says what it means.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})

import errno
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module

from prosaas_ops import audited
from prosaas_ops.options import NOTHING, PROBLEM, USAGE, Nothing, Problem, Usage, complain, gather
from prosaas_ops.texts import LANGUAGES, conduct, refused

# A command's module is imported only when asked for: each one starts as fast as it can.
COMMANDS = {
    "alert-test": "act.alert_test",
    "audit": "ask.audit",
    "backup": "act.up",
    "blackbox": "ask.blackbox",
    "call": "act.call",
    "calls": "ask.calls",
    "capture": "act.capture",
    "checklist": "act.checklist",
    "console": "console.server",
    "console-check": "console.check",
    "console-link": "console.link",
    "console-reader": "console.reader",
    "costs": "ask.costs",
    "debug-api": "act.debug",
    "debug-calls": "act.debug",
    "debug-worker": "act.debug",
    "diff": "act.diff",
    "doctor": "act.up",
    "down": "act.up",
    "drained": "act.up",
    "errors": "ask.errors",
    "export": "act.export",
    "forget": "act.forget",
    "go-live": "act.go_live",
    "jobs": "act.jobs",
    "levels": "ask.levels",
    "live-calls": "ask.live_calls",
    "log-budget": "act.log_budget",
    "logs": "ask.logs",
    "ps": "ask.ps",
    "quiet-api": "act.quiet",
    "quiet-calls": "act.quiet",
    "quiet-worker": "act.quiet",
    "restart-api": "act.up",
    "restart-calls": "act.up",
    "restart-worker": "act.up",
    "restore": "act.up",
    "restore-drill": "act.up",
    "retention": "act.retention",
    "retry-job": "act.jobs",
    "rollback": "act.up",
    "rotate-secret": "act.up",
    "setup": "act.up",
    "soak": "act.soak",
    "status": "ask.status",
    "trace": "ask.trace",
    "up-dev": "act.up",
    "update-bases": "act.up",
    "up-prod": "act.up",
    "up-swarm": "act.up",
}

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: list[str]) -> int:
    """Runs one command and returns the exit code: 0 fine, 1 a problem, 2 wrong usage, 3 nothing matched."""
    if not arguments or arguments[0] not in COMMANDS:
        complain(refused.WHICH_COMMAND(commands=" ".join(COMMANDS)))
        return USAGE
    command, *words = arguments
    # What the tools leave behind has the words of callers in it, or secrets.
    os.umask(0o077)
    if (asked := os.environ.get("OPS_LANG", "").strip()) and asked.lower() not in LANGUAGES:
        complain(refused.NO_LANGUAGE(asked=asked, known=", ".join(LANGUAGES)))
    watched, begun = command in audited.COMMANDS, False
    try:
        for number in _SIGNALS:
            signal.signal(number, _interrupt)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        _hear_the_reader_go()
        module = import_module(f"prosaas_ops.{COMMANDS[command]}")
        options = gather(command, options_of(command), words)
        noted = None
        try:
            if watched:
                with _heard_later():
                    noted = audited.note_command(options)
            begun = True
            code: int = module.run(options)
            with _heard_later():
                # Once: what is heard now ends the command, and not what it did.
                acted, noted = noted, None
                audited.came_of(acted, code)
            return code
        except Usage:
            audited.take_back(noted)
            raise
        except BaseException as why:
            with suppress(KeyboardInterrupt), _heard_later():
                audited.came_of(noted, why)
            raise
        finally:
            # Those that act on the stack have no way to its database; the next one that has takes it along.
            if watched and "DATABASE_URL_FILE" in os.environ:
                audited.carry()
    except Usage as wrong:
        complain(f"{command}: {wrong}")
        return USAGE
    except Nothing as nothing:
        complain(f"{command}: {nothing}")
        return NOTHING
    except Problem as problem:
        complain(f"{command}: {problem}")
        return PROBLEM
    except KeyboardInterrupt:
        if not begun and COMMANDS[command] == "act.up":
            # Once it has begun it says itself how things stand.
            complain(f"==> {conduct.NOT_BEGUN}")
        return 130
    except BrokenPipeError:
        # What is not written yet goes nowhere, or the interpreter would end with an exit code of its own.
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
        return PROBLEM
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        complain(f"{command}: {refused.NO_ROOM(why=error.strerror)}")
        return PROBLEM


def options_of(command: str) -> tuple[str, ...]:
    """What a command takes, its own where its module has several; of those that are audited, the reason too."""
    module = import_module(f"prosaas_ops.{COMMANDS[command]}")
    own: tuple[str, ...] = getattr(module, "TAKES", {}).get(command, module.OPTIONS)
    return (*own, "WHY") if command in audited.COMMANDS else own


def _hear_the_reader_go() -> None:
    """The door keeps this process's stdin open as long as its terminal or its client lives; its end is a hang-up."""
    if "OPS_STDIN" not in os.environ:
        return

    def wait() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGHUP)

    threading.Thread(target=wait, daemon=True).start()


@contextmanager
def _heard_later() -> Iterator[None]:
    """What interrupts meanwhile does so afterwards."""
    heard: list[int] = []
    before = {number: signal.signal(number, lambda number, _frame: heard.append(number)) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if heard:
        raise KeyboardInterrupt


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    ended_with = main(sys.argv[1:])
    # Nor on the way out.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(ended_with)
