"""Short answers that decide whose turn it is, such as "mm-hm", digits or "one moment", in Hebrew and in English."""

import re

_ASSENT = """כן אה אהה אהא אוקיי אוקי נכון בסדר מממ ממ אממ הממ הבנתי טוב יופי סבבה מעולה תודה רבה בטח ברור וואו
    yes yeah yep ok okay right sure mm mhm mmhm hmm um uh huh aha ah oh i see thanks thank you good great got it"""
_ASSENTS = frozenset(_ASSENT.split())
_MOST_WORDS = 4
_DIGIT = """אפס אחת אחד שתיים שניים שלוש ארבע חמש שש שבע שמונה תשע
    zero oh one two three four five six seven eight nine double"""
_DIGITS = frozenset(_DIGIT.split())
_FIGURES = re.compile(r"[\d\s.,\-–+*#]{1,24}")
_WORD = re.compile(r"\w+")
# So many digits are a telephone number.
WHOLE_NUMBER = 9
_SPELLING = re.compile(
    r"\b(?:ה?מספר|ה?טלפון|ספרות|לאיית|באיות|תאייתי?|השם שלך|שם מלא|כתובת"
    r"|phone|number|digits|spell|your name|address)\b",
    re.IGNORECASE,
)
_A_MOMENT = re.compile(r"\b(?:רגע|שנייה|שניה|דקה|moment|minute|second|hold on|wait)\b", re.IGNORECASE)


def assents(words: str) -> bool:
    """Whether somebody who says just this lets the other one go on: nothing, or that they are listening."""
    spoken = _WORD.findall(words.lower())
    return len(spoken) <= _MOST_WORDS and all(word in _ASSENTS for word in spoken)


def unfinished(words: str) -> bool:
    """Whether this is a group of digits, after which another one may come."""
    spoken = _WORD.findall(words.lower())
    return bool(_FIGURES.fullmatch(words)) or (bool(spoken) and all(word in _DIGITS for word in spoken))


def asks_to_spell(words: str) -> bool:
    """Whether the answer to this comes in pieces: people give numbers in groups, and think between letters."""
    return bool(_SPELLING.search(words))


def asks_for_a_moment(words: str) -> bool:
    """Whether somebody who says this will be silent now, and is still there."""
    return bool(_A_MOMENT.search(words))
