"""One setting in .env chooses where the lines go; a wrong one is refused before anything starts."""

from pathlib import Path

import pytest

from bundle_world.checkout import make_checkout

CHECK = '. scripts/lib.sh; ROOT=$PWD; . scripts/checks.sh; problems=0; check_collector; exit "$problems"'


@pytest.mark.parametrize(
    ("setting", "value", "overlay"),
    [
        ("LOG_DRIVER", "awslogs", "deploy/collectors/awslogs.yml"),
        ("LOG_DRIVER", "fluentd", "deploy/collectors/fluentd.yml"),
        ("LOG_DRIVER", "syslog", "deploy/collectors/syslog.yml"),
        ("LOG_COLLECTOR", "datadog", "deploy/collectors/datadog.yml"),
        ("LOG_DRIVER", "local", None),
        ("LOG_COLLECTOR", "none", None),
    ],
)
def test_a_setting_adds_its_file_and_no_other(setting: str, value: str, overlay: str | None, tmp_path: Path) -> None:
    clone = make_checkout(tmp_path)
    clone.run("scripts/env-file.sh")
    clone.configure(**{setting: value})
    clone.run("scripts/env-file.sh", "prod")
    files = clone.setting("COMPOSE_FILE").split(":")
    assert files[2:] == ([overlay] if overlay else [])
    clone.run("sh", "-euc", CHECK)


@pytest.mark.parametrize(("setting", "value"), [("LOG_DRIVER", "datadog"), ("LOG_COLLECTOR", "awslogs")])
def test_a_value_that_is_none_is_refused_with_the_valid_ones(setting: str, value: str, tmp_path: Path) -> None:
    clone = make_checkout(tmp_path)
    clone.run("scripts/env-file.sh")
    clone.configure(**{setting: value})
    done = clone.run("sh", "-euc", CHECK, check=False)
    assert done.code == 1
    assert f"{setting}={value} is not one of:" in done.out
    assert "docs/collectors.md" in done.out
