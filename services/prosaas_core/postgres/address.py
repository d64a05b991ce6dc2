"""DATABASE_URL as asyncpg's arguments: what providers of Postgres hand out works, or is refused with the remedy.

The grammar is libpq's (PostgreSQL 17, 32.1.1.2), with the spellings of other drivers that providers print. No message
repeats any part of the address but an option's or a host's own name, for a password may lie anywhere in a wrong one.
"""

import ipaddress
import re
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

LONGEST = 4096
MOST_HOSTS = 10

ENCODE = "percent-encode it (@ is %40, / is %2F, ? is %3F, # is %23, : is %3A, % is %25)"

_SCHEME = re.compile(r"postgres(?:ql)?(?:\+[a-z0-9]+)?://")
_OPTION = re.compile(r"[a-z_][a-z0-9_.]{0,62}", re.I)
_HOST = re.compile(r"[\w.:%-]{1,253}")

_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SSL_SPELLINGS = {"true": "require", "1": "require", "no-verify": "require", "false": "disable", "0": "disable"}
_NEAR = (".internal", ".local", ".localdomain", ".localhost", ".lan")
_ROLES = ("any", "primary", "standby", "prefer-standby", "read-write", "read-only")

# What tunes another client, or is a hint to one: ours has its own time limits and pools. asyncpg cannot bind SCRAM to
# the TLS channel, so that channel_binding asks for more than it gets; the password still never travels.
_PASSED_OVER = (
    "channel_binding", "connect_timeout", "client_encoding", "fallback_application_name", "gssencmode", "keepalives",
    "keepalives_count", "keepalives_idle", "keepalives_interval", "load_balance_hosts", "replication", "requirepeer",
    "sslcompression", "sslsni", "tcp_user_timeout", "connection_limit", "pgbouncer", "pool_timeout", "pool_size",
    "max_overflow", "schema", "sslaccept", "supa", "uselibpqcompat", "workaround", "prepared_statement_cache_size",
    "statement_cache_size", "prepare_threshold",
)  # fmt: skip
_REFUSED = (
    "gsslib", "gssdelegation", "krbsrvname", "passfile", "require_auth", "service", "sslcertmode", "sslcrl",
    "sslcrldir", "ssl_max_protocol_version", "ssl_min_protocol_version",
)  # fmt: skip


class AddressError(ValueError):
    """The address cannot be used; the text says why and what to do, in one line without any part of a password."""


def arguments(url: str) -> dict[str, Any]:
    """Return the arguments of `asyncpg.connect` and `create_pool` that the address stands for; raises AddressError.

    Unless the address says otherwise, only a server that can be written to is taken: of several hosts the primary, and
    none that has become a standby.
    """
    if len(url) > LONGEST or not url.isprintable():
        raise AddressError(f"expected one line of at most {LONGEST} characters")
    if not (scheme := _SCHEME.match(url)):
        raise AddressError("expected postgresql://user:password@host:5432/name")
    parts = re.fullmatch(r"([^/?#]*)(?:/([^?#]*))?(?:\?([^#]*))?(#.*)?", url[scheme.end() :])
    assert parts is not None
    authority, database, query, fragment = (part or "" for part in parts.groups())
    if fragment or "@" in database or "@" in query:
        raise AddressError(f"a user, password or name holds one of @ / ? #: {ENCODE}")
    credentials, _, listed = authority.rpartition("@")
    user, _, password = credentials.partition(":")
    options = dict(_options(query))
    hosts, ports = _hosts(options.pop("host", "") or listed, options.pop("port", ""))
    found = {
        "host": hosts,
        "port": ports,
        "user": options.pop("user", "") or _decoded(user),
        "password": options.pop("password", "") or _decoded(password),
        "database": options.pop("dbname", "") or options.pop("database", "") or _decoded(database),
        "target_session_attrs": _choice(options, "target_session_attrs", _ROLES, "read-write"),
    }
    found |= _encryption(
        options, sockets=all(host.startswith("/") for host in hosts), far=any(_is_far(host) for host in hosts)
    )
    if odd := sorted(options.keys() & _REFUSED):
        raise AddressError(f"the option {odd[0]} is not supported: take it out of the address")
    # What is left is a server's own setting, like application_name, search_path or options.
    settings = {name: value for name, value in options.items() if name not in _PASSED_OVER}
    found["server_settings"] = settings
    return {name: value for name, value in found.items() if value}


def _options(query: str) -> Iterator[tuple[str, str]]:
    for pair in filter(None, query.split("&")):
        name, equals, value = pair.partition("=")
        if not equals or not _OPTION.fullmatch(name):
            raise AddressError(f"an option after ? is not name=value; if that is a piece of a password, {ENCODE}")
        yield name.lower(), _decoded(value)


def _hosts(listed: str, ports: str) -> tuple[list[str], list[int]]:
    """The hosts, each a name, an IPv4 or IPv6 address or a socket's folder, and the port of each."""
    names = listed.split(",")
    if len(names) > MOST_HOSTS:
        raise AddressError(f"more than {MOST_HOSTS} hosts")
    default = ports.split(",") if ports else ["5432"]
    if len(default) not in (1, len(names)):
        raise AddressError("as many ports as hosts are expected, or one for all")
    pairs = [_host(name, default[at % len(default)]) for at, name in enumerate(names)]
    return [host for host, _ in pairs], [port for _, port in pairs]


def _host(text: str, port: str) -> tuple[str, int]:
    if text.startswith("["):
        name, closed, after = text[1:].partition("]")
        colon, own = after[:1], after[1:]
        if not closed or colon not in ("", ":"):
            raise AddressError("an IPv6 host is written [2001:db8::1]:5432")
    elif (name := _decoded(text)).startswith("/"):
        # A folder of sockets may hold colons, as Cloud SQL's do.
        colon, own = "", ""
    else:
        name, colon, own = text.partition(":")
        name = _decoded(name)
    if not name:
        raise AddressError("it names no host: postgresql://user:password@host:5432/name")
    if colon:
        port = own
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise AddressError(
            "a host's port is no number from 1 to 65535: an IPv6 host stands in [ ], and if that is a piece of a"
            f" password, {ENCODE}"
        )
    if not name.startswith("/") and not _HOST.fullmatch(name):
        raise AddressError("a host's name contains a character that host names cannot have")
    return name, int(port)


def _is_far(host: str) -> bool:
    """Whether the way to the host leaves the machine and its private networks; a name without a dot is Docker's."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return not host.startswith("/") and "." in host and not host.endswith(_NEAR)


def _encryption(options: dict[str, str], *, sockets: bool, far: bool) -> dict[str, Any]:
    """asyncpg's `ssl` and `direct_tls`: a context where something is verified or shown, else the mode's name.

    Where the address does not say, a far server has to prove who it is.
    """
    mode = options.pop("sslmode", "") or options.pop("ssl", "")
    mode = _SSL_SPELLINGS.get(mode.lower(), mode.lower())
    options.pop("ssl", None)
    root, key, certificate, password = (
        options.pop(name, "") for name in ("sslrootcert", "sslkey", "sslcert", "sslpassword")
    )
    direct = _choice(options, "sslnegotiation", ("postgres", "direct"), "postgres") == "direct"
    mode = mode or ("verify-full" if root == "system" or (far and not sockets) else "prefer")
    if mode not in _SSL_MODES:
        raise AddressError(f"sslmode is one of {', '.join(_SSL_MODES)}")
    strict = mode in ("require", "verify-ca", "verify-full")
    if root == "system" and mode != "verify-full":
        raise AddressError("sslrootcert=system takes sslmode=verify-full")
    if (certificate or direct) and not strict:
        raise AddressError("sslcert and sslnegotiation=direct take sslmode=require or a stricter one")
    if sockets or not (strict and (root or certificate or mode != "require")):
        return {"ssl": "disable" if sockets else mode, "direct_tls": direct}
    # A root certificate is asked for what it says, as libpq does: require with one is verify-ca.
    verified = bool(root) or mode != "require"
    try:
        context = ssl.create_default_context(cafile=root if root not in ("", "system") else None)
    except OSError as error:
        raise AddressError(_unreadable("sslrootcert", root, error)) from None
    context.check_hostname = mode == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
    context.set_alpn_protocols(["postgresql"])
    if certificate:
        try:
            context.load_cert_chain(certificate, key or None, password=lambda: password)
        except OSError as error:
            raise AddressError(_unreadable("sslcert or sslkey", certificate, error)) from None
    return {"ssl": context, "direct_tls": direct}


def _unreadable(option: str, path: str, error: OSError) -> str:
    reason = "holds no certificate" if isinstance(error, ssl.SSLError) else f"cannot be read ({error.strerror})"
    return f"{option}: {path} {reason}; put the file into env/ and name it /etc/prosaas/env/…"


def _choice(options: dict[str, str], name: str, known: tuple[str, ...], default: str) -> str:
    value = options.pop(name, "").lower() or default
    if value not in known:
        raise AddressError(f"{name} is one of {', '.join(known)}")
    return value


def _decoded(text: str) -> str:
    try:
        value = unquote(text, errors="strict")
    except UnicodeDecodeError:
        value = "\0"
    if "\0" in value:
        raise AddressError(f"a part of it is percent-encoded, but not as UTF-8 text: {ENCODE}")
    return value
