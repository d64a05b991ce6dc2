"""What the worker does."""

import logging

log = logging.getLogger("shop.jobs")


def bill(order: str) -> str:
    log.info("billing %s", order)
    if order == "bad":
        raise ValueError("no price for this order")
    print(f"billed {order}")
    return order
