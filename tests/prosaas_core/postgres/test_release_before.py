"""While a deploy renews services one by one, those of the release before serve on the schema of the next."""

import json
import os
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from twilio.request_validator import RequestValidator

from ports import free_port
from postgres_world import as_role
from prosaas_core.postgres.roles import ROLES

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(240)]
ROOT = Path(__file__).parents[3]
VERSIONS = "services/prosaas_core/migrations/versions"
PUBLIC, TOKEN, KEY = "https://voice.example.com", "not-a-secret", "of-the-administrator"


def git(*words: str) -> str:
    command = ["git", "-c", "safe.directory=*", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The services as they were before the newest migration came."""
    newest = max(path.name for path in (ROOT / VERSIONS).glob("[0-9]*.py"))
    commit = git("log", "-1", "--diff-filter=A", "--format=%H", "--", f"{VERSIONS}/{newest}")
    archive = tmp_path / "before.tar"
    git("archive", f"--output={archive}", f"{commit}~1", "services")
    if not commit or not archive.is_file():
        pytest.skip("this clone has no history before its newest migration")
    with tarfile.open(archive) as found:
        found.extractall(tmp_path, filter="data")
    assert not (tmp_path / VERSIONS / newest).exists()
    return tmp_path / "services"


def environment(before: Path, url: str, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    folder = str(before.parent)
    mine = {
        "LOG_BLACKBOX": "0",
        "LOG_SWITCH_FILE": f"{folder}/switch.json",
        "SPOOL_DIR": folder,
        "PYTHONPATH": str(before),
    }
    whole = {"DATABASE_URL": url, "DEMO": "1", "PUBLIC_URL": PUBLIC, "TWILIO_AUTH_TOKEN": TOKEN, "ADMIN_API_KEY": KEY}
    return {**kept, **mine, **whole, **more}


@contextmanager
def running(before: Path, package: str, url: str, role: str) -> Iterator[str]:
    """One service of before, in its role, once it says that it is ready."""
    port = str(free_port())
    ports = {"PORT": port, "OPERATORS_PORT": str(free_port())}
    process = subprocess.Popen(
        [sys.executable, "-m", package], cwd=before, env=environment(before, as_role(url, role), **ports)
    )
    try:
        deadline = time.monotonic() + 90
        while answer(f"http://127.0.0.1:{port}/readyz")[0] != 200:
            assert process.poll() is None, f"{package} ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{package} is not ready: {answer(f'http://127.0.0.1:{port}/readyz')}"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def answer(url: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(url, body, {name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=20) as told:
            return int(told.status), told.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def test_every_service_of_the_release_before_works_on_the_next_schema(database_url: str, before: Path) -> None:
    """Ready is being able to write; a business is made and called, and its own migration leaves the schema alone."""
    api, calls, worker, _ = ROLES
    migrate = [sys.executable, "-m", "prosaas_core.migrate"]
    done = subprocess.run(migrate, cwd=before, env=environment(before, database_url), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with running(before, "prosaas_calls", database_url, calls), running(before, "prosaas_worker", database_url, worker):
        pass
    with running(before, "prosaas_api", database_url, api) as url:
        new = json.dumps({"name": "מספרת נועה", "phone": "+97235550142"}).encode()
        status, said = answer(
            f"{url}/v1/businesses", new, Authorization=f"Bearer {KEY}", Content_Type="application/json"
        )
        assert status == 201, said
        form = {"CallSid": "CA" + "1" * 32, "From": "+972501234567", "To": "+97235550142"}
        signature = RequestValidator(TOKEN).compute_signature(f"{PUBLIC}/twilio/voice", form)
        body = urllib.parse.urlencode(form).encode()
        status, said = answer(f"{url}/twilio/voice", body, X_Twilio_Signature=signature)
        assert (status, "<Response>" in said) == (200, True)
