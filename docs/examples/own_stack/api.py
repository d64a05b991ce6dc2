"""The shop's interface: Flask, with a thread where somebody once was in a hurry."""

import logging
import os
import threading

from flask import Flask, request
from redis import Redis
from rq import Queue

app = Flask(__name__)
log = logging.getLogger("shop.api")
queue = Queue(connection=Redis.from_url(os.environ["REDIS_URL"]))


def remember(order: str) -> None:
    print(f"order {order} remembered")


@app.post("/orders")
def place() -> str:
    order = request.get_json()["order"]
    log.info("order placed: %s", order)
    threading.Thread(target=remember, args=(order,)).start()
    return str(queue.enqueue("jobs.bill", order).id)
