"""A tiny bridge between the two protocols, as plain as can be: what the simulator is tested against."""

import asyncio
from collections import defaultdict
from typing import Any

import aiohttp
import orjson
from aiohttp import web

SESSION = {
    "type": "realtime",
    "model": "gpt-realtime-2.1",
    "output_modalities": ["audio"],
    "instructions": "Answer the phone.",
    "audio": {
        "input": {
            "format": {"type": "audio/pcmu"},
            "transcription": {"model": "gpt-transcribe"},
            "turn_detection": {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 500},
        },
        "output": {"format": {"type": "audio/pcmu"}, "voice": "marin"},
    },
    "tools": [
        {
            "type": "function",
            "name": name,
            "parameters": {"type": "object", "properties": {"date": {}, "time": {}}, "required": ["date"]},
        }
        for name in ("check_availability", "book_appointment")
    ],
    "tool_choice": "auto",
}

TWIML = (
    '<Response><Connect><Stream url="wss://phone.example/media-stream"><Parameter name="token" value="t"/></Stream>'
    "</Connect><Say>סליחה, יש תקלה</Say></Response>"
)


class Bridge:
    """The api and the calls service in one, without a line that the protocols do not demand."""

    def __init__(self, realtime_url: str) -> None:
        self.realtime_url = realtime_url
        self.twiml = [TWIML]
        self.webhooks: list[tuple[str, dict[str, str], str]] = []
        self.starts: list[dict[str, Any]] = []
        self.from_twilio: list[dict[str, Any]] = []
        # When each frame of each stream was spoken, in the order in which they came.
        self.frames_at: defaultdict[str, list[int]] = defaultdict(list)
        self.from_model: list[dict[str, Any]] = []
        self.to_twilio_first: list[str] = []
        self.tool_output = '{"free": ["15:30", "16:00"]}'
        self.clears = True
        self.truncate_extra_ms = 0

    def app(self) -> web.Application:
        """Return the application that both of Twilio's requests reach."""
        app = web.Application()
        app.add_routes(
            [
                web.post("/twilio/{what}", self._webhook),
                web.get("/media-stream", self._media_stream),
            ]
        )
        return app

    async def _webhook(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.webhooks.append((request.path_qs, form, request.headers.get("X-Twilio-Signature", "")))
        if request.path == "/twilio/status":
            return web.Response(status=204)
        twiml = self.twiml.pop(0) if len(self.twiml) > 1 else self.twiml[0]
        return web.Response(text=twiml, content_type="application/xml")

    async def _media_stream(self, request: web.Request) -> web.WebSocketResponse:
        phone = web.WebSocketResponse()
        await phone.prepare(request)
        async with aiohttp.ClientSession() as http:
            try:
                headers = {"Authorization": "Bearer key"}
                async with http.ws_connect(self.realtime_url, headers=headers) as model:
                    await _Conversation(self, phone, model).run()
            except aiohttp.ClientError:
                pass
        await phone.close()
        return phone


class _Conversation:
    """One call: audio over, marks behind it, and a truncation at what the marks say was heard."""

    def __init__(self, bridge: Bridge, phone: web.WebSocketResponse, model: aiohttp.ClientWebSocketResponse) -> None:
        self._bridge = bridge
        self._phone = phone
        self._model = model
        self._stream_sid = ""
        self._item = ""
        self._sent_ms = 0
        self._heard_ms = 0
        self._pending: dict[str, tuple[str, int]] = {}
        self._serial = 0

    async def run(self) -> None:
        """Bridge until either leg ends."""
        await self._model.send_json({"type": "session.update", "session": SESSION})
        legs = {asyncio.create_task(self._from_phone()), asyncio.create_task(self._from_model())}
        _, running = await asyncio.wait(legs, return_when=asyncio.FIRST_COMPLETED)
        for leg in running:
            leg.cancel()

    async def _from_phone(self) -> None:
        async for message in self._phone:
            data = orjson.loads(message.data)
            if data["event"] != "media":
                self._bridge.from_twilio.append(data)
            if data["event"] == "start":
                self._stream_sid = data["streamSid"]
                self._bridge.starts.append(data)
                for text in self._bridge.to_twilio_first:
                    await self._phone.send_str(text.replace("STREAM", self._stream_sid))
                await self._model.send_json({"type": "response.create"})
            elif data["event"] == "media":
                self._bridge.frames_at[data["streamSid"]].append(int(data["media"]["timestamp"]))
                append = {"type": "input_audio_buffer.append", "audio": data["media"]["payload"]}
                await self._model.send_str(orjson.dumps(append).decode())
            elif data["event"] == "mark":
                item, heard_ms = self._pending.pop(data["mark"]["name"], ("", 0))
                if item == self._item:
                    self._heard_ms = heard_ms
            elif data["event"] == "dtmf":
                content = [{"type": "input_text", "text": f"pressed {data['dtmf']['digit']}"}]
                item_data = {"type": "message", "role": "user", "content": content}
                await self._model.send_json({"type": "conversation.item.create", "item": item_data})
                await self._model.send_json({"type": "response.create"})
            elif data["event"] == "stop":
                return

    async def _from_model(self) -> None:
        async for message in self._model:
            event = orjson.loads(message.data)
            self._bridge.from_model.append(event)
            if event["type"] == "response.output_audio.delta":
                await self._play(event)
            elif event["type"] == "input_audio_buffer.speech_started" and self._pending and self._bridge.clears:
                await self._cut()
            elif event["type"] == "response.function_call_arguments.done":
                output = {
                    "type": "function_call_output",
                    "call_id": event["call_id"],
                    "output": self._bridge.tool_output,
                }
                await self._model.send_json({"type": "conversation.item.create", "item": output})
            elif event["type"] == "response.done" and _calls_function(event):
                await self._model.send_json({"type": "response.create"})

    async def _play(self, event: dict[str, Any]) -> None:
        if event["item_id"] != self._item:
            self._item, self._sent_ms, self._heard_ms = event["item_id"], 0, 0
        self._sent_ms += len(event["delta"]) * 3 // 4 // 8
        self._serial += 1
        name = f"m{self._serial}"
        self._pending[name] = (self._item, self._sent_ms)
        media = {"event": "media", "streamSid": self._stream_sid, "media": {"payload": event["delta"]}}
        await self._phone.send_json(media)
        await self._phone.send_json({"event": "mark", "streamSid": self._stream_sid, "mark": {"name": name}})

    async def _cut(self) -> None:
        self._pending.clear()
        await self._phone.send_json({"event": "clear", "streamSid": self._stream_sid})
        end = self._heard_ms + self._bridge.truncate_extra_ms
        if end:
            truncate = {"type": "conversation.item.truncate", "item_id": self._item, "content_index": 0}
            await self._model.send_json({**truncate, "audio_end_ms": end})


def _calls_function(event: dict[str, Any]) -> bool:
    return any(item["type"] == "function_call" for item in event["response"]["output"])
