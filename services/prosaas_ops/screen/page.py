"""The frame of a page that an operator can open, mail and keep: one file, its style inside, nothing fetched."""

from collections.abc import Iterable
from importlib.resources import files

from prosaas_ops.screen.piece import isolated, quoted
from prosaas_ops.texts import direction
from prosaas_ops.texts import language as spoken

# Kinds of moments, each with its colour on a light page, under white words, and on a dark one, under black.
COLOURS = {
    "call": ("#1f5fd6", "#79a8ff"),
    "speech": ("#7745c9", "#b99bff"),
    "model": ("#0a6f67", "#3fc5b8"),
    "tool": ("#a34a06", "#f0a35e"),
    "database": ("#57606a", "#a8b1bb"),
    "job": ("#1a7f37", "#3fb950"),
    "container": ("#7d5200", "#d9a441"),
    "warning": ("#8f5500", "#e3a008"),
    "error": ("#cf222e", "#ff7b72"),
    "detail": ("#57606a", "#a8b1bb"),
    "around": ("#57606a", "#a8b1bb"),
    "other": ("#57606a", "#a8b1bb"),
}


def style() -> str:
    """The style of all pages. A kind is hidden by its box, without a script: the style looks at the boxes."""
    light = "".join(f".k-{kind}{{--k:{colours[0]}}}" for kind, colours in COLOURS.items())
    dark = "".join(f".k-{kind}{{--k:{colours[1]}}}" for kind, colours in COLOURS.items())
    hide = "".join(f"main:has(#k-{kind}:not(:checked)) tr.k-{kind}{{display:none}}\n" for kind in COLOURS)
    sheet = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    return f"{sheet}{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n{hide}"


def page(title: str, body: str, language: str = "") -> str:
    """A whole HTML document. The policy forbids every request, so that no field of a log can make one.

    Without a *language* it is in the operator's.
    """
    language = language or spoken()
    return (
        f'<!doctype html>\n<html lang="{language}" dir="{direction(language)}">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{quoted(title)}</title>\n<style>\n{style()}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def tiles(values: Iterable[tuple[str, str]]) -> str:
    """The few numbers that a reader looks for first."""
    cells = "".join(f"<div><b>{isolated(value)}</b><span>{quoted(name)}</span></div>" for name, value in values)
    return f'<div class="tiles">{cells}</div>'


def scroll(name: str, inner: str, *, begins: str = "") -> str:
    """What may be wider than the screen, in an area that is scrolled alone, by keyboard too.

    It `begins` at the page's own side, or at the "left", or at the "right" edge, as what is newest there does.
    """
    way = {"": "", "left": ' dir="ltr"', "right": ' dir="rtl"'}[begins]
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{quoted(name)}"{way}>{inner}</div>'


def tag(kind: str, words: str) -> str:
    """A kind as a coloured word."""
    return f'<span class="tag k-{kind}">{quoted(words)}</span>'


def table(head: Iterable[tuple[str, str]], rows: str, looks: str = "") -> str:
    """A table from its heading (class and words of each column) and its finished rows."""
    cells = "".join(f'<th scope="col"{f" class={css}" if css else ""}>{quoted(words)}</th>' for css, words in head)
    return f"<table{f' class={looks}' if looks else ''}><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>"
