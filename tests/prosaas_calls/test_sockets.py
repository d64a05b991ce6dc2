"""One side of a connection: what arrives, in whose name it is read, and how it ends."""

import asyncio
import contextvars
from collections.abc import Callable
from typing import NamedTuple

import pytest
from picows import WSCloseCode, WSMsgType

from calls_world.sockets import FakeSocket
from calls_world.waiting import until
from clocks import Clock
from prosaas_calls import sockets
from prosaas_logging import capture_events


async def settle() -> None:
    """Let tasks that can go on do so."""
    for _ in range(3):
        await asyncio.sleep(0)


def keep(messages: list[bytes]) -> Callable[[bytes], None]:
    """A reader that reads for ever."""
    return messages.append


async def test_what_arrives_before_anybody_reads_waits() -> None:
    """In its order, and ahead of what arrives later."""
    socket, messages = FakeSocket(), list[bytes]()
    socket.say("one")
    socket.say("two")

    reading = asyncio.create_task(socket.read(keep(messages)))
    await settle()
    socket.say("three")

    assert messages == [b"one", b"two", b"three"]
    reading.cancel()


async def test_a_stranger_cannot_fill_the_memory_before_anybody_reads() -> None:
    """A hundred messages wait; the oldest go first."""
    socket, messages = FakeSocket(), list[bytes]()
    for number in range(150):
        socket.say(str(number))

    reading = asyncio.create_task(socket.read(keep(messages)))
    await settle()

    assert messages == [str(number).encode() for number in range(50, 150)]
    reading.cancel()


async def test_an_answer_ends_the_reading_and_what_came_with_it_stays_for_the_next_reader() -> None:
    """The stream's start may come in one packet with its first frames."""
    socket, messages = FakeSocket(), list[bytes]()
    starting = asyncio.create_task(socket.read(lambda message: message.decode() if message == b"start" else None))
    await settle()
    for text in ("connected", "start", "media"):
        socket.say(text)

    assert await starting == "start"
    reading = asyncio.create_task(socket.read(keep(messages)))
    await settle()
    assert messages == [b"media"]
    reading.cancel()


async def test_messages_are_read_in_the_context_of_their_reader() -> None:
    """So that their lines carry the call, although the event loop calls us from outside of it."""
    call = contextvars.ContextVar("call", default="none")
    socket, seen = FakeSocket(), list[str]()

    async def read() -> None:
        call.set("CA1")
        await socket.read(lambda _: seen.append(call.get()))

    reading = asyncio.create_task(read())
    await settle()
    socket.say("{}")

    assert seen == ["CA1"]
    assert call.get() == "none"
    reading.cancel()


async def test_what_a_reader_raises_is_raised_where_it_reads() -> None:
    """And ends the reading."""
    socket, messages = FakeSocket(), list[bytes]()

    def fail(message: bytes) -> None:
        messages.append(message)
        raise ZeroDivisionError

    reading = asyncio.create_task(socket.read(fail))
    await settle()
    socket.say("one")
    socket.say("two")

    with pytest.raises(ZeroDivisionError):
        await reading
    assert messages == [b"one"]


async def test_a_reader_that_is_cancelled_leaves_the_socket_to_the_next() -> None:
    """Nothing is given to who no longer reads."""
    socket, first, second = FakeSocket(), list[bytes](), list[bytes]()
    reading = asyncio.create_task(socket.read(keep(first)))
    await settle()
    reading.cancel()
    await settle()
    socket.say("late")

    reading = asyncio.create_task(socket.read(keep(second)))
    await settle()
    assert (first, second) == ([], [b"late"])
    reading.cancel()
    await settle()
    socket.vanish()
    assert socket.close_code == 1006


async def test_a_message_in_pieces_arrives_whole() -> None:
    """Whatever comes between the pieces."""
    socket, messages = FakeSocket(), list[bytes]()
    reading = asyncio.create_task(socket.read(keep(messages)))
    await settle()
    socket.arrive(WSMsgType.TEXT, b"one ", fin=False)
    socket.arrive(WSMsgType.PONG, b"pong")
    socket.arrive(WSMsgType.CONTINUATION, b"mess", fin=False)
    socket.arrive(WSMsgType.CONTINUATION, b"age")
    socket.arrive(WSMsgType.TEXT, b"another")

    assert messages == [b"one message", b"another"]
    reading.cancel()


async def test_a_message_in_pieces_may_be_as_long_as_one_that_is_whole() -> None:
    socket, messages = FakeSocket(max_message=10), list[bytes]()
    socket.arrive(WSMsgType.TEXT, b"12345", fin=False)
    socket.arrive(WSMsgType.CONTINUATION, b"67890")
    reading = asyncio.create_task(socket.read(keep(messages)))
    await settle()
    assert messages == [b"1234567890"]
    reading.cancel()


async def test_a_message_whose_pieces_grow_too_long_ends_the_connection() -> None:
    """picows bounds a frame; the sum of frames is bounded here."""
    socket = FakeSocket(max_message=10)
    socket.arrive(WSMsgType.TEXT, b"12345678", fin=False)
    socket.arrive(WSMsgType.CONTINUATION, b"9", fin=False)
    assert not socket.transport.disconnected
    socket.arrive(WSMsgType.CONTINUATION, b"1011")

    assert socket.transport.closes == [1009]
    assert socket.transport.disconnected


@pytest.mark.parametrize(("payload", "code"), [(b"\x03\xe9bye", 1001), (b"", 1005)])
async def test_a_close_is_answered_and_its_code_kept(payload: bytes, code: int) -> None:
    """An empty close frame stands for 1005; that the connection then goes changes nothing, and nothing more is read."""
    socket = FakeSocket()
    reading = asyncio.create_task(socket.read(lambda _: None))
    await settle()
    socket.arrive(WSMsgType.CLOSE, payload)

    assert await reading is None
    assert (socket.close_code, socket.close_reason) == (code, payload[2:].decode())
    assert socket.transport.closes == [1000]
    assert socket.transport.disconnected
    socket.say("late")
    socket.vanish()
    assert (socket.close_code, socket.close_reason, socket.violation) == (code, payload[2:].decode(), "")
    assert await socket.read(lambda message: message) is None


async def test_what_waited_as_we_closed_is_nobodys() -> None:
    """The peer's answer to our close is still heard; a peer without one is cut off."""
    socket, messages = FakeSocket(), list[bytes]()
    socket.say("waiting")
    await socket.close(0.0)
    assert (socket.transport.disconnected, socket.transport.lingers) == (True, False)
    socket.say("late")
    socket.arrive(WSMsgType.CLOSE, b"\x03\xe8")
    assert socket.close_code == 1000
    assert await socket.read(keep(messages)) is None
    assert messages == []
    with pytest.raises(ConnectionError):
        socket.send(b"{}")


class OurClose(NamedTuple):
    """A close frame of ours."""

    code: WSCloseCode
    reason: str | None


class Handshake(NamedTuple):
    """How a connection was closed, as picows tells it."""

    sent: OurClose


@pytest.mark.parametrize(("reason", "told"), [("un-masked", "un-masked"), (None, "closed by us with 1002")])
async def test_a_rule_that_the_peer_broke_is_told_in_the_words_of_who_noticed(reason: str | None, told: str) -> None:
    """picows closes by itself; where it was we who closed nobody broke anything."""
    for ours in (False, True):
        socket = FakeSocket()
        if ours:
            await socket.close(0.0)
        socket.transport.close_handshake = Handshake(OurClose(WSCloseCode.PROTOCOL_ERROR, reason))
        socket.vanish()
        assert socket.violation == ("" if ours else told)


async def test_nothing_is_read_once_we_close() -> None:
    """The reader ends at once, whatever the peer still has to say, and need not wait for the goodbyes."""
    socket, messages = FakeSocket(), list[bytes]()
    reading = asyncio.create_task(socket.read(keep(messages)))
    await settle()
    closing = asyncio.create_task(socket.close(60.0))
    await settle()
    socket.say("late")

    assert await asyncio.wait_for(reading, 1) is None
    assert messages == []
    await asyncio.wait_for(socket.close(60.0), 1)
    assert not closing.done()
    socket.vanish()
    await asyncio.wait_for(closing, 1)
    assert socket.transport.closes == [1000]


async def test_a_connection_that_is_over_is_over_for_every_reader() -> None:
    """What had arrived is read; then comes the end, at once."""
    socket, messages = FakeSocket(), list[bytes]()
    socket.say("last words")
    socket.vanish()

    await asyncio.wait_for(socket.read(keep(messages)), 1)
    await asyncio.wait_for(socket.read(keep(messages)), 1)

    assert messages == [b"last words"]
    assert socket.close_code == 1006
    with pytest.raises(ConnectionError):
        socket.send(b"{}")


async def test_a_peer_that_does_not_read_shows_by_the_second() -> None:
    """Until it reads again."""
    socket = FakeSocket()
    assert socket.stuck_for(float("inf")) == 0.0
    socket.pause_writing()
    assert socket.stuck_for(float("inf")) > 1.0
    socket.resume_writing()
    assert socket.stuck_for(float("inf")) == 0.0


async def test_a_few_pings_a_second_are_answered_and_more_end_the_connection() -> None:
    """A peer that only wants to know whether we are there does not ask all the time."""
    socket = FakeSocket()
    reading = asyncio.create_task(socket.read(lambda _: None))
    await settle()
    for number in range(5):
        socket.arrive(WSMsgType.PING, str(number).encode())
    assert socket.transport.pongs == [b"0", b"1", b"2", b"3", b"4"]
    assert not socket.transport.disconnected

    for _ in range(100):
        socket.arrive(WSMsgType.PING)
    assert await reading is None
    assert len(socket.transport.pongs) == 5
    assert socket.transport.disconnected
    assert "pings" in socket.violation


async def test_who_pings_within_bounds_is_answered_second_after_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, socket = Clock(), FakeSocket()
    monkeypatch.setattr(sockets, "monotonic", clock)
    for _ in range(3):
        for _ in range(5):
            socket.arrive(WSMsgType.PING)
        clock.now += 1.0
    assert (len(socket.transport.pongs), socket.transport.disconnected) == (15, False)

    for seconds in (0.0, 0.5):
        clock.now += seconds
        for _ in range(3):
            socket.arrive(WSMsgType.PING)
    assert (len(socket.transport.pongs), socket.transport.disconnected) == (20, True)


async def test_no_answer_to_a_ping_is_kept_for_a_peer_that_does_not_read() -> None:
    """Only what belongs to the call is worth the memory."""
    socket = FakeSocket()
    socket.transport.underlying_transport.unsent = 1
    socket.arrive(WSMsgType.PING)
    assert socket.transport.pongs == []


async def test_a_guest_that_does_not_read_is_cut_off_at_once() -> None:
    """A call has a watchdog for that, a guest has none."""
    guest, call = FakeSocket(guest=True), FakeSocket(guest=True)
    call.vouch()
    for socket in (guest, call):
        socket.pause_writing()

    assert (guest.transport.disconnected, call.transport.disconnected) == (True, False)
    # What it was still to be sent is not waited for.
    assert not guest.transport.lingers
    assert await guest.read(lambda _: None) is None


@pytest.mark.parametrize(
    ("kind", "payload", "share"),
    [(WSMsgType.TEXT, b"x" * 1024, 32), (WSMsgType.PONG, b"", 512), (WSMsgType.CONTINUATION, b"", 512)],
)
async def test_a_guest_may_send_little(kind: WSMsgType, payload: bytes, share: int) -> None:
    """Bytes and frames before a valid start are bounded; whom somebody vouches for may go on."""
    guest, call = FakeSocket(guest=True), FakeSocket(guest=True)
    call.vouch()
    for socket in (guest, call):
        for _ in range(share):
            socket.arrive(kind, payload, fin=kind is not WSMsgType.CONTINUATION)
        assert not socket.transport.disconnected
        socket.arrive(kind, payload, fin=kind is not WSMsgType.CONTINUATION)

    assert (guest.transport.disconnected, call.transport.disconnected) == (True, False)
    assert guest.violation == "too much before its start"


async def test_what_a_guest_sends_within_its_share_is_read_to_the_last_of_it() -> None:
    socket, messages = FakeSocket(guest=True), list[bytes]()
    reading = asyncio.create_task(socket.read(keep(messages)))
    await settle()
    for _ in range(32):
        socket.arrive(WSMsgType.TEXT, b"x" * 1024)
    assert len(messages) == 32
    reading.cancel()


async def test_many_frames_in_one_piece_are_followed_by_a_rest() -> None:
    """The others have their turn, then this peer is read again; frames that come one by one need no rest."""
    socket = FakeSocket()
    stream = socket.transport.underlying_transport
    for _ in range(200):
        socket.arrive(WSMsgType.PONG)
    assert stream.reading

    for _ in range(64):
        socket.arrive(WSMsgType.PONG, more=True)
    socket.arrive(WSMsgType.PONG)
    assert not stream.reading
    await until(lambda: stream.reading)
    socket.arrive(WSMsgType.PONG)
    assert stream.reading


async def test_a_piece_of_fewer_frames_needs_no_rest_before_and_after_one_that_does() -> None:
    socket = FakeSocket()
    stream = socket.transport.underlying_transport
    for frames, reads in ((63, True), (64, False), (63, True)):
        await until(lambda: stream.reading)
        for _ in range(frames):
            socket.arrive(WSMsgType.PONG, more=True)
        socket.arrive(WSMsgType.PONG)
        assert stream.reading is reads


async def test_a_rest_lasts_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller's voice comes every twenty."""
    socket, rests = FakeSocket(), list[float]()
    with monkeypatch.context() as patched:
        patched.setattr(asyncio.get_running_loop(), "call_later", lambda seconds, _: rests.append(seconds))
        for _ in range(64):
            socket.arrive(WSMsgType.PONG, more=True)
        socket.arrive(WSMsgType.PONG)
    assert [0 < seconds < 0.02 for seconds in rests] == [True]


async def test_a_frame_that_breaks_us_ends_its_connection_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """picows is silent; what is our fault is an error with its stack."""
    socket = FakeSocket()
    monkeypatch.setattr(socket, "_hand_over", lambda message: 1 / 0)
    with capture_events() as events:
        socket.say("{}")

    assert socket.transport.disconnected
    assert [event.exc and event.exc.kind for event in events] == ["ZeroDivisionError"]
