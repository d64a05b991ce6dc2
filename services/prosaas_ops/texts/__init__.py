"""What an operator reads, in Hebrew and in English: each text is one row, and a screen asks for it in its language."""

from typing import NamedTuple

LANGUAGES = ("en", "he")


class Text(NamedTuple):
    """One text in both languages; fields in braces are filled by the same names in both."""

    he: str
    en: str

    def say(self, language: str, **values: object) -> str:
        """The text in that language; English where it is none of ours."""
        words = self.he if language == "he" else self.en
        return words.format(**values) if values else words


def direction(language: str) -> str:
    """As HTML names it."""
    return "rtl" if language == "he" else "ltr"
