"""What the caller puts on the line."""

from base64 import b64decode

from simulator.audio import watermark
from simulator.phone.mouth import BadLine, Mouth
from simulator.scenario import Line


def test_a_quiet_mouth_tells_the_call_and_how_far_the_story_is() -> None:
    """Each quiet frame carries the number and the count of turns, spoken or passed."""
    mouth = Mouth(1234)
    mouth.pass_turn()
    found = watermark.find("call", b64decode(mouth.next_payload()))
    assert found == (0, watermark.Mark(1234, 1))


def test_speech_is_frames_until_it_ends() -> None:
    """As many frames as the words last, each 160 bytes."""
    mouth = Mouth(1)
    lasts_ms = mouth.say("שלום")
    frames = 0
    while mouth.speaking:
        assert len(b64decode(mouth.next_payload())) == 160
        frames += 1
    assert frames * 20 == lasts_ms
    assert mouth.turns_spoken == 1


def carry(line: Line, count: int = 2000) -> list[int]:
    bad_line = BadLine(line)
    return [number for tick in range(count) for number, _ in bad_line.carry((tick, "x"))]


def test_a_good_line_carries_every_frame_once() -> None:
    """In order."""
    assert carry(Line()) == list(range(2000))


def test_a_bad_line_is_as_bad_as_asked_and_always_in_the_same_way() -> None:
    """Shares come out about right; the same seed loses the same frames."""
    lost = carry(Line(lost=0.1))
    assert 100 < 2000 - len(lost) < 300
    assert lost == carry(Line(lost=0.1))
    assert lost != carry(Line(lost=0.1, seed=2))
    assert 100 < len(carry(Line(duplicated=0.1))) - 2000 < 300


def test_late_frames_come_together_and_none_is_missing() -> None:
    """A delay shifts frames, it does not reorder them."""
    late = carry(Line(late=0.1))
    assert late == sorted(late)
    assert 1990 <= len(late) <= 2000
