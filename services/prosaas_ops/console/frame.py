"""What each page of the console has around it, and the small parts that all of them are made of."""

from prosaas_ops.console.session import Session
from prosaas_ops.screen.piece import isolated, quoted
from prosaas_ops.texts import Text, direction
from prosaas_ops.texts import console as texts

_PLACES = (("/", texts.CALLS), ("/live", texts.LIVE), ("/today", texts.TODAY))


class Frame:
    """One viewer's pages: their language, and the token that their forms repeat."""

    def __init__(self, language: str, session: Session | None = None) -> None:
        self.language = language
        self._session = session

    def say(self, text: Text, **values: object) -> str:
        """The text, its values isolated from it; safe in a page."""
        return text.say(self.language, **{name: isolated(value) for name, value in values.items()})

    def page(self, title: str, body: str, here: str = "") -> str:
        """A whole document of the console, with its way around for those who are in."""
        around = self._around(here) if self._session is not None else ""
        return (
            f'<!doctype html>\n<html lang="{self.language}" dir="{direction(self.language)}">\n<head>\n'
            '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="htmx-config" content=\'{"includeIndicatorCSS": false}\'>\n'
            f"<title>{quoted(title)} · ProSaaS</title>\n"
            '<link rel="stylesheet" href="/static/page.css">\n<link rel="stylesheet" href="/static/console.css">\n'
            '<script src="/static/htmx.min.js" defer></script>\n<script src="/static/console.js" defer></script>\n'
            f'</head>\n<body>\n{around}<main id="main">\n{body}\n</main>\n</body>\n</html>\n'
        )

    def _around(self, here: str) -> str:
        links = "".join(
            f'<a href="{path}"{" aria-current=page" if path == here else ""}>{text.say(self.language)}</a>'
            for path, text in _PLACES
        )
        other = "en" if self.language == "he" else "he"
        name = texts.OTHER_LANGUAGE.say(self.language)
        return (
            f'<header><nav><a class="skip" href="#main">{texts.SKIP.say(self.language)}</a>{links}'
            f'<a class="end" href="/?language={other}" lang="{other}" hreflang="{other}">{name}</a></nav></header>\n'
        )

    def form(self, action: str, words: Text, inner: str = "", look: str = "") -> str:
        """A button that acts, as a form of its own; with `look`, its answer takes the place of that element."""
        token = self._session.token if self._session is not None else ""
        swap = f' data-hx-post="{action}" data-hx-target="{look}" data-hx-swap="innerHTML"' if look else ""
        return (
            f'<form method="post" action="{action}"{swap}><input type="hidden" name="token" value="{token}">'
            f"{inner}<button>{words.say(self.language)}</button></form>"
        )

    def note(self, text: Text, **values: object) -> str:
        return f"<p>{self.say(text, **values)}</p>"
