"""What a plan acts on: one checkout, its settings, its state on disk, and the engine by way of Docker's own client."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from prosaas_ops import lock
from prosaas_ops.conduct.files import EnvFile
from prosaas_ops.files import ASIDE, replace
from prosaas_ops.options import Problem
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.texts import conduct as words

OURS = ("prosaas-api", "prosaas-calls", "worker")
_QUIET = ("--progress", "quiet")
_MAKES = frozenset({"create", "up"})
_WENT = "No such container"
_TIMES_AGAIN, _PAUSE_S = 3, 0.5
_WRITTEN_WITHIN_S = 60.0
# As `make backup` calls what is not whole yet: by its process.
_PART = re.compile(r"\.\d{1,9}\.part(\.sealed)?$")


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


class World:
    """One stack and the folder it is made from. `overrides` are settings for these commands alone."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = root / ".state"
        self.env = EnvFile(root / ".env")
        self.overrides: dict[str, str] = {}
        # Whether what runs may be another than before the command.
        self.acted = False

    def say(self, text: str) -> None:
        print(f"==> {text}", flush=True)

    def warn(self, text: str) -> None:
        print(words.WARNING(text=text), file=sys.stderr, flush=True)

    def setting(self, name: str, default: str = "") -> str:
        """What holds for this command: an override, else the shell, else .env."""
        return self.overrides.get(name) or os.environ.get(name) or self.recorded(name) or default

    def recorded(self, name: str, default: str = "") -> str:
        """What .env alone says."""
        return self.env.settings.get(name) or default

    @property
    def project(self) -> str:
        return self.setting("COMPOSE_PROJECT_NAME", "prosaas")

    @property
    def tag(self) -> str:
        """Of the images that run: the project's name, so that no other folder builds over them."""
        return self.setting("PROSAAS_TAG", self.project)

    @property
    def version(self) -> str:
        """Of the code in this folder: what .env or the shell calls it, else what git does."""
        return self.setting("PROSAAS_VERSION") or os.environ.get("PROSAAS_DESCRIBED") or "unknown"

    @property
    def engine(self) -> Engine:
        return Engine(self.project)

    def compose(self, *words: str, check: bool = True, feed: str | None = None, **settings: str) -> Done:
        environment = {**os.environ, **self.overrides, **settings}
        command = ["docker", "compose", *(() if "--progress" in words else _QUIET), *words]
        done = self._run(command, False, feed, environment)
        # What drains ends when it will. Compose lists the containers and then asks about each: one that went in between
        # it does not forgive, and may be asked again.
        for _ in range(_TIMES_AGAIN):
            if not (done.code and _WENT in done.err and _MAKES.intersection(words)):
                break
            time.sleep(_PAUSE_S)
            done = self._run(command, False, feed, environment)
        return self._judged(command, check, done)

    def docker(self, *words: str, check: bool = True, feed: str | None = None) -> Done:
        return self._run(["docker", *words], check, feed, dict(os.environ))

    def _run(self, command: Sequence[str], check: bool, feed: str | None, environment: Mapping[str, str]) -> Done:
        done = subprocess.run(
            command,
            cwd=self.root,
            env=dict(environment),
            input=None if feed is None else feed.encode(errors="replace"),
            stdin=subprocess.DEVNULL if feed is None else None,
            capture_output=True,
            # Docker's client hears a terminal's Ctrl-C also where we do not: what is walked to its end has none.
            start_new_session=signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
            check=False,
        )
        # As text it would have each \r of what somebody wrote as the end of a line.
        out, err = (said.decode(errors="replace") for said in (done.stdout, done.stderr))
        return self._judged(command, check, Done(done.returncode, out, err))

    def _judged(self, command: Sequence[str], check: bool, done: Done) -> Done:
        if check and done.code:
            told = "\n".join((done.err.strip() or done.out.strip()).splitlines()[-20:])
            said = " ".join(word for word in command if word not in _QUIET)[:120]
            raise Problem(words.COMMAND_FAILED(command=said, told=told))
        return done

    def model(self, **settings: str) -> dict[str, Any]:
        """What the Compose files say should run, with every profile that is on."""
        environment = {**os.environ, **self.overrides, **settings}
        done = self._run(["docker", "compose", "config", "--format", "json"], True, None, environment)
        model: dict[str, Any] = json.loads(done.out)
        return model

    def containers(self, *services: str) -> list[Container]:
        return self.engine.containers(*services)

    def remembered(self, name: str) -> Any:
        """A file of the state: what an earlier command wrote down, None without one."""
        try:
            return json.loads((self.state / f"{name}.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError:
            raise Problem(words.STATE_DAMAGED(name=name)) from None

    def remember(self, name: str, value: Any) -> None:
        """Write it down for later commands; None forgets."""
        path = self.state / f"{name}.json"
        if value is None:
            path.unlink(missing_ok=True)
        else:
            replace(path, json.dumps(value, indent=1) + "\n")

    @contextmanager
    def locked(self, command: str) -> Iterator[None]:
        """One command at a time changes this stack."""
        with lock.held(self.root / lock.FILE, command):
            self._sweep()
            yield

    def at_work(self) -> str:
        """The command that changes this stack just now; nothing where none does."""
        return lock.at_work(self.root / lock.FILE)

    def tools(self, *words: str) -> list[str]:
        """What `docker run` takes for a command of the tools in a container of its own, with the rights of this one."""
        described = self.engine.inspect(own_id())
        mounts = [f"--volume={mount}" for mount in described["HostConfig"]["Binds"]]
        groups = [f"--group-add={group}" for group in described["HostConfig"].get("GroupAdd") or []]
        return [
            "--detach", "--rm", "--init", "--label=com.docker.compose.project=", "--network=none",
            f"--user={described['Config']['User']}", "--read-only", "--cap-drop=ALL",
            "--security-opt=no-new-privileges", "--tmpfs=/tmp", "--env=HOME=/tmp", f"--workdir={self.root}",
            f"--env=COMPOSE_PROJECT_NAME={self.project}", *mounts, *groups, described["Image"], *words,
        ]  # fmt: skip

    def _sweep(self) -> None:
        """Remove what a kill left of a file as it was written. A journal's had no ending in an earlier release."""
        journals, secrets = self.state.glob("journal.json.*"), self.root / "secrets"
        # Of a backup that is to be encrypted, a half or what was opened of it is not.
        backups = [half for half in (self.root / "backups").glob("*.part*") if _PART.search(half.name)]
        for half in (*self.root.glob(f".env.*{ASIDE}"), *secrets.glob(f"*{ASIDE}"), *journals, *backups):
            half.unlink(missing_ok=True)
        for folder in (self.root / "backups").glob(".opened-*"):
            shutil.rmtree(folder, ignore_errors=True)
        # A watcher writes there without the lock, and is let finish.
        for half in (*self.state.glob(f"*{ASIDE}"), *self.state.glob(f"lines/*{ASIDE}")):
            with suppress(OSError):
                if time.time() - half.stat().st_mtime > _WRITTEN_WITHIN_S:
                    half.unlink()


def own_id() -> str:
    """The id of the container that this runs in: its host name, unless it is on the host's network."""
    with open("/proc/self/mountinfo", encoding="ascii", errors="replace") as file:
        for line in file:
            _, found, rest = line.partition("/containers/")
            if found and "/etc/hostname" in line.split()[4]:
                return rest.split("/")[0]
    raise Problem(str(words.TOOLS_ONLY))
