"""The shape of a payload without its contents, for the DEBUG log."""

import json
from collections.abc import Mapping

# Values under these keys are names that we or a provider chose, never a person's words.
_PLAIN_KEYS = frozenset({"model", "type", "role", "object", "messaging_product", "status", "Status"})
_MAX_DEPTH = 4
_MAX_ITEMS = 8


def preview(payload: object) -> str:
    """Return *payload* as JSON in which every string but a few known names is replaced by its length."""
    return json.dumps(_shape(payload, 0), ensure_ascii=False)


def _shape(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str | bytes):
        return f"<{len(value)}>"
    if depth == _MAX_DEPTH:
        return f"<{type(value).__name__}>"
    if isinstance(value, Mapping):
        return {
            str(key): item if key in _PLAIN_KEYS and isinstance(item, str) else _shape(item, depth + 1)
            for key, item in list(value.items())[:_MAX_ITEMS]
        }
    if isinstance(value, list | tuple):
        shapes = [_shape(item, depth + 1) for item in value[:_MAX_ITEMS]]
        return shapes if len(value) <= _MAX_ITEMS else [*shapes, f"<{len(value) - _MAX_ITEMS} more>"]
    return f"<{type(value).__name__}>"
