"""The same relay on picows, as the service uses it, no task or await per frame: the limit to measure against."""

import asyncio
import sys

import msgspec
import uvloop
from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_connect,
    ws_create_server,
)

from bench.calls.relay import FromCaller, FromModel

_CALLER = msgspec.json.Decoder(FromCaller)
_MODEL = msgspec.json.Decoder(FromModel)


class Model(WSListener):  # type: ignore[misc]
    """The model's socket: its audio goes to the caller."""

    def __init__(self, caller: WSTransport) -> None:
        self._caller = caller

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type != WSMsgType.TEXT:
            return
        event = _MODEL.decode(frame.get_payload_as_memoryview())
        if event.type == "response.output_audio.delta":
            head, tail = b'{"event":"media","streamSid":"MZ1","media":{"payload":"', b'"}}'
            self._caller.send(WSMsgType.TEXT, head + event.delta.encode() + tail)


class Caller(WSListener):  # type: ignore[misc]
    """The caller's socket: its audio goes to the model, once there is one."""

    def __init__(self, model_url: str) -> None:
        self._model_url = model_url
        self._model: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._connecting = asyncio.create_task(self._connect(transport))

    async def _connect(self, transport: WSTransport) -> None:
        headers = {"Authorization": "Bearer x"}
        self._model, _ = await ws_connect(lambda: Model(transport), self._model_url, extra_headers=headers)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type != WSMsgType.TEXT:
            transport.disconnect()
            return
        message = _CALLER.decode(frame.get_payload_as_memoryview())
        if message.media is not None and self._model is not None:
            head, tail = b'{"type":"input_audio_buffer.append","audio":"', b'"}'
            self._model.send(WSMsgType.TEXT, head + message.media.payload.encode() + tail)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self._model is not None:
            self._model.disconnect()


async def serve(port: int, model_url: str) -> None:
    """Relay until killed."""

    def listener(request: WSUpgradeRequest) -> Caller:
        return Caller(model_url)

    server = await ws_create_server(listener, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2]))
