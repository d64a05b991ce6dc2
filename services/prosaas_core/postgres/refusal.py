"""Errors of the server that waiting does not cure, each as one line that says what to do."""

import ssl

import asyncpg

# Those by which a server says that it cannot serve at all, whatever was asked: a connection's, and the server's own (a
# full disk, no connection left, an end or a start, a broken disk).
CANNOT_SERVE = ("08", "53100", "53300", "57P01", "57P02", "57P03", "58030")

# By SQLSTATE, in the words of Postgres' own table of error codes (appendix A).
_REMEDIES = {
    "28P01": "the server refuses the password: write the right one into DATABASE_URL, percent-encoded",
    "28000": "the server refuses this user from here: check the user of DATABASE_URL, and whether it must use TLS"
    " (?sslmode=require)",
    "3D000": "the server has no such database: create it, or correct the name at the end of DATABASE_URL",
    "42501": "the user of DATABASE_URL may not do this: GRANT CREATE on the database and on its schema public to it",
    "25006": "the server is read-only: give the address of the primary, and see whether its disk is full",
    "42704": "the server does not know an option of DATABASE_URL: take it out",
    "08P01": "what answers is a pooler that cannot do this: give the direct address, or take the option out",
    "0A000": "what answers at DATABASE_URL cannot do this: PostgreSQL 17 is needed",
}
_CERTIFICATE = (
    "the server's certificate is not trusted: put your provider's CA into env/ and add"
    " sslrootcert=/etc/prosaas/env/NAME.pem to DATABASE_URL (?sslmode=require encrypts without asking who answers)"
)
_NO_TLS = "the server has no TLS: add ?sslmode=disable to DATABASE_URL, if the whole way to it is yours"


def of(error: BaseException | None) -> str | None:
    """Return the remedy and what the server said, None where waiting may help or the fault is ours."""
    while error is not None:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"{_CERTIFICATE} ({said})"
        if isinstance(error, ConnectionError) and "rejected SSL" in said:
            return f"{_NO_TLS} ({said})"
        if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
            return f"{_REMEDIES['25006']} ({said})"
        # A migration's own refusal says what to do.
        if isinstance(error, asyncpg.RaiseError) and error.hint:
            return f"{said}. {error.hint}".replace("\n", " ")
        if isinstance(error, asyncpg.PostgresError) and (remedy := _REMEDIES.get(error.sqlstate or "")):
            return f"{remedy} ({said})"
        error = getattr(error, "orig", None) or error.__cause__
    return None
