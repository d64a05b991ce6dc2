"""Which tests run which lines: one run of a room's tests under coverage, a context for each test.

What a child process runs is not seen: who starts one is noted instead.

Coverage makes Python several times slower: a test of time may fail under it that passes without.
"""

import json
import os
import sys
from collections import defaultdict
from pathlib import Path

import coverage
import pytest

Covering = dict[str, dict[str, list[str]]]
_STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn"}


class _Contexts:
    def __init__(self, measured: coverage.Coverage) -> None:
        self._measured = measured
        self._test = ""
        self.starting: set[str] = set()
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: set[str] = set()

    def heard(self, event: str, _: object) -> None:
        if event in _STARTS:
            self.starting.add(self._test)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> object:
        self._test = item.nodeid
        self._measured.switch_context(item.nodeid)
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.failed.add(report.nodeid)


def main(package: str, result: str, arguments: list[str]) -> None:
    """Run the tests and write which lines each ran, how long each took, which failed and which started a process."""
    measured = coverage.Coverage(source=[package], data_file=None, messages=False)
    contexts = _Contexts(measured)
    sys.addaudithook(contexts.heard)
    measured.start()
    pytest.main(arguments, plugins=[contexts])
    measured.stop()
    data = measured.get_data()
    lines: Covering = {
        str(Path(file).relative_to(Path.cwd())): {
            str(line): sorted(filter(None, tests)) for line, tests in data.contexts_by_lineno(file).items()
        }
        for file in data.measured_files()
    }
    known = {
        "lines": lines,
        "seconds": contexts.seconds,
        "failed": sorted(contexts.failed),
        "starting": sorted(contexts.starting - {""}),
    }
    Path(result).write_text(json.dumps(known), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
    sys.stdout.flush()
    # What a test that was broken off left running is not waited for.
    os._exit(0)
