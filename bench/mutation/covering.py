"""Which tests run which lines: one run of a room's tests under coverage, a context for each test."""

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

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> object:
        self._measured.switch_context(item.nodeid)
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration


def main(package: str, result: str, arguments: list[str]) -> int:
    """Run the tests and write {"lines": {module: {line: [test]}}, "seconds": {test: s}}; pytest's exit code."""
    measured = coverage.Coverage(source=[package], data_file=None, messages=False)
    contexts = _Contexts(measured)
    measured.start()
    ended = pytest.main(arguments, plugins=[contexts])
    measured.stop()
    data = measured.get_data()
    lines: Covering = {
        str(Path(file).relative_to(Path.cwd())): {
            str(line): sorted(filter(None, tests)) for line, tests in data.contexts_by_lineno(file).items()
        }
        for file in data.measured_files()
    }
    Path(result).write_text(json.dumps({"lines": lines, "seconds": contexts.seconds}), encoding="utf-8")
    return int(ended)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
