"""Whose turn it is: which response is alive, which is discarded, and when to ask for another."""

import asyncio


class Turns:
    """The state between the caller and the model. `settled` is set while nobody is in the middle of anything."""

    __slots__ = (
        "_asked",
        "_discarded",
        "_given",
        "_wanted",
        "_works",
        "active",
        "caller_speaking",
        "closed",
        "items",
        "settled",
        "spoke",
    )

    def __init__(self) -> None:
        self.active: str | None = None
        self.caller_speaking = False
        self.spoke = False
        self._discarded: set[str] = set()
        # Of what the caller was given something last, and the items of this connection of which they were.
        self._given: str | None = None
        self.items: set[str] = set()
        self._works = 0
        self._wanted = False
        self._asked = False
        # Whether no response is for the caller's ears any more, and none is asked for.
        self.closed = False
        self.settled = asyncio.Event()
        self.settled.set()

    @property
    def may_ask(self) -> bool:
        """Whether to ask the model for a response now: one at a time, after what is under way, not over speech."""
        busy = self.active is not None or self._asked or self._works > 0 or self.caller_speaking or self.closed
        return self._wanted and not busy

    @property
    def answer_due(self) -> bool:
        """Whether an answer is wanted, asked for or begun of which no sound has come."""
        return self._wanted or self._asked or (self.active is not None and not self.spoke)

    @property
    def owing(self) -> bool:
        """Whether the model has not yet done what it is to do: begin a response, or come to the end of one."""
        return self._asked or self.active is not None

    def caller_starts(self) -> None:
        """The caller makes themselves heard: nothing is asked for meanwhile."""
        self.caller_speaking = True
        self._update()

    def drop(self) -> bool:
        """What still comes of the active response is not for the caller's ears; whether there is one."""
        if self.active is None or self.active in self._discarded:
            return False
        self._discarded.add(self.active)
        return True

    def caller_stops(self) -> None:
        """The caller has fallen silent; whether that deserves an answer is for others to say."""
        self.caller_speaking = False
        self._update()

    def want(self) -> None:
        """Something was added to the conversation that deserves an answer."""
        self._wanted = True
        self._update()

    def unwant(self) -> None:
        """What was due has been said without the model."""
        self._wanted = False
        self._update()

    def asked(self) -> None:
        """The model was asked for a response that it has not begun yet."""
        self._asked = True
        self._update()

    def created(self, response_id: str) -> None:
        """A response has begun; it has seen everything added before it, so none is wanted any more."""
        self.active = response_id
        self.spoke = False
        self._wanted = self._asked = False
        self._update()

    def refused(self) -> None:
        """The model had begun a response before it saw what we added: ask again when that one is done."""
        self._asked = False
        self._wanted = True
        self._update()

    def done(self, response_id: str) -> None:
        self._discarded.discard(response_id)
        if self.active == response_id:
            self.active = None
        self._update()

    def is_discarded(self, response_id: str) -> bool:
        """Whether what still comes of a response is not for the caller's ears."""
        return self.closed or response_id in self._discarded

    def gives(self, spoken: str, item_id: str) -> bool:
        """The caller is given something of what is said here, in such an item; whether it is the first of it."""
        if spoken == self._given:
            return False
        self._given = spoken
        if item_id:
            self.items.add(item_id)
        return True

    def is_withheld(self, response_id: str, spoken: str) -> bool:
        """Whether the caller was given nothing of what was said here, and will not be."""
        return self.is_discarded(response_id) and spoken != self._given

    def work_begins(self) -> None:
        """A tool runs, a pause lasts, or somebody is not sure yet: the model is not asked before that is over."""
        self._works += 1
        self._update()

    def work_ends(self) -> None:
        self._works -= 1
        self._update()

    def reset(self) -> None:
        """A new connection knows no responses and no items of the old one, and hears no speech begun before it."""
        self._discarded.clear()
        self.items.clear()
        self.active = None
        self._asked = self.caller_speaking = False
        self._update()

    def _update(self) -> None:
        if self.active is not None or self._works or self._wanted or self._asked or self.caller_speaking:
            self.settled.clear()
        else:
            self.settled.set()
