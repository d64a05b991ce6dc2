"""`make jobs` and `make retry-job`: the queue as the worker's own tool tells it, from inside its container."""

import sys

from prosaas_ops.options import FINE, Options, Usage, is_whole
from prosaas_ops.stack.swarm import opened
from prosaas_ops.texts import language, refused

TAKES = {"jobs": ("ALL",), "retry-job": ("ID",)}
OPTIONS = ()


def run(options: Options) -> int:
    if options.command == "jobs":
        words = ["jobs", *(["--all"] if options.flag("ALL", default=False) else [])]
    else:
        ids = options.text("ID").split()
        if not ids or not all(map(is_whole, ids)):
            raise Usage(str(refused.HELD_IDS))
        words = ["retry", *ids]
    engine, admin = opened(), ("python", "-m", "prosaas_worker.admin")
    code, out, err = engine.run(engine.running("worker"), *admin, *words, OPS_LANG=language())
    sys.stdout.write(out)
    sys.stderr.write(err)
    return code or FINE
