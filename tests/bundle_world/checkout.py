"""A checkout for one test: the repository's files in a folder of their own, with an .env of their own."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_SETTINGS_OF_A_STACK = (
    "COMPOSE_", "PROSAAS_", "API_", "CALLS_", "WORKER_", "LOG_", "OPENAI_", "TWILIO_", "WHATSAPP_", "MAKE",
)  # fmt: skip


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


@dataclass(frozen=True)
class Checkout:
    """A folder in which the operator's commands can be run without touching this one's .env, secrets or stack."""

    path: Path

    def run(self, *command: str, check: bool = True, timeout: float = 300, **settings: str) -> Done:
        done = subprocess.run(
            command,
            cwd=self.path,
            env=clean_environment() | settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        result = Done(done.returncode, done.stdout, done.stderr)
        assert not check or result.code == 0, f"{' '.join(command)} ended with {result.code}\n{result.text}"
        return result

    def compose(self, *arguments: str, check: bool = True, timeout: float = 300, **settings: str) -> Done:
        return self.run("docker", "compose", *arguments, check=check, timeout=timeout, **settings)

    def setting(self, name: str) -> str:
        values = [line.partition("=")[2] for line in self.env.read_text().splitlines() if line.startswith(f"{name}=")]
        return values[-1] if values else ""

    def configure(self, **settings: str) -> None:
        kept = [line for line in self.env.read_text().splitlines() if line.partition("=")[0] not in settings]
        self.env.write_text("\n".join([*kept, *(f"{name}={value}" for name, value in settings.items())]) + "\n")

    @property
    def env(self) -> Path:
        return self.path / ".env"


def clean_environment() -> dict[str, str]:
    """This process's environment without what would steer a stack from outside its .env; screens speak English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS_OF_A_STACK)}
    return kept | {"OPS_LANG": "en"}


def make_checkout(target: Path) -> Checkout:
    """Copy what a clone would hold, but for the tests: the files git tracks and those it would."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.is_file() and not name.startswith(("tests/", "bench/")):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    return Checkout(target)
