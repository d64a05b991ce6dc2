"""One setting in .env chooses where the lines go; a wrong one is refused before anything starts."""

from pathlib import Path

import pytest

from prosaas_ops.conduct.configuration import collector
from prosaas_ops.conduct.secrets import chosen_stack
from prosaas_ops.conduct.world import World


def world(folder: Path, setting: str, value: str) -> World:
    """A folder whose .env has this one setting."""
    (folder / ".env").write_text(f"{setting}={value}\n")
    return World(folder)


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
@pytest.mark.docker
def test_a_setting_adds_its_file_and_no_other(setting: str, value: str, overlay: str | None, tmp_path: Path) -> None:
    chosen = world(tmp_path, setting, value)
    _base, _production, *others, generations = chosen_stack(chosen, "prod")["COMPOSE_FILE"].split(":")
    assert others == ([overlay] if overlay else [])
    assert generations == ".state/compose.yml"
    assert not any(finding.bad for finding in collector(chosen, "prod"))


@pytest.mark.parametrize(("setting", "value"), [("LOG_DRIVER", "datadog"), ("LOG_COLLECTOR", "awslogs")])
@pytest.mark.docker
def test_a_value_that_is_none_is_refused_with_the_valid_ones(setting: str, value: str, tmp_path: Path) -> None:
    (bad,) = [finding for finding in collector(world(tmp_path, setting, value), "prod") if finding.bad]
    assert f"{setting}={value} is not one of:" in bad.text
    assert bad.read == "docs/collectors.md"
