"""What was typed after `make console`, looked at before any container is started for it."""

from prosaas_ops.console.routes import PORT
from prosaas_ops.console.server import OPTIONS as OPTIONS
from prosaas_ops.options import FINE, Options, Usage
from prosaas_ops.texts import refused

_MOST = 65_535


def run(options: Options) -> int:
    """Usage where a word is not understood, or the port is none."""
    if (port := options.number("CONSOLE_PORT", PORT)) > _MOST:
        raise Usage(refused.NO_PORT(name="CONSOLE_PORT", value=port, most=_MOST))
    return FINE
