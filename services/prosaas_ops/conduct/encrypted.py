"""Backups that only the holder of a key can read: by age, whose key for writing is public."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prosaas_ops.conduct.files import problem
from prosaas_ops.texts import kept as words

ENDING = ".age"


def for_recipient(path: Path, recipient: str) -> None:
    """Replace the file by one that the recipient's key opens. It stays as it was where that fails."""
    aside = path.with_name(f"{path.name}.sealed")
    try:
        done = _age("--encrypt", "--recipient", recipient, "--output", str(aside), str(path))
        if done.returncode:
            raise problem(words.NOT_ENCRYPTED(why=_said(done)), str(words.RECIPIENT))
        aside.chmod(0o600)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def opened(path: Path, key: Path | None) -> Iterator[Path]:
    """The file as it is, or what the key makes of one that is encrypted, beside it and gone with the block."""
    if path.suffix != ENDING:
        yield path
        return
    if key is None or not key.is_file():
        told = words.NO_KEY(name=key.name) if key is not None else ""
        raise problem(words.SEALED(name=path.name, told=told), str(words.KEY_FILE))
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".opened-") as folder:
        plain = Path(folder) / path.stem
        done = _age("--decrypt", "--identity", str(key), "--output", str(plain), str(path))
        if done.returncode:
            raise problem(words.NOT_OPENED(name=path.name, why=_said(done)), str(words.ITS_KEY))
        yield plain


def _age(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["age", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def _said(done: "subprocess.CompletedProcess[str]") -> str:
    told = done.stderr.strip()
    return told.splitlines()[0][:200] if told else words.AGE_ENDED(code=done.returncode)
