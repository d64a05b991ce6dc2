"""What somebody meant who mistyped it."""

import difflib
from collections.abc import Iterable

from prosaas_ops.texts import refused, settings


def meant(word: str, known: Iterable[str], *, near_by: float = 0.6) -> str:
    """ " Did you mean …?", where one of those that are known comes near; else nothing."""
    spelled = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word.casefold(), spelled, n=1, cutoff=near_by)
    return f". {refused.DID_YOU_MEAN(word=spelled[near[0]])}" if near else ""


def meant_option(name: str, allowed: Iterable[str]) -> str:
    """Which of the command's options it comes near; else, of what belongs in .env or comes near that, where it goes."""
    known = settings()
    if name in known:
        return refused.IN_ENV()
    if near := meant(f"{name}=", [f"{each}=" for each in allowed]):
        return near
    # There are a hundred of them, and the word may be of anything else.
    near = meant(name, known, near_by=0.85)
    return f"{near}{refused.IN_ENV().removeprefix('.')}" if near else ""
