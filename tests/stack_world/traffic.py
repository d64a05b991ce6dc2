"""Callers and webhooks without a pause, and what each experienced: what a change of the stack must not disturb."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from stack_world.stack import eventually

_BETWEEN_WEBHOOKS_S = 0.25
# Rounds of three turns each, half a minute in all: long enough to span a change (the longest takes 18 s where nothing
# else runs), and over within the minute that a test stack drains.
_LONG = 2
# A caller who is put off hears the sentence and comes again; one whose stream breaks hears another.
_CUT = ("application_error", "fallback")


class Reached(Protocol):
    """A stack by its simulator's address and by its front door's."""

    @property
    def simulator(self) -> str: ...

    @property
    def door(self) -> str: ...

    @property
    def troubles(self) -> str: ...


class Traffic:
    """So many long calls at once, a new short one every so many seconds, and unsigned webhooks, until the end.

    Placed through the simulator's own port: a process for each would take the processors that are to be watched.
    `opens_ms` is what Twilio takes to open a short one's stream: its seat may be asked to go meanwhile. `apart_s` lies
    after each long one: what the seats said is as old then as each prosaas-api lets it become,
    and they are spread evenly.
    """

    def __init__(
        self,
        stack: Reached,
        *,
        live: int = 10,
        every_s: float = 1.0,
        rounds: int = _LONG,
        opens_ms: int = 0,
        apart_s: float = 0,
    ) -> None:
        self._stack, self._live, self._every_s, self._rounds = stack, live, every_s, rounds
        self._apart_s = apart_s
        self._line = {"opens_after_ms": opens_ms}
        self._simulator = stack.simulator
        self._over = threading.Event()
        self._started = 0
        self.calls: list[dict[str, Any]] = []
        self.first_sound_ms: list[float] = []
        self.webhooks: list[object] = []

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """The long calls are all live when the block begins."""
        long = [
            threading.Thread(target=self._call, args=("long",), kwargs={"repeat": self._rounds})
            for _ in range(self._live)
        ]
        others = [threading.Thread(target=act) for act in (self._callers, self._webhooks)]
        for thread in long:
            thread.start()
            time.sleep(self._apart_s)
        eventually(lambda: "live" if self._started >= self._live else None, f"{self._live} live calls", 60)
        for thread in others:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in (*others, *long):
                thread.join(200)

    def _callers(self) -> None:
        placed = []
        while not self._over.wait(self._every_s):
            placed.append(threading.Thread(target=self._call, args=("short",), kwargs={"line": self._line}))
            placed[-1].start()
        for thread in placed:
            thread.join(120)

    def _call(self, scenario: str, **overrides: object) -> None:
        order = {"scenario": scenario, "overrides": overrides}
        body = json.dumps(order).encode()
        request = urllib.request.Request(f"{self._simulator}/_/calls", data=body, method="POST")
        result: dict[str, Any] = {"ok": False, "problems": ["the simulator did not answer"]}
        heard = False
        try:
            with urllib.request.urlopen(request, timeout=200) as answer:
                for line in answer:
                    note = json.loads(line)
                    if note["what"] == "connected" and scenario == "long":
                        self._started += 1
                    elif note["what"] == "hearing" and scenario == "short" and not heard:
                        heard = True
                        self.first_sound_ms.append(note["t_ms"])
                    if note["what"] == "result":
                        result = note
        except OSError as error:
            result["problems"] = [str(error)]
        self.calls.append(result)

    def _webhooks(self) -> None:
        while not self._over.wait(_BETWEEN_WEBHOOKS_S):
            request = urllib.request.Request(
                f"http://{self._stack.door}/twilio/voice", method="POST", data=b"CallSid=x"
            )
            try:
                urllib.request.urlopen(request, timeout=20).close()
            except urllib.error.HTTPError as error:
                self.webhooks.append(error.code)
            except OSError as error:
                self.webhooks.append(str(error))

    @property
    def cut(self) -> list[dict[str, Any]]:
        """Calls that did not go as their scenario has it."""
        return [call for call in self.calls if not call["ok"] or call.get("ended_by") in _CUT]

    @property
    def put_off(self) -> list[dict[str, Any]]:
        """Callers who were asked to wait, or to call again."""
        return [call for call in self.calls if call.get("verbs") not in (["Connect"], None)]

    @property
    def failed_webhooks(self) -> list[object]:
        """Each unsigned webhook should meet an api, which refuses it."""
        return [answer for answer in self.webhooks if answer != 403]

    def check(self) -> None:
        """Nobody was cut or put off; each webhook met an api."""
        assert len(self.calls) > self._live
        worse = [*(call.get("problems") for call in self.cut), *self.put_off, *self.failed_webhooks]
        # What the stack itself says is gone with the stack.
        assert worse == [], f"{worse}\n{self._stack.troubles}"
