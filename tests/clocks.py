"""A clock that stands still until a test moves it."""


class Clock:
    """Called, it tells the seconds in `now`."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
