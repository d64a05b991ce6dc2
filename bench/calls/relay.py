"""A relay on aiohttp that parses, wraps and forwards, and does nothing else: what a plain service would be built on."""

import asyncio
import sys

import aiohttp
import msgspec
import uvloop
from aiohttp import WSMsgType, web


class Media(msgspec.Struct):
    """As little as a relay needs to read."""

    payload: str


class FromCaller(msgspec.Struct):
    """A message of Twilio's."""

    event: str
    media: Media | None = None


class FromModel(msgspec.Struct):
    """An event of the model's."""

    type: str
    delta: str = ""


async def serve(port: int, model_url: str) -> None:
    """Relay until killed."""
    caller_decoder, model_decoder = msgspec.json.Decoder(FromCaller), msgspec.json.Decoder(FromModel)

    async def handler(request: web.Request) -> web.WebSocketResponse:
        caller = web.WebSocketResponse(compress=False, decode_text=False)
        await caller.prepare(request)
        async with http.ws_connect(
            model_url, headers={"Authorization": "Bearer x"}, compress=0, decode_text=False
        ) as model:

            async def answer() -> None:
                head, tail = b'{"event":"media","streamSid":"MZ1","media":{"payload":"', b'"}}'
                while (received := await model.receive()).type is WSMsgType.TEXT:
                    event = model_decoder.decode(received.data)
                    if event.type == "response.output_audio.delta":
                        await caller.send_frame(head + event.delta.encode() + tail, WSMsgType.TEXT)

            answering = asyncio.create_task(answer())
            head, tail = b'{"type":"input_audio_buffer.append","audio":"', b'"}'
            while (received := await caller.receive()).type is WSMsgType.TEXT:
                message = caller_decoder.decode(received.data)
                if message.media is not None:
                    await model.send_frame(head + message.media.payload.encode() + tail, WSMsgType.TEXT)
            answering.cancel()
        return caller

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        app = web.Application()
        app.router.add_get("/media-stream", handler)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2]))
