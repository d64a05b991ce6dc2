"""`make console` while the console runs: another link into it, for one more browser."""

import os

from prosaas_ops import audited
from prosaas_ops.console.routes import PORT
from prosaas_ops.console.server import OPTIONS as OPTIONS
from prosaas_ops.console.server import ways_in
from prosaas_ops.console.session import leave_link
from prosaas_ops.options import FINE, Options
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.texts import console as texts


def run(options: Options) -> int:
    """Runs beside the console, in its container."""
    audited.note("console", "made a link")
    Screen().say(*ways_in(int(os.environ.get("CONSOLE_PORT") or PORT), leave_link()), str(texts.ENDS_THERE))
    return FINE
