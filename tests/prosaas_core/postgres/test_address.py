"""What providers of Postgres hand out becomes asyncpg's arguments, or one line that helps and tells nothing."""

import re
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from asyncpg.connect_utils import _parse_connect_dsn_and_args  # type: ignore[attr-defined]
from hypothesis import given
from hypothesis import strategies as some

from prosaas_core.postgres.address import LONGEST, MOST_HOSTS, AddressError, arguments


def tried(url: str) -> tuple[list[Any], Any]:
    """Where asyncpg would connect with our arguments, and as whom."""
    options = dict.fromkeys(
        ("dsn", "host", "port", "user", "password", "passfile", "database", "ssl", "service", "servicefile")
    )
    options |= dict.fromkeys(("direct_tls", "server_settings", "target_session_attrs", "krbsrvname", "gsslib"))
    return _parse_connect_dsn_and_args(**options | arguments(url))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("postgres://u:secret@ec2-1.compute.amazonaws.com:5432/d", ("ec2-1.compute.amazonaws.com", 5432)),
        (
            "postgresql://u:secret@ep-x.eu-central-1.aws.neon.tech/d?sslmode=require&channel_binding=require",
            ("ep-x.eu-central-1.aws.neon.tech", 5432),
        ),
        ("postgresql+asyncpg://u:secret@db.x.supabase.co:5432/d?ssl=require", ("db.x.supabase.co", 5432)),
        ("postgresql+psycopg://u:secret@db:6543/d?ssl=true", ("db", 6543)),
        ("postgresql://u:secret@db-do-user-1.ondigitalocean.com:25060/d?sslmode=no-verify", (
            "db-do-user-1.ondigitalocean.com", 25060,
        )),
        ("postgresql://u:secret@[fd12:3456::1]:5432/d", ("fd12:3456::1", 5432)),
        ("postgresql://u:secret@[fd12:3456::1]/d?connect_timeout=10&pgbouncer=true", ("fd12:3456::1", 5432)),
        ("postgresql://u:secret@%2Fvar%2Frun%2Fpostgresql/d", "/var/run/postgresql/.s.PGSQL.5432"),
        (
            "postgresql://u:secret@/d?host=/cloudsql/project:region:instance",
            "/cloudsql/project:region:instance/.s.PGSQL.5432",
        ),
        ("postgresql:///d?host=db&port=6000&user=u&password=secret&dbname=d", ("db", 6000)),
    ],
)  # fmt: skip
def test_what_providers_hand_out_is_what_is_connected_to(url: str, host: Any) -> None:
    addresses, parameters = tried(url)
    assert addresses == [host]
    assert (parameters.user, parameters.password, parameters.database) == ("u", "secret", "d")
    # Nothing that only a client understands is sent to the server.
    assert not parameters.server_settings


def test_of_several_hosts_the_one_that_can_be_written_to_is_taken() -> None:
    addresses, parameters = tried("postgresql://u:p@a,b:5433,[::1]:5434/d")
    assert addresses == [("a", 5432), ("b", 5433), ("::1", 5434)]
    assert parameters.target_session_attrs == "read-write"
    assert tried("postgresql://u:p@a,b/d?target_session_attrs=any")[1].target_session_attrs == "any"
    assert tried("postgresql://u@/d?host=a,b&port=1,2")[0] == [("a", 1), ("b", 2)]


def test_a_setting_of_the_server_is_sent_to_it() -> None:
    url = "postgresql://u@a/d?application_name=shop&options=-c%20search_path%3Dapp+more"
    assert arguments(url)["server_settings"] == {
        "application_name": "shop",
        "options": "-c search_path=app+more",
    }


@given(user=some.text(min_size=1), password=some.text(min_size=1), database=some.text(min_size=1))
def test_any_password_that_is_percent_encoded_arrives_whole(user: str, password: str, database: str) -> None:
    url = f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@host/{quote(database, safe='')}"
    if "\0" in user + password + database:
        with pytest.raises(AddressError):
            arguments(url)
    elif len(url) <= LONGEST:
        found = arguments(url)
        assert (found["user"], found["password"], found["database"]) == (user, password, database)


@pytest.mark.parametrize("password", ["hunter@2", "hunt:er2", "hunt%er2", "hunter 2", "hunter+2"])
def test_a_password_that_can_only_be_meant_in_one_way_needs_no_encoding(password: str) -> None:
    assert arguments(f"postgresql://u:{password}@host:5432/d")["password"] == password


def test_as_many_hosts_as_may_be_are_taken() -> None:
    hosts = [f"db{number}" for number in range(MOST_HOSTS)]
    assert arguments(f"postgresql://u:p@{','.join(hosts)}/d?sslmode=disable")["host"] == hosts


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("postgresql://u:hunter2/s3cr3t@host/d", "percent-encode"),
        ("postgresql://u:hunter2?s3cr3t@host/d", "percent-encode"),
        ("postgresql://u:hunter2#s3cr3t@host/d", "percent-encode"),
        ("postgresql://u:hunter2/s3cr3t", "percent-encode"),
        ("postgresql://u:hunter2?s3cr3t", "percent-encode"),
        ("postgresql://u:hunter2%00s3cr3t@host/d", "percent-encode"),
        ("postgresql://u:hunter2%ffs3cr3t@host/d", "percent-encode"),
        ("postgresql://u:hunter2s3cr3t@host:hunter2/d", "port"),
        ("postgresql://u:hunter2s3cr3t@host:99999/d", "port"),
        ("postgresql://u:hunter2s3cr3t@fd12::1/d", r"\[ \]"),
        ("postgresql://u:hunter2s3cr3t@[fd12::1/d", r"\[2001"),
        ("postgresql://u:hunter2s3cr3t@/d", "names no host"),
        ("postgresql://u:hunter2s3cr3t@host,/d", "names no host"),
        ("postgresql://u:hunter2s3cr3t@host/d?host=a,b&port=1,2,3", "as many ports"),
        ("postgresql://u:hunter2s3cr3t@ho st/d", "name"),
        ("postgresql://u:hunter2s3cr3t@host/d?sslmode=hunter2", "verify-full"),
        ("postgresql://u:hunter2s3cr3t@host/d?target_session_attrs=hunter2", "read-write"),
        ("postgresql://u:hunter2s3cr3t@host/d?sslrootcert=/nowhere/ca.pem&sslmode=verify-ca", "put the file into env/"),
        ("postgresql://u:hunter2s3cr3t@host/d?sslrootcert=system&sslmode=require", "verify-full"),
        ("postgresql://u:hunter2s3cr3t@host/d?sslcert=/nowhere", "sslmode=require"),
        ("postgresql://u:hunter2s3cr3t@host/d?service=mine", "option service"),
        ("postgresql://u:hunter2s3cr3t@host/d?sslcrl=x", "option sslcrl"),
        ("mysql://u:hunter2s3cr3t@host/d", "expected postgresql://"),
        ("jdbc:postgresql://host/d?password=hunter2s3cr3t", "expected postgresql://"),
        ("host=db password=hunter2s3cr3t", "expected postgresql://"),
        ("postgresql://u:hunter2s3cr3t@host/d\nnext", "one line"),
        ("postgresql://u:hunter2s3cr3t@" + "a," * 20 + "b/d", "more than 10"),
        ("postgresql://u:" + "hunter2s3cr3t" * 1000 + "@host/d", "at most"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line_that_helps_and_tells_nothing(url: str, remedy: str) -> None:
    with pytest.raises(AddressError, match=remedy) as refused:
        arguments(url)
    said = str(refused.value)
    assert len(said.splitlines()) == 1
    assert re.search("hunter2|s3cr3t", said) is None
    assert refused.value.__cause__ is None


@given(some.text(alphabet="postgresql://u:@?#[]%,&=aZ0/ \\\n", max_size=60))
def test_no_text_whatsoever_makes_another_error(tail: str) -> None:
    for url in (tail, f"postgresql://{tail}", f"postgresql://u:p@host/d?{tail}"):
        with suppress(AddressError):
            arguments(url)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of an authority nobody else knows."""
    folder = tmp_path_factory.mktemp("ca")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-days", "1"]
    command += ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/ca.pem"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "ca.pem"


@pytest.mark.parametrize(
    ("query", "verified", "named"),
    [
        ("sslmode=require&sslrootcert={root}", True, False),
        ("sslmode=verify-ca&sslrootcert={root}", True, False),
        ("sslmode=verify-full&sslrootcert={root}", True, True),
        ("sslmode=verify-full", True, True),
        ("sslrootcert=system", True, True),
        ("sslmode=require", False, False),
        ("sslmode=require&sslcert={root}&sslkey={key}&sslnegotiation=direct", False, False),
    ],
)
def test_what_is_asked_to_be_verified_is_verified(query: str, verified: bool, named: bool, root: Path) -> None:
    query = query.format(root=root, key=root.parent / "key.pem")
    _, parameters = tried(f"postgresql://u:p@host/d?{query}")
    context = parameters.ssl
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode is ssl.CERT_REQUIRED, context.check_hostname) == (verified, named)
    assert not parameters.server_settings


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", ""])
def test_a_weaker_mode_is_left_to_asyncpg(mode: str) -> None:
    _, parameters = tried(f"postgresql://u:p@host/d{'?sslmode=' if mode else ''}{mode}")
    assert parameters.sslmode.name == (mode or "prefer")


@pytest.mark.parametrize(
    ("host", "far"),
    [
        ("db.example.com", True),
        ("8.8.8.8", True),
        ("[2001:4860:4860::8888]", True),
        ("postgres,db.example.com", True),
        ("postgres", False),
        ("localhost", False),
        ("127.0.0.1", False),
        ("10.0.0.5", False),
        ("[fd00::1]", False),
        ("db.railway.internal", False),
    ],
)
def test_a_far_server_has_to_prove_who_it_is_unless_said_otherwise(host: str, far: bool) -> None:
    asked = arguments(f"postgresql://u:p@{host}/d")["ssl"]
    if far:
        assert asked.verify_mode is ssl.CERT_REQUIRED
        assert asked.check_hostname
    else:
        assert asked == "prefer"
    assert arguments(f"postgresql://u:p@{host}/d?sslmode=prefer")["ssl"] == "prefer"
