"""In the place of ``rq worker``: the same worker, with logging started first."""

import os

from redis import Redis
from rq import Queue, Worker

from prosaas_logging import bootstrap

bootstrap("billing")

if __name__ == "__main__":
    connection = Redis.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1:6379"))
    Worker([Queue("default", connection=connection)], connection=connection).work(burst=bool(os.environ.get("BURST")))
