"""Where the tools leave what they write."""

from pathlib import Path

# How the names end of what is being written: whoever is killed over it leaves one, perhaps with a password in it.
ASIDE = ".aside"


def output_folder() -> Path:
    """Where files for the operator go: logs/ in the project's folder, mounted here."""
    folder = Path("logs")
    folder.mkdir(exist_ok=True)
    return folder
