"""Settings: what the environment says, what it leaves to us, and errors that a person can act on."""

from pathlib import Path

import pytest

from prosaas_core.settings import SettingsError, load_settings

URL = "postgresql://u:p@postgres/prosaas"


def test_in_the_demo_that_was_asked_for_everything_outward_goes_to_the_simulator() -> None:
    settings = load_settings({"DATABASE_URL": URL, "DEMO": "1", "OPENAI_API_KEY": ""}, required=("OPENAI_API_KEY",))
    assert settings.demo
    assert settings.openai_base_url == "http://simulator:9000/v1"
    assert settings.openai_realtime_url == "ws://simulator:9000/v1/realtime"
    assert settings.twilio_base_url == settings.whatsapp_base_url == "http://simulator:9000"


@pytest.mark.parametrize("asked", ["", "0", "false"])
def test_nothing_but_its_setting_makes_a_demo(asked: str) -> None:
    settings = load_settings({"DATABASE_URL": URL, "DEMO": asked, "OPENAI_API_KEY": ""})
    assert not settings.demo
    assert settings.twilio_base_url == "https://api.twilio.com"
    with pytest.raises(SettingsError, match="OPENAI_API_KEY is missing"):
        load_settings({"DATABASE_URL": URL, "DEMO": asked}, required=("OPENAI_API_KEY",))


REAL = {
    "OPENAI_API_KEY": "sk-1",
    "TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
    "TWILIO_AUTH_TOKEN": "0123456789abcdef" * 2,
    "WHATSAPP_APP_SECRET": "0123456789abcdef" * 2,
    "WHATSAPP_ACCESS_TOKEN": "EAAGm0PX4ZCps",
}


@pytest.mark.parametrize("name", REAL)
def test_the_stand_ins_never_see_a_real_secret(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is a real one beside DEMO=1") as caught:
        load_settings({"DATABASE_URL": URL, "DEMO": "1", name: REAL[name]})
    assert REAL[name] not in str(caught.value)


@pytest.mark.parametrize("name", sorted(REAL.keys() - {"OPENAI_API_KEY"}))
def test_a_missing_key_beside_real_credentials_is_an_error_and_no_demo(name: str) -> None:
    with pytest.raises(SettingsError, match=f"OPENAI_API_KEY is missing beside {name}"):
        load_settings({"DATABASE_URL": URL, "OPENAI_API_KEY": "", name: REAL[name]})


def test_an_unclear_wish_for_the_demo_is_no_wish() -> None:
    with pytest.raises(SettingsError, match="DEMO='maybe' is not usable"):
        load_settings({"DATABASE_URL": URL, "DEMO": "maybe"})


def test_an_address_that_is_set_stays_as_it_is_in_the_demo_too() -> None:
    settings = load_settings({"DATABASE_URL": URL, "DEMO": "1", "TWILIO_BASE_URL": "https://twilio.test/"})
    assert settings.twilio_base_url == "https://twilio.test"


def test_with_a_key_the_real_services_are_asked() -> None:
    settings = load_settings({"DATABASE_URL": URL, "OPENAI_API_KEY": "sk-1"})
    assert not settings.demo
    assert settings.openai_realtime_url == "wss://api.openai.com/v1/realtime"
    assert settings.twilio_base_url == "https://api.twilio.com"


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    settings = load_settings({"DATABASE_URL": URL, "TWILIO_AUTH_TOKEN_FILE": str(tmp_path / "token")})
    assert settings.twilio_auth_token == "from-a-file"


def test_a_secret_file_that_cannot_be_read_is_named() -> None:
    with pytest.raises(SettingsError, match=r"TWILIO_AUTH_TOKEN_FILE='/nowhere' cannot be read .*env/example.env"):
        load_settings({"DATABASE_URL": URL, "TWILIO_AUTH_TOKEN_FILE": "/nowhere"})


def test_the_secret_of_stream_tokens_follows_from_twilios_token_unless_it_is_set() -> None:
    derived = load_settings({"DATABASE_URL": URL, "TWILIO_AUTH_TOKEN": "t"}).call_token_secret
    assert len(derived) == 64
    assert derived != load_settings({"DATABASE_URL": URL, "TWILIO_AUTH_TOKEN": "u"}).call_token_secret
    explicit = {"DATABASE_URL": URL, "TWILIO_AUTH_TOKEN": "t", "CALL_TOKEN_SECRET": "mine"}
    assert load_settings(explicit).call_token_secret == "mine"


def test_every_missing_setting_is_named_at_once_with_where_to_put_it() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({}, required=("DATABASE_URL", "PUBLIC_URL"))
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines] == ["DATABASE_URL", "PUBLIC_URL"]
    assert all("set it in .env" in line for line in lines)


def test_what_is_missing_what_is_unclear_and_what_is_out_of_bounds_are_told_together() -> None:
    """Who mends one at a time starts the service as often as there are mistakes."""
    given = {"DEMO": "maybe", "MAX_CALLS": "0", "TWILIO_AUTH_TOKEN_FILE": "/nowhere", "WHATSAPP_ACCESS_TOKEN": "EAA1"}
    with pytest.raises(SettingsError) as caught:
        load_settings(given)
    lines = str(caught.value).splitlines()
    told = ["DATABASE_URL", "DEMO", "MAX_CALLS", "TWILIO_AUTH_TOKEN_FILE"]
    assert sorted(line.split()[0].partition("=")[0] for line in lines) == told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "seventy"),
        ("PORT", "70000"),
        ("PUBLIC_URL", "example.com"),
        ("PUBLIC_URL", "https://example.com/?a=b"),
        ("OPENAI_REALTIME_URL", "https://api.openai.com"),
        ("MAX_CALLS", "0"),
        ("BUSINESS_WEBHOOK_URL", "htp//business"),
    ],
)
def test_a_value_that_cannot_be_used_is_shown_once_with_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"DATABASE_URL": URL, name: value})
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{name}={value!r} is not usable (")


def test_a_secret_is_neither_in_an_error_nor_in_the_settings_own_text() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"DATABASE_URL": "mysql://u:hunter2@db"})
    assert "hunter2" not in str(caught.value)
    secrets = {"OPENAI_API_KEY": "hunter2", "TWILIO_AUTH_TOKEN": "hunter2", "ADMIN_API_KEY": "hunter2"}
    assert "hunter2" not in repr(load_settings({"DATABASE_URL": "postgres://u:hunter2@db/x", **secrets}))
