"""The development stack as `make up-dev` starts it: everything at DEBUG, and a saved file runs within seconds."""

from bundle_world.checkout import Checkout
from stack_world.stack import Stack, eventually

SERVICES = ("prosaas-api", "prosaas-calls", "worker")


def test_saved_change_is_running_and_every_line_is_written(checkout: Checkout) -> None:
    """One start serves the whole story: DEBUG everywhere, then a change in the source reaches the process by itself."""
    checkout.run("make", "up-dev", timeout=280)
    development = Stack(checkout, checkout.setting("COMPOSE_PROJECT_NAME"))
    for service in SERVICES:
        development.wait_for_line(service, "_START", "level=DEBUG" if service != "worker" else "concurrency=")
        assert "LOG_LEVEL=DEBUG" in development.inspect(service)["Config"]["Env"]

    entry = checkout.path / "services/prosaas_api/__main__.py"
    entry.write_text(entry.read_text() + "\n# saved in an editor\n")

    def started_again() -> str | None:
        starts = [line for line in development.lines("prosaas-api") if "[SERVICE_START]" in line]
        return starts[-1] if len(starts) > 1 else None

    eventually(started_again, "a second start of prosaas-api after its source was saved", 30)
