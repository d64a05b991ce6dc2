"""env/example.env knows every setting, explains each, and shows the defaults that the code and the files have."""

import re

import pytest

from bundle_world.checkout import ROOT
from prosaas_core.settings import Settings

EXAMPLE = (ROOT / "env/example.env").read_text()
SHOWN = dict(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=(.*)$", EXAMPLE, re.MULTILINE))
COMPOSE = [*ROOT.glob("docker-compose*.yml"), *ROOT.glob("deploy/overlays/*.yml")]
# Made by `make`, fixed inside the stack, or the machine's own.
NOT_SETTINGS = {
    *("PROSAAS_TAG", "COMPOSE_PROJECT_NAME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    *("OPS_IMAGE", "OPS_LANG", "OPS_USER", "OPS_SOCKET", "OPS_SOCKET_GROUP", "OPS_OPERATOR", "PROSAAS_TYPED"),
}
# Where the pieces find each other, and the simulator in the demo; nobody needs to change them.
INSIDE = {
    *("CALLS_INTERNAL_URL", "DEMO_URL", "TWILIO_BASE_URL", "WHATSAPP_BASE_URL", "SPOOL_DIR", "PORT"),
    *("PRICES_FILE", "OPERATORS_PORT", "DATABASE_ROLES_KEY", "API_URL", "CALLS_URL", "GATEWAY_SITES", "GATEWAY_EMAIL"),
}


def test_every_variable_of_the_compose_files_is_explained() -> None:
    """A setting that nobody can find is no setting."""
    text = "\n".join(path.read_text() for path in COMPOSE)
    interpolated = set(re.findall(r"\$\{([A-Z0-9_]+)", text))
    passed_on = set(re.findall(r"^ +([A-Z][A-Z0-9_]+):$", text, re.MULTILINE))
    assert (interpolated | passed_on) - NOT_SETTINGS - INSIDE - set(SHOWN) == set()


def test_every_setting_of_the_services_is_explained() -> None:
    """A new field of the settings object comes with its line in the example."""
    assert {name.upper() for name in Settings.model_fields if name != "demo"} - INSIDE - set(SHOWN) == set()


@pytest.mark.parametrize(
    "name", sorted(name for name in SHOWN if name.lower() in Settings.model_fields and f"\n# {name}=" in EXAMPLE)
)
def test_shown_default_is_the_codes(name: str) -> None:
    """What is commented out says what happens without it."""
    default = Settings.model_fields[name.lower()].get_default()
    if default in (None, "") or "PydanticUndefined" in repr(default):
        return
    assert SHOWN[name] == str(default)


def test_every_setting_has_its_reason() -> None:
    """A variable stands under a comment, alone or with those the comment is about."""
    blocks = [block.splitlines() for block in EXAMPLE.split("\n\n")]
    bare = [block for block in blocks if any("=" in line for line in block) and not re.match(r"# .*[a-z]{3}", block[0])]
    assert bare == []


def test_defaults_in_the_compose_files_are_the_shown_ones() -> None:
    """`${MAX:-10}` in one file and `# MAX=20` in another would each be believed by somebody."""
    text = "\n".join(path.read_text() for path in COMPOSE)
    differing = {
        name: (default, SHOWN[name])
        for name, default in re.findall(r"\$\{([A-Z0-9_]+):-([^}]*)\}", text)
        if name in SHOWN and "$" not in default and name != "CA_BUNDLE" and default != SHOWN[name]
    }
    assert differing == {}
