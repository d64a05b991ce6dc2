"""What is said of a stack on several machines."""

from typing import Final

from prosaas_ops.texts import Text

NOTHING_RUNS: Final = Text(
    "שום דבר של {project} לא רץ על הסווארם: make up-swarm", "nothing of {project} runs on this Swarm: make up-swarm"
)
REPLICA, NODE = Text("עותק", "replica"), Text("מכונה", "node")
VERSION, STATE = Text("גרסה", "version"), Text("מצב", "state")
NO_DIFFERENCE: Final = Text(
    "אין הבדל בהגדרות; האם הקוד השתנה, רק בנייה תגיד: make up-swarm",
    "the settings are the same; whether the code is, only a build says: make up-swarm",
)
