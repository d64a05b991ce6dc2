"""The frame of a page that an operator can open, mail and keep: one file, its style inside, nothing fetched."""

from importlib.resources import files

from prosaas_ops.screen.piece import isolated, quoted
from prosaas_ops.texts import language as operators_language

COLOURS = {
    "call": "#2f6feb",
    "speech": "#8250df",
    "model": "#0a7f76",
    "tool": "#b45309",
    "database": "#57606a",
    "job": "#1a7f37",
    "container": "#9a6700",
    "warning": "#bc7a00",
    "error": "#cf222e",
    "detail": "#8c959f",
    "around": "#8c959f",
    "other": "#57606a",
}


def page(title: str, body: str, *, language: str = "") -> str:
    """A whole HTML document, in the operator's language unless it is for somebody else's.

    The policy forbids every request, so that no field of a log can make one.
    """
    language = language or operators_language()
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    return (
        f'<!doctype html>\n<html lang="{language}" dir="{"rtl" if language == "he" else "ltr"}">\n<head>\n'
        '<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{quoted(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def tiles(values: list[tuple[str, str]]) -> str:
    """The few numbers that a reader looks for first."""
    cells = "".join(f"<div><b>{isolated(value)}</b><span>{quoted(name)}</span></div>" for name, value in values)
    return f'<section class="tiles">{cells}</section>'
