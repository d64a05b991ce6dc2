"""Which tests run which lines: one run of a room's tests under coverage, a context for each test.

Coverage makes Python several times slower: a test of time may fail under it that passes without.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

import coverage
import pytest

Covering = dict[str, dict[str, list[str]]]


class _Contexts:
    def __init__(self, measured: coverage.Coverage) -> None:
        self._measured = measured
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> object:
        self._measured.switch_context(item.nodeid)
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.failed.add(report.nodeid)


def main(package: str, result: str, arguments: list[str]) -> None:
    """Run the tests and write {"lines": {module: {line: [test]}}, "seconds": {test: s}, "failed": [test]}."""
    measured = coverage.Coverage(source=[package], data_file=None, messages=False)
    contexts = _Contexts(measured)
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
    known = {"lines": lines, "seconds": contexts.seconds, "failed": sorted(contexts.failed)}
    Path(result).write_text(json.dumps(known), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
