"""An event of the model's."""

import msgspec

from prosaas_calls.model.events import decode

SEEDS = (
    b'{"type":"response.output_audio.delta","response_id":"r","item_id":"i","delta":"AAAA"}',
    b'{"type":"error","error":{"type":"invalid_request_error","code":"x","message":"y"}}',
    b'{"type":"response.done","response":{"id":"r","status":"failed","status_details":{"error":{"code":"quota"}}}}',
)


def check(data: bytes) -> None:
    """An event, or msgspec's word that it is none, as `decode` promises."""
    try:
        event = decode(data)
    except msgspec.DecodeError:
        return
    if event.error is not None:
        assert isinstance(event.error.fatal, bool)
        assert event.error.name
