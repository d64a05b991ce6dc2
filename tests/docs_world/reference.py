"""`python -m docs_world.reference AREAS FILE…`: writes the catalogue's tables into Markdown files.

A comment line ``<!-- events: show=production lang=he -->`` marks a place; what stands between it and
``<!-- /events -->`` is replaced. ``show`` is ``production`` (INFO and above), ``development`` (DEBUG) or ``folding``
(what makes room in a long call, and in which order). Between ``<!-- release lang=he -->`` and
``<!-- /release -->`` come the date, version and status that the newest heading of CHANGELOG.md tells.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from prosaas_logging import catalogue
from prosaas_logging.events import AnyEvent, Event, Template
from prosaas_logging.levels import INFO, LEVEL_TO_NAME

_MARK: Final = re.compile(
    r"(<!-- events: show=(production|development|folding) lang=(en|he) -->\n).*?(<!-- /events -->)", re.DOTALL
)
_RELEASE: Final = re.compile(r"(<!-- release lang=(en|he) -->\n).*?(<!-- /release -->)", re.DOTALL)
_NEWEST: Final = re.compile(r"^## \[?([\w.]+)\]?(?: - (\d{4}-\d{2}-\d{2}))?$", re.MULTILINE)
_STAMPS: Final = {
    "en": ("**Last updated**: {0} · **Version**: {1} · **Status**: ✅ ready for production",
           "**Last updated**: with the next release · **Version**: unreleased · **Status**: in development"),
    "he": ("**עודכן לאחרונה**: {0} · **גרסה**: {1} · **סטטוס**: ✅ מוכן לפרודקשן",
           "**עודכן לאחרונה**: עם הגרסה הבאה · **גרסה**: unreleased · **סטטוס**: בפיתוח"),
}  # fmt: skip
_HEADINGS: Final = {
    "en": ("Event", "Level", "Meaning", "The line"),
    "he": ("אירוע", "רמה", "משמעות", "השורה"),
}
# What the worth of an event means for its lines, from those that make room first to those that never do.
_FOLDING: Final = {
    "en": ("In a long call", "Lines", {1: "first to make room", 2: "then", 0: "always written"}),
    "he": ("בשיחה ארוכה", "שורות", {1: "מפנות מקום ראשונות", 2: "אחריהן", 0: "נכתבות תמיד"}),
}
# A line looks as on a terminal, which reads from the left, also on a page that reads from the right.
_LEFT_TO_RIGHT: Final = {"en": "`%s`", "he": '<code dir="ltr">%s</code>'}

Areas = Mapping[str, Mapping[str, str]]


def events() -> dict[str, AnyEvent]:
    """Every event of the catalogue by its name, in the order of its declaration."""
    return {name: value for name, value in vars(catalogue).items() if isinstance(value, Event)}


def line(event: AnyEvent, lang: str) -> str:
    """What follows the level in a human line, with ``…`` for each value."""
    template: Template = event.he if lang == "he" else event.en
    text = "".join("…" if number % 2 else part for number, part in enumerate(template))
    used = {*template[1::2], *event.hidden}
    parts = [text] if text else []
    parts += [f"{name}=…" for name in event.fields if name not in used]
    return " ".join(part for part in (event.emoji, f"[{event.tag}]", ", ".join(parts)) if part)


def tables(areas: Areas, show: str, lang: str) -> str:
    """One table for each area that has an event to show."""
    if show == "folding":
        return folding(areas, lang)
    declared = events()
    result = []
    for area in areas.values():
        rows = []
        for name in (name for name in area if name in declared):
            event = declared[name]
            if (show == "production") != (event.level >= INFO):
                continue
            meaning = area[name] if lang == "he" else event.doc
            shown = line(event, lang)
            cells = (f"`{name}`", LEVEL_TO_NAME[event.level], meaning, _LEFT_TO_RIGHT[lang] % shown)
            rows.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
        if rows:
            title = area["title_he" if lang == "he" else "title"]
            head = f"| {' | '.join(_HEADINGS[lang])} |\n|---|---|---|---|"
            result.append("\n".join([f"**{title}**", "", head, *rows, ""]))
    return "\n".join(result)


def folding(areas: Areas, lang: str) -> str:
    """The events of a call at INFO by their worth; warnings and errors never make room."""
    worth, lines, names = _FOLDING[lang]
    rows = [f"| {worth} | {lines} |", "|---|---|"]
    declared = events()
    for fold, name in names.items():
        found = [declared[event] for event in areas["calls"] if event in declared]
        shown = ", ".join(f"`{event.name}`" for event in found if event.level == INFO and event.fold == fold)
        rows.append(f"| {name} | {shown}{', WARNING, ERROR' if fold == 0 else ''} |")
    return "\n".join([*rows, ""])


def filled(text: str, areas: Areas) -> str:
    """*text* with every marked block made new from the catalogue."""
    return _MARK.sub(lambda mark: f"{mark[1]}\n{tables(areas, mark[2], mark[3])}\n{mark[4]}", text)


def stamped(text: str, changelog: str) -> str:
    """*text* with date, version and status of the release that *changelog* begins with."""
    newest = _NEWEST.search(changelog)
    version, date = newest.groups() if newest else ("", None)

    def stamp(mark: re.Match[str]) -> str:
        released, unreleased = _STAMPS[mark[2]]
        return f"{mark[1]}\n{released.format(date, version) if date else unreleased}\n\n{mark[3]}"

    return _RELEASE.sub(stamp, text)


def main(arguments: list[str]) -> int:
    """Rewrites the files named after the areas' file, which lies a folder below CHANGELOG.md."""
    if len(arguments) < 2:
        print("usage: python -m docs_world.reference AREAS.toml FILE.md …", file=sys.stderr)
        return 2
    areas = tomllib.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    changelog = Path(arguments[0]).resolve().parents[1] / "CHANGELOG.md"
    released = changelog.read_text(encoding="utf-8") if changelog.exists() else ""
    for path in map(Path, arguments[1:]):
        before = path.read_text(encoding="utf-8")
        after = stamped(filled(before, areas), released)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"{path}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
