"""Another major version of PostgreSQL: the data goes over by a backup, and the old volume is the way back."""

from pathlib import Path

import pytest

from bundle_world.checkout import Checkout
from stack_world.stack import Stack, docker

pytestmark = [pytest.mark.docker, pytest.mark.elsewhere, pytest.mark.timeout(580)]
# Of Debian's next release, for machines that reach no registry: upstream's contract is the stand-in's.
NEXT = """
ARG BASE
FROM ${BASE}
ENV PG_MAJOR=18 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/18/bin
RUN sed s/trixie/forky/ /etc/apt/sources.list >/etc/apt/sources.list.d/next.list \\
    && apt-get -o Acquire::Check-Valid-Until=false update -qq \\
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-18 >/dev/null
"""


@pytest.fixture
def newer(checkout: Checkout, tmp_path: Path) -> str:
    """The next major version, pulled or made."""
    image = "postgres:18-trixie"
    if checkout.run("docker", "pull", "--quiet", image, check=False, timeout=120).code:
        image = "prosaas-test/postgres:18-trixie"
        (tmp_path / "Dockerfile").write_text(NEXT)
        base = checkout.setting("POSTGRES_IMAGE")
        docker("build", "--quiet", f"--tag={image}", f"--build-arg=BASE={base}", str(tmp_path))
    return image


def test_the_way_to_another_postgresql_loses_nothing_and_leads_back(checkout: Checkout, newer: str) -> None:
    """As the page has it, command by command."""
    stack = Stack(checkout, checkout.path.name)
    older = checkout.setting("POSTGRES_IMAGE") or "postgres:17-trixie"
    rows = ("psql", "--username=prosaas", "-At", "-c", "SELECT string_agg(call_sid, ',' ORDER BY call_sid) FROM calls")
    serving = ("psql", "--username=prosaas", "-At", "-c", "SHOW server_version")
    checkout.run("make", "up-prod", timeout=400)
    first = str(stack.call()["call_sid"])

    checkout.configure(POSTGRES_IMAGE=newer)
    refused = checkout.run("make", "up-prod", check=False)
    assert refused.code
    assert "is PostgreSQL 18, and the volume" in refused.text
    assert "nothing was changed" in refused.text
    assert stack.execute("postgres", *serving).startswith("17")
    checkout.configure(POSTGRES_IMAGE=older)

    checkout.run("make", "down")
    checkout.compose("up", "--detach", "--wait", "postgres")
    checkout.run("make", "backup", "FILE=backups/before-18.dump")
    checkout.compose("down")
    checkout.configure(POSTGRES_IMAGE=newer, POSTGRES_VOLUME="pgdata18")
    checkout.run("make", "restore", "FILE=backups/before-18.dump")
    checkout.run("make", "up-prod", timeout=400)
    assert stack.execute("postgres", *serving).startswith("18")
    assert stack.execute("postgres", *rows).strip() == first
    assert stack.call()["ok"]

    checkout.configure(POSTGRES_IMAGE=older, POSTGRES_VOLUME="pgdata")
    checkout.run("make", "down")
    checkout.run("make", "up-prod", timeout=400)
    assert stack.execute("postgres", *rows).strip() == first
