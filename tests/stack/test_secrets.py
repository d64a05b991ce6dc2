"""Rotating a secret on the running stack: the new value is in force, the old one is not, and nothing else is lost."""

import urllib.error
import urllib.request

from stack_world.stack import Stack


def status(stack: Stack, key: str) -> int:
    url = f"http://{stack.door}/v1/businesses"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})) as answer:
            code: int = answer.status
            return code
    except urllib.error.HTTPError as error:
        return error.code


def test_new_key_works_and_the_old_one_does_not(stack: Stack) -> None:
    """The key that leaked is worthless a few seconds later."""
    old = stack.checkout.setting("ADMIN_API_KEY")
    assert status(stack, old) == 200
    stack.checkout.run("make", "rotate-secret", "NAME=ADMIN_API_KEY")
    new = stack.checkout.setting("ADMIN_API_KEY")
    assert (status(stack, old), status(stack, new)) == (401, 200)


def test_database_password_changes_on_both_sides(stack: Stack) -> None:
    """The server takes the new password and the services use it: a call is saved."""
    old = stack.checkout.setting("POSTGRES_PASSWORD")
    done = stack.checkout.run("make", "rotate-secret", "NAME=POSTGRES_PASSWORD")
    new = stack.checkout.setting("POSTGRES_PASSWORD")
    assert new != old
    assert new not in done.text
    result = stack.call()
    assert result["ok"], result
    stack.wait_for_line("worker", result["call_sid"], "JOB_DONE")


def test_unknown_name_and_missing_value_change_nothing(stack: Stack) -> None:
    """Exit 2 with the names for what is no secret; a provider's key is never made up."""
    before = stack.checkout.env.read_text()
    unknown = stack.checkout.run("scripts/run", "rotate-secret", "NAME=PUBLIC_URL", check=False)
    assert unknown.code == 2
    assert "ADMIN_API_KEY" in unknown.err
    missing = stack.checkout.run("scripts/run", "rotate-secret", "NAME=OPENAI_API_KEY", check=False)
    assert missing.code == 1
    assert "no usable value" in missing.err
    assert stack.checkout.env.read_text() == before
