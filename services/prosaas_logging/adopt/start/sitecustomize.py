"""Runs when a Python process starts below ``python -m prosaas_logging run``, before anything of the service."""

import os
import sys


def _give_way(here: str) -> None:
    """Let the ``sitecustomize`` that would have run without us run."""
    sys.path[:] = [place for place in sys.path if os.path.abspath(place or ".") != here]
    own = sys.modules.pop("sitecustomize")
    try:
        import sitecustomize  # noqa: F401
    except ImportError as missing:
        if missing.name != "sitecustomize":
            raise
    finally:
        sys.modules.setdefault("sitecustomize", own)


def _begin(root: str) -> None:
    """Start logging where the package is; an interpreter that cannot have it is left as it is."""
    if sys.version_info < (3, 11):  # noqa: UP036
        return
    path = [*sys.path]
    sys.path.append(root)
    try:
        from prosaas_logging.adopt.launch import begin

        begin(os.environ)
    except ImportError:
        pass
    except Exception as broken:
        print("prosaas_logging has not started:", type(broken).__name__, broken, file=sys.stderr)
    finally:
        sys.path[:] = path


try:
    _give_way(os.path.dirname(os.path.abspath(__file__)))
finally:
    _begin(os.environ.get("PROSAAS_RUN_ROOT", ""))
