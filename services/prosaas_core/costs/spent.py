"""What was used and what it cost, in the form in which Prometheus collects it."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter

from prosaas_core.facts.prices import Charge


class Spent:
    """Counters of tokens and cost in a service's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._tokens = Counter(
            "prosaas_tokens",
            "Tokens used, by model and direction; the cached ones are a part of those in",
            ["model", "direction"],
            registry=registry,
        )
        self._cost = Counter(
            "prosaas_cost",
            "What was spent, by what for, in its currency",
            ["kind", "name", "currency"],
            registry=registry,
        )

    def count(self, charges: Iterable[Charge]) -> None:
        """Add charges; what has no price adds tokens alone."""
        for charge in charges:
            usage = charge.usage
            tokens = {"in": usage.tokens_in, "cached": usage.tokens_cached, "out": usage.tokens_out}
            for direction, count in tokens.items():
                if count:
                    self._tokens.labels(charge.name, direction).inc(count)
            if charge.cost:
                self._cost.labels(charge.kind, charge.name, charge.currency).inc(charge.cost)
