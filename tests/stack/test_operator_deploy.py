"""Around a deploy, on the running stack: diff, checklist, log budget."""

import re
from collections.abc import Iterator

import pytest

from stack_world.stack import Stack
from stack_world.terminal import ops


@pytest.fixture
def prod_env(stack: Stack) -> Iterator[str]:
    """The text of env/prod.env, put back after the test."""
    path = stack.checkout.path / "env/prod.env"
    before = path.read_text()
    yield before
    path.write_text(before)


def test_a_stack_as_deployed_differs_in_nothing(stack: Stack) -> None:
    stack.checkout.compose("up", "--detach", "--wait")
    said = stack.checkout.run("make", "diff").out
    assert not re.search(r"^[~+] ", said, re.MULTILINE)
    assert "live calls touched: 0" in said


def test_a_changed_env_file_shows_though_compose_itself_does_not_see_it(stack: Stack, prod_env: str) -> None:
    (stack.checkout.path / "env/prod.env").write_text(prod_env.replace("LOG_JSON=0", "LOG_JSON=1"))
    said = stack.checkout.run("make", "diff").out
    for service in ("prosaas-api", "prosaas-calls", "worker"):
        assert re.search(rf"~ {service} +recreate\n    LOG_JSON: 0 → 1\n", said)


def test_a_changed_secret_is_named_and_not_shown(stack: Stack) -> None:
    path = stack.checkout.path / ".env"
    before = path.read_text()
    path.write_text(re.sub("^ADMIN_API_KEY=.*$", "ADMIN_API_KEY=planted-new-secret", before, flags=re.MULTILINE))
    try:
        said = stack.checkout.run("make", "diff", "BUILD=0").out
    finally:
        path.write_text(before)
    assert re.search(r"~ prosaas-api +recreate\n    secret admin_api_key: changed", said)
    assert "planted-new-secret" not in said


def test_changed_source_and_a_chosen_collector_show_before_the_deploy(stack: Stack) -> None:
    source = stack.checkout.path / "services/prosaas_worker/__init__.py"
    env = stack.checkout.path / ".env"
    texts = source.read_text(), env.read_text()
    source.write_text(texts[0] + "\n# A word more.\n")
    env.write_text(texts[1] + "\nLOG_COLLECTOR=datadog\n")
    try:
        said = stack.checkout.run("make", "diff").out
    finally:
        source.write_text(texts[0])
        env.write_text(texts[1])
    assert re.search(r"~ worker +recreate\n    image prosaas/worker:\S+: \w+ → \w+, built", said)
    assert re.search(r"LOG_JSON: \S+ → 1", said)


def test_the_checklist_holds_with_evidence_for_each_of_its_seven_points(stack: Stack) -> None:
    done = ops(stack, "checklist", "SPEED=8")
    assert (done.code, done.out.count("✅"), done.out.count("❌")) == (0, 7, 0), done.text
    assert "7 of 7 hold" in done.out


def test_the_checklist_fails_while_a_service_is_at_debug(stack: Stack) -> None:
    stack.execute("worker", "logctl", "level", "DEBUG", "--for", "2m")
    try:
        done = ops(stack, "checklist", "SPEED=8")
    finally:
        stack.execute("worker", "logctl", "reset")
    assert done.code == 1
    assert "❌ LOG_LEVEL=INFO is set" in done.out
    assert "worker INFO but DEBUG in force" in done.out


def test_the_log_budget_holds_the_guides_promises(stack: Stack) -> None:
    done = ops(stack, "log-budget", "CALLS=1", "SPEED=8")
    assert done.code == 0, done.text
    assert done.out.count("✅") == 3
    assert re.search(r"lines of one call +[\d,]+ +\d+ +9\d\.\d%", done.out)
    (page,) = (stack.checkout.path / "logs").glob("log-budget-*.html")
    assert "<svg" in page.read_text()
