"""The document that describes the interface."""

from prosaas_api.app import create_app
from prosaas_core.settings import load_settings


def test_it_is_there_before_anybody_asks_and_made_once_for_all_applications_of_a_process() -> None:
    """It takes long enough to keep a caller waiting, and they have the same routes."""
    first, second = (create_app(load_settings({"DATABASE_URL": f"postgresql://x:y@127.0.0.1:{n}/x"})) for n in (1, 2))
    assert first.openapi() is second.openapi()
    assert "/v1/businesses" in first.openapi()["paths"]
