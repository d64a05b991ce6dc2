"""The stacks that were deployed, kept by the Swarm itself: any manager knows what runs and what can be gone back to."""

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

from prosaas_ops.conduct.world import World
from prosaas_ops.stack.swarm import SwarmEngine
from prosaas_ops.stack.swarm.tasks import CONTENTS

KEPT_RELEASES = 3
_LABEL = "prosaas.release"


def releases(engine: SwarmEngine) -> list[dict[str, Any]]:
    """The stacks that were deployed and became healthy, the one that runs first."""
    return [json.loads(base64.b64decode(row["Spec"]["Data"])) for row in _rows(engine)]


def keep(world: World, engine: SwarmEngine, stack: Mapping[str, Any]) -> None:
    """Note it as the one that runs, and take away what nobody can go back to: releases, and what they alone named."""
    text = json.dumps(stack, sort_keys=True)
    name = f"{world.project[:40]}_release_{hashlib.sha256(text.encode()).hexdigest()[:10]}"
    world.docker("config", "rm", name, check=False)
    labels = [f"--label={CONTENTS}={world.project}", f"--label={_LABEL}={time.time_ns()}"]
    world.docker("config", "create", *labels, name, "-", feed=text)
    for row in _rows(engine)[KEPT_RELEASES + 1 :]:
        world.docker("config", "rm", row["Spec"]["Name"], check=False)
    known = releases(engine)
    for kind in ("secret", "config"):
        used = {name for release in known for name in release[f"{kind}s"]}
        for row in engine.get(f"/{kind}s", filters=json.dumps({"label": [f"{CONTENTS}={engine.project}"]})):
            if row["Spec"]["Name"] not in used and _LABEL not in row["Spec"]["Labels"]:
                # What a task still holds, the Swarm does not let go.
                world.docker(kind, "rm", row["Spec"]["Name"], check=False)


def _rows(engine: SwarmEngine) -> list[dict[str, Any]]:
    filters = json.dumps({"label": [f"{CONTENTS}={engine.project}", _LABEL]})
    return sorted(engine.get("/configs", filters=filters), key=lambda row: -int(row["Spec"]["Labels"][_LABEL]))
