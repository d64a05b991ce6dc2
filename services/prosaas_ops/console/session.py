"""Who may look: a link that signs in once, the session it gives, and the time since anybody looked."""

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

# Where somebody else in this container leaves links: whoever gets in here may do anything the console does.
LINKS = Path("/tmp/console-links")
# A console at which nobody looked for this long ends, and its links and sessions with it.
IDLE_SECONDS = 1800.0
LONGEST_SESSION_SECONDS = 8 * 3600.0
_MOST_LINKS = 20
_MOST_SESSIONS = 50


@dataclass(slots=True)
class Session:
    """One browser that was let in; `token` is what each of its forms must repeat."""

    name: str
    ends: float
    seen: float
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    # What the audit has of it: pages ask again and again for what they show.
    noted: set[tuple[str, str]] = field(default_factory=set)


class Doorkeeper:
    """Keeps links and sessions by their hashes; seconds are those of `now`."""

    def __init__(self, now: Callable[[], float] = time.monotonic, left: Path = LINKS) -> None:
        self._now = now
        self._left = left
        self._links: dict[bytes, float] = {}
        self._sessions: dict[bytes, Session] = {}
        self._looked = now()
        self._count = 0

    def link(self) -> str:
        """A new key that lets one browser in, once, within IDLE_SECONDS."""
        key = secrets.token_urlsafe(32)
        self._links[_hash(key)] = self._now() + IDLE_SECONDS
        while len(self._links) > _MOST_LINKS:
            del self._links[next(iter(self._links))]
        return key

    def enter(self, key: str) -> str | None:
        """The session's secret, for a cookie; None for a key that was used, is too old or never was."""
        now = self._now()
        until = self._links.pop(_hash(key), 0.0) or now + self._left_for(key)
        if now >= until:
            return None
        cookie = secrets.token_urlsafe(32)
        self._count += 1
        self._sessions[_hash(cookie)] = Session(f"viewer {self._count}", now + LONGEST_SESSION_SECONDS, now)
        while len(self._sessions) > _MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        self._looked = now
        return cookie

    def session(self, cookie: str) -> Session | None:
        """The session that looks now; None where it has ended: after so long, or so long without a look."""
        session = self._sessions.get(key := _hash(cookie))
        now = self._now()
        if session is None:
            return None
        if now >= session.ends or now - session.seen >= IDLE_SECONDS:
            del self._sessions[key]
            return None
        session.seen = self._looked = now
        return session

    def _left_for(self, key: str) -> float:
        """For how many seconds yet a link counts that was left for us; it lets in whoever removes its file."""
        path = self._left / _hash(key).hex()
        try:
            made = path.stat().st_mtime
            path.unlink()
        except OSError:
            return 0.0
        return made + IDLE_SECONDS - time.time()

    @property
    def idle_seconds(self) -> float:
        """How long nobody has looked who may."""
        return self._now() - self._looked


def leave_link(folder: Path = LINKS) -> str:
    """A new key for the console that runs in this container, from another process in it."""
    key = secrets.token_urlsafe(32)
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / _hash(key).hex()).touch(mode=0o600)
    return key


def repeats(session: Session, token: str) -> bool:
    """Whether a form came from a page of this session's own."""
    return hmac.compare_digest(session.token.encode(), token.encode("utf-8", "replace"))


def _hash(text: str) -> bytes:
    return sha256(text.encode("utf-8", "replace")).digest()
