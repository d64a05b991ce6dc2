"""What is written when the product logs a value: both forms of the line, by the renderers as they run in production."""

import json
import time
from typing import Any

from prosaas_logging import get_logger
from prosaas_logging.json_lines import JsonRenderer
from prosaas_logging.levels import WARNING
from prosaas_logging.record import Context
from prosaas_logging.render import TextRenderer
from prosaas_logging.settings import LogSettings
from prosaas_logging.values import freeze

_LOGGER = get_logger("fuzz")
_CONTEXT = Context({"call_sid": "CA1"})
_TEXT = TextRenderer(LogSettings("fuzz", json=False))
# One for all inputs: a renderer's second line of a kind takes another way than its first.
_JSON = JsonRenderer(LogSettings("fuzz", json=True), _TEXT)


def lines(what: Any, **fields: Any) -> list[bytes]:
    """The human line and the JSON line, each of which is one line."""
    record = (time.time(), WARNING, _LOGGER, what, freeze(fields), None)
    written = [_TEXT.line(record, _CONTEXT), _JSON.line(record, _CONTEXT)]
    for line in written:
        assert line.endswith(b"\n")
        assert len(line[:-1].decode("utf-8").splitlines()) == 1, line[:200]
    json.loads(written[1])
    return written
