"""All of the logging core's measurements against its goals, printed as the table that RESULTS.md shows."""

import json
import subprocess
import sys
from collections.abc import Iterator

from bench.logging import lines, memory, stall
from bench.machine import machine

SMALL = "ours, 128 KiB buffer"


def verdict(value: float, goal: float, *, at_least: bool = False) -> str:
    """Whether a goal is reached."""
    return "yes" if (value >= goal if at_least else value <= goal) else "**no**"


def calls_that_write_nothing() -> Iterator[str]:
    """The guard, a disabled call, a recorded one."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.logging.calls"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True
    )
    answer = json.loads(done.stderr)
    yield "| a call that writes nothing | ratio | goal | reached |"
    yield "|---|---:|---:|---|"
    for name, what, goal in (
        ("recorded", "`debug` kept in the ring ÷ structlog's disabled bound `debug`, 4 fields", 1.75),
        ("event recorded", "an event kept in the ring ÷ the same, 4 fields", 1.75),
        ("event recorded, 2 fields", "an event kept in the ring ÷ the same, 2 fields", 1.75),
        ("disabled", "disabled `debug` ÷ structlog's", 1.5),
        ("event disabled", "disabled event ÷ structlog's", 1.5),
        ("guard", "`if log.tracing` ÷ a local `if flag`", 3.0),
    ):
        yield f"| {what} | {answer[name]:.2f} | ≤ {goal} | {verdict(answer[name], goal)} |"
    yield ""
    yield "Nanoseconds: " + ", ".join(f"{name} {value:.0f}" for name, value in answer["ns"].items()) + "."


def written_lines() -> Iterator[str]:
    """A line of JSON until it is in the pipe."""
    results = lines.measure()
    yield "| a written line | fastest round, µs | ÷ raw | ÷ ours | median, µs | ÷ raw | CPU, µs |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    mine, limit = results["ours"], results["raw orjson + os.write"]
    for name, result in results.items():
        best = result["fastest"]
        yield (
            f"| {name} | {best:.1f} | {best / limit['fastest']:.2f} | {best / mine['fastest']:.2f} "
            f"| {result['wall']:.1f} | {result['ratio']:.2f} | {result['cpu']:.1f} |"
        )
    raw = mine["fastest"] / limit["fastest"]
    structlog = results["structlog, bytes + orjson"]["fastest"] / mine["fastest"]
    redacting = results["structlog, redacting"]["fastest"] / mine["fastest"]
    pjl = results["python-json-logger"]["fastest"] / mine["fastest"]
    yield ""
    yield "| goal for a written line, fastest rounds | measured | reached |"
    yield "|---|---:|---|"
    yield f"| at most 3 × raw | {raw:.2f} | {verdict(raw, 3)} |"
    yield f"| at least 1.5 × faster than structlog | {structlog:.2f} | {verdict(structlog, 1.5, at_least=True)} |"
    yield f"| the same against structlog that redacts | {redacting:.2f} | {verdict(redacting, 1.5, at_least=True)} |"
    yield f"| at least 5 × faster than python-json-logger | {pjl:.2f} | {verdict(pjl, 5, at_least=True)} |"


def a_stalled_reader() -> Iterator[str]:
    """Nobody reads for three seconds; nobody ever reads."""
    yield "| reader stalled 3 s, 5 lines a tick | p99 ms late | max ms | lines | written | warnings | reported lost |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    cases: list[tuple[str, str, dict[str, str]]] = [(name, name, {}) for name in stall.CONTENDERS]
    cases.append((SMALL, "ours", {"LOG_BUFFER": "131072"}))
    results = {}
    for title, name, environ in cases:
        result = results[title] = stall.stalled(name, **environ)
        yield (
            f"| {title} | {result['p99']:.1f} | {result['max']:.1f} | {result['lines']} | {result['written']} "
            f"| {result['warnings']} of {result['lines'] // 5} | {result['reported']} |"
        )
    small = results[SMALL]
    warnings = small["lines"] // 5
    late = results["ours"]["p99"]
    accounted = small["written"] + small["reported"] == small["lines"]
    yield ""
    yield "| goal with a stalled reader | measured | reached |"
    yield "|---|---:|---|"
    yield f"| tick p99 ≤ 5 ms | {late:.1f} | {verdict(late, 5)} |"
    yield f"| no warning lost | {small['warnings']} of {warnings} | {verdict(warnings - small['warnings'], 0)} |"
    yield f"| every loss accounted for | {small['written']} + {small['reported']} | {verdict(not accounted, 0)} |"
    ends = {name: stall.seconds_to_end(name) for name in stall.CONTENDERS}
    yield f"| SIGTERM, nobody ever reads: ended within 2 s | {stall.shown(ends['ours'])} | {verdict(ends['ours'], 2)} |"
    yield ""
    yield "SIGTERM to the end: " + ", ".join(f"{name} {stall.shown(value)}" for name, value in ends.items()) + "."


def memory_of_rings() -> Iterator[str]:
    """What a hundred full rings hold."""
    answer = memory.measure()
    yield "| flight recorders of 100 calls × 500 records | measured | goal | reached |"
    yield "|---|---:|---:|---|"
    yield f"| bytes a record of 5 fields | {answer['record']:.0f} | ≤ 450 | {verdict(answer['record'], 450)} |"
    yield f"| MiB altogether | {answer['total']:.1f} | ≤ 25 | {verdict(answer['total'], 25)} |"


def main() -> None:
    """One run of everything."""
    print(f"Machine: {machine()}.")
    for part in (calls_that_write_nothing, written_lines, a_stalled_reader, memory_of_rings):
        print()
        for row in part():
            print(row, flush=True)


if __name__ == "__main__":
    main()
