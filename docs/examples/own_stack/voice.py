"""The telephone: a WebSocket that speaks Twilio's Media Streams, and prints whatever it does."""

import logging
import threading

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

log = logging.getLogger("shop.voice")


def listen(frame: int) -> None:
    print(f"frame {frame} heard")
    log.debug("rms of frame %s", frame)


async def media(socket: WebSocket) -> None:
    await socket.accept()
    log.info("somebody calls")
    frame = 0
    try:
        while True:
            message = await socket.receive_json()
            if message["event"] == "media":
                frame += 1
                threading.Thread(target=listen, args=(frame,)).start()
            elif message["event"] == "stop":
                break
            elif message["event"] == "dtmf":
                raise RuntimeError("nobody ever pressed a key before")
        log.info("the call is over after %s frames", frame)
    except WebSocketDisconnect:
        log.warning("the line broke")


app = Starlette(routes=[WebSocketRoute("/media", media)])
