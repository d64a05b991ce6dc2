"""What is said of a stack on several machines."""

from typing import Final

from prosaas_ops.texts import Text

NO_DIFFERENCE: Final = Text(
    "אין הבדל בהגדרות; האם הקוד השתנה, רק בנייה תגיד: make up-swarm",
    "the settings are the same; whether the code is, only a build says: make up-swarm",
)
