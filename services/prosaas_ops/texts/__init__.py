"""What the operator's side says: a row a text, Hebrew and English side by side."""

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from prosaas_logging.env import EnvError, read_env_file

# Mounted into the tools' container; what the services log in, the operator reads.
_SETTINGS = Path("/etc/prosaas/env/prod.env")
_EXAMPLE = _SETTINGS.with_name("example.env")
LANGUAGES = ("he", "en")


def language() -> str:
    """The operator's: OPS_LANG, or else what env/prod.env has as OPS_LANG or LOG_LANG; Hebrew where nothing fits."""
    said = os.environ.get("OPS_LANG", "").strip().lower()
    return said if said in LANGUAGES else language_in(_SETTINGS)


def setting(name: str) -> str:
    """One of the operator's own: as it was typed or exported, else as env/prod.env has it; "" where neither does."""
    return (os.environ.get(name) or _filed(_SETTINGS).get(name) or "").strip()


def settings() -> list[str]:
    """The names of those that stand in .env, as the example of that has them all."""
    try:
        return re.findall(r"^#? ?([A-Z][A-Z0-9_]*)=", _EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return []


def language_in(path: Path) -> str:
    """That of the whole stack, which no single command changes, as its file has it."""
    filed = _filed(path)
    wanted = (filed.get("OPS_LANG"), filed.get("LOG_LANG"))
    return next((word for said in wanted if (word := (said or "").strip().lower()) in LANGUAGES), "he")


@cache
def _filed(path: Path) -> dict[str, str]:
    try:
        return read_env_file(path.read_text(encoding="utf-8"), {})
    except (OSError, UnicodeDecodeError, EnvError):
        return {}


def direction(language: str) -> str:
    """As HTML names it."""
    return "rtl" if language == "he" else "ltr"


@dataclass(frozen=True, slots=True)
class Text:
    """One thing to say, in both languages; called with the values of its placeholders."""

    he: str
    en: str

    def say(self, spoken: str = "", **values: object) -> str:
        """In that language, "en" or "he"; without one, in the operator's."""
        words = self.he if (spoken or language()) == "he" else self.en
        return words.format(**values) if values else words

    def __call__(self, **values: object) -> str:
        return self.say("", **values)

    def __str__(self) -> str:
        return self.say()
