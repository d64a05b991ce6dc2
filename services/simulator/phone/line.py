"""The caller's end of one Media Stream: frames out on a clock, audio and marks in, played on the same clock."""

import asyncio
import socket
import time
from collections import ChainMap
from typing import Any, Final, Literal

import aiohttp

from simulator.audio.mulaw import FRAME_BYTES, FRAME_MS
from simulator.live import LiveCall, Redirection
from simulator.phone.behaviour import Behaviour, HangUp, Speak
from simulator.phone.ear import Ear, Heard
from simulator.phone.media_stream import BAD_MESSAGE, BINARY_FRAME, BUFFER_FULL, Stream, TwilioWarning
from simulator.phone.mouth import BadLine, Echo, Mouth
from simulator.phone.playback import LIMIT_MS, Playback

COUNTED: Final = ("frames_in", "frames_out", "marks_played", "marks_cleared", "clears")

EndedBy = Literal["caller", "service", "redirected"]

_FRAMES_WITHOUT_A_PAUSE = 8
# A machine that cannot keep up makes the call's clock wait; a burst of late frames would outrun the rest of the call.
_MOST_BEHIND_MS = 400


class PhoneLine:
    """One stream from `connected` to its end."""

    def __init__(self, live: LiveCall, stream: Stream) -> None:
        self._live = live
        self._stream = stream
        # A second stream of the same call goes on in the story where the first one stopped.
        self._mouth = Mouth(live.number, live.script.heard_turns)
        self._bad_line = BadLine(live.scenario.line)
        self._echo = Echo(live.scenario.line.echo)
        self._playback = Playback()
        self.ear = Ear(ChainMap(live.said, live.spoken))
        self.behaviour = Behaviour(live, self.ear, self._playback)
        self.warnings: list[dict[str, Any]] = []
        self.counts = dict.fromkeys(COUNTED, 0)
        self.redirection: Redirection | None = None
        self._chunk = 0
        self._heard_pieces = 0
        self._hung_up = False
        # A piece of the agent's speech that began while the caller spoke, and how much of such was heard meanwhile.
        self._over_caller: Heard | None = None
        self.over_caller_ms = 0

    async def run(self, ws: aiohttp.ClientWebSocketResponse, parameters: dict[str, str]) -> EndedBy:
        """Talk until one side ends the stream."""
        await ws.send_str(self._stream.connected())
        await ws.send_str(self._stream.start(parameters))
        listening = asyncio.create_task(self._listen(ws))
        try:
            return await self._talk(ws, listening)
        except ConnectionError:
            return "service"
        finally:
            listening.cancel()
            self.ear.end()

    async def _talk(self, ws: aiohttp.ClientWebSocketResponse, listening: "asyncio.Task[None]") -> EndedBy:
        frame_s = FRAME_MS / 1000 / self._live.speed
        most_behind_s = _MOST_BEHIND_MS / 1000 / self._live.speed
        due, frames, was_speaking = time.monotonic(), 0, False
        while not listening.done():
            now_ms = frames * FRAME_MS
            await self._send_frame(ws, now_ms)
            hearing = await self._play(ws)
            if was_speaking and not self._mouth.speaking:
                self.behaviour.spoke(now_ms)
            was_speaking = self._mouth.speaking
            if not was_speaking and (act := self.behaviour.step(now_ms, hearing=hearing)):
                if isinstance(act, HangUp):
                    await self._hang_up(ws)
                    return "caller"
                was_speaking = await self._speak(ws, act, now_ms)
            if not self._live.redirections.empty():
                self.redirection = self._live.redirections.get_nowait()
                await self._stop(ws)
                return "redirected"
            frames += 1
            due += frame_s
            ahead = due - time.monotonic()
            if ahead > 0:
                await asyncio.sleep(ahead)
                continue
            if frames % _FRAMES_WITHOUT_A_PAUSE == 0:
                await asyncio.sleep(0)
            if -ahead > most_behind_s:
                self._live.slip(-ahead)
                due -= ahead
        listening.result()
        return "service"

    async def _send_frame(self, ws: aiohttp.ClientWebSocketResponse, now_ms: int) -> None:
        for timestamp, payload in self._bad_line.carry((now_ms, self._echo.mixed_into(self._mouth.next_payload()))):
            self._chunk += 1
            self.counts["frames_in"] += 1
            await ws.send_str(self._stream.media(self._chunk, timestamp, payload))

    async def _play(self, ws: aiohttp.ClientWebSocketResponse) -> bool:
        played, marks = self._playback.play(FRAME_BYTES)
        self._echo.heard(played)
        if played:
            self.ear.listen(played)
            self._note_new_speech()
            if self._mouth.in_words and self.ear.current is not None and self.ear.current is self._over_caller:
                self.over_caller_ms += FRAME_MS
        else:
            self.ear.pause()
        for name in marks:
            self.counts["marks_played"] += 1
            await ws.send_str(self._stream.mark(name))
        return bool(played)

    def _note_new_speech(self) -> None:
        if len(self.ear.heard) > self._heard_pieces:
            self._heard_pieces = len(self.ear.heard)
            if self._live.script.mid_sentence:
                self._live.problem(f"the caller was answered in the middle of turn {self._live.script.heard_turns}")
            if self._mouth.in_words:
                self._over_caller = self.ear.heard[-1]
            self._live.note("hearing", text=self.ear.heard[-1].said.text)

    async def _speak(self, ws: aiohttp.ClientWebSocketResponse, act: Speak, now_ms: int) -> bool:
        turn = act.turn
        if turn.caller:
            text = self._live.script.fill(turn.caller)
            self._live.note("barging_in" if act.barge_in else "speaking", text=text, ms=self._mouth.say(text))
            return True
        if turn.noise_ms:
            self._live.note("noise", ms=self._mouth.sound(turn.noise_ms))
            return True
        self._mouth.pass_turn()
        for digit in turn.dtmf:
            await ws.send_str(self._stream.dtmf(digit))
        self._live.note("dtmf" if turn.dtmf else "silent", digits=len(turn.dtmf))
        self.behaviour.spoke(now_ms)
        return False

    async def _hang_up(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        how, self._hung_up = self._live.scenario.ending.how, True
        self._live.note("hang_up", how=how)
        if how == "stop":
            await self._stop(ws)
        elif how == "close":
            await ws.close()
        else:
            _vanish(ws)

    async def _stop(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._hung_up = True
        await ws.send_str(self._stream.stop())
        await ws.close()

    async def _listen(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for message in ws:
            try:
                await self._take_in(ws, message)
            except TwilioWarning as warning:
                self.warnings.append({"code": warning.code, "message": warning.message})
                self._live.problem(f"Twilio warning {warning.code}: {warning.message}")
        if not self._hung_up:
            self._live.note("closed_by_service", code=ws.close_code)

    async def _take_in(self, ws: aiohttp.ClientWebSocketResponse, message: aiohttp.WSMessage) -> None:
        if message.type is aiohttp.WSMsgType.BINARY:
            raise TwilioWarning(BINARY_FRAME, "binary frame")
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise TwilioWarning(BAD_MESSAGE, f"unreadable message: {message.data}")
        received = self._stream.understand(message.data)
        if received.event == "media":
            self.counts["frames_out"] += 1
            self._playback.add_audio(received.audio)
            if self._playback.buffered_ms > LIMIT_MS:
                self._playback.clear()
                raise TwilioWarning(BUFFER_FULL, "more than 10 minutes of audio buffered")
        elif received.event == "mark":
            if not self._playback.add_mark(received.mark):
                self.counts["marks_played"] += 1
                await ws.send_str(self._stream.mark(received.mark))
        else:
            dropped_ms = self._playback.buffered_ms
            self.counts["clears"] += 1
            self._live.note("cleared", dropped_ms=dropped_ms)
            self.ear.clear()
            for name in self._playback.clear():
                self.counts["marks_cleared"] += 1
                await ws.send_str(self._stream.mark(name))


def _vanish(ws: aiohttp.ClientWebSocketResponse) -> None:
    """End the connection under the WebSocket, whatever kind of event loop owns it."""
    fileno = ws.get_extra_info("socket").fileno()
    with socket.fromfd(fileno, socket.AF_INET, socket.SOCK_STREAM) as same:
        same.shutdown(socket.SHUT_RDWR)
