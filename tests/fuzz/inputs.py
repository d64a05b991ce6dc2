"""Inputs as an attacker makes them: seeds, changed; units repeated up to a frame's length; nesting; plain bytes."""

from hypothesis import strategies as st

from fuzz.running import LONGEST

_UNITS = (
    b"-eyJ",
    b"eyJ.",
    b"Bearer ",
    b"sk-",
    b"+972",
    b"://",
    b"a@",
    b"\\u0000",
    b"\xd7\xa9",
    b"=&",
    b"&#",
    b"'\"",
    b"<a>",
)
_OPEN = (b"[", b'{"a":', b'{"event":"connected","x":[', b'{"type":"x","y":[', b"<Response>")


def inputs(seeds: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Never longer than a frame."""
    unit = st.sampled_from(_UNITS) | st.binary(min_size=1, max_size=6)
    lengths = st.sampled_from((1, 10, 1_000, 10_000, LONGEST))
    repeated = st.builds(lambda one, length: (one * length)[:length], unit, lengths)
    nested = st.builds(
        lambda one, inner, length: (one + inner * length)[:LONGEST], st.sampled_from(_OPEN), unit, lengths
    )
    brackets = st.builds(lambda one, depth: one + b"[" * depth + b"]" * depth + b"]}", st.sampled_from(_OPEN), lengths)
    inside = st.builds(
        lambda seed, at, text: seed[:at] + text + seed[at:], st.sampled_from(seeds), st.integers(0, 80), repeated
    )
    return st.one_of(st.binary(max_size=400), repeated, nested, brackets, inside).map(lambda data: data[:LONGEST])
