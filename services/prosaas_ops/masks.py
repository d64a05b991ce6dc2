"""Keeps secrets out of what is shown or sent on: by name, by known value, and by the log's own patterns."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from prosaas_logging import redact as log
from prosaas_logging.env import EnvError, read_env_file
from prosaas_ops.options import Problem
from prosaas_ops.texts import refused

MASK = "•••"

# Settings with a secret in them: the headers of a collector, an address to which whoever has it may post.
_SECRET = re.compile(r"OTEL_EXPORTER_OTLP_(\w+_)?HEADERS|ALERT_(SLACK|WEBHOOK)_URL|BUSINESS_WEBHOOK_URL")
# The path of a secret, and for how long one counts, are none.
_NOT_SECRET = re.compile(r"(_FILE|_TTL|_SECONDS)$", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?<=://)([^\s/:@]*):([^\s/@]+)(?=@)")
_TWO = re.compile(r",(?=[^,]+:[0-9]+$)|:[0-9]+$")
# Shorter values are words like "postgres": masking them would eat the text around them.
_SHORTEST = 8


def is_secret_name(name: str) -> bool:
    """Whether the log would hide a field of this name, or it is a setting with a secret in it."""
    return _SECRET.fullmatch(name) is not None or (log.is_secret_name(name) and not _NOT_SECRET.search(name))


def hidden(name: str, value: str) -> str:
    """The value as it may be shown: a secret by its name becomes a mask, a URL loses its password."""
    if is_secret_name(name) and value:
        return MASK
    return _URL_PASSWORD.sub(rf"\1:{MASK}", value)


def known_secrets(
    folder: Path = Path("/run/secrets"), env_file: Path = Path(".env"), environ: Mapping[str, str] = os.environ
) -> set[str]:
    """Every secret value this stack has: its secret files, the secret names of .env, the passwords of URLs."""
    settings = settings_in(env_file, environ)
    named = {value for some in (environ, settings) for name, value in some.items() if is_secret_name(name)}
    values = {*named, *(_read(path) for path in sorted(folder.glob("*")) if path.is_file())}
    values.update(value for value in settings.values() if "://" in value)
    for value in list(values):
        if "://" in value:
            if value not in named:
                values.discard(value)
            password = _password(value)
            values.update({password, unquote(password)} if password else ())
    # A rotated CALL_TOKEN_SECRET is two: the new one, and until when the old one is good, too.
    values.update(part for value in list(values) for part in _TWO.split(value))
    return {value for value in values if len(value) >= _SHORTEST}


def _password(url: str) -> str | None:
    """What a URL has as its password; one that is none, a sentence with an address in it perhaps, has none."""
    try:
        return urlsplit(url).password
    except ValueError:
        return None


def settings_in(path: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The settings of an env file, as Compose reads them; one that cannot be read is a problem."""
    try:
        return read_env_file(_read(path), environ)
    except EnvError as error:
        raise Problem(refused.COMPOSE_CANNOT_AT(name=path.name, line=error.line)) from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


class Masker:
    """Rewrites text so that no known secret, and nothing that looks like one, is left in it."""

    def __init__(self, secrets: Iterable[str]) -> None:
        longest_first = sorted(set(secrets), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(MASK, text)
        # A log line at a time, as the log itself does it: of what is longer, redact keeps both ends alone.
        return "\n".join(log.redact(_URL_PASSWORD.sub(rf"\1:{MASK}", row)) for row in text.split("\n"))

    def tree(self, value: Any, name: str = "") -> Any:
        """The same for a structure: names decide for what stands under them, whatever it looks like.

        What is nested deeper than anybody reads is a mask.
        """
        try:
            if isinstance(value, dict):
                return {key: self.tree(inner, str(key)) for key, inner in value.items()}
            if isinstance(value, list):
                return [self._listed(inner, name) for inner in value]
        except RecursionError:
            return MASK
        if isinstance(value, str):
            return MASK if is_secret_name(name) and value else self.text(value)
        return value

    def _listed(self, value: Any, name: str) -> Any:
        return self.assignment(value) if isinstance(value, str) and not is_secret_name(name) else self.tree(value, name)

    def assignment(self, text: str) -> str:
        """`NAME=value`, as a container's environment lists it."""
        name, sign, value = text.partition("=")
        return f"{name}={self.text(hidden(name, value))}" if sign and name.isidentifier() else self.text(text)
