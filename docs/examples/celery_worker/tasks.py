"""An existing Celery application: two lines, and one that tells Celery to leave logging alone."""

import logging
import os

from celery import Celery, Task

from prosaas_logging import adopt_celery, bootstrap, scope

bootstrap("billing")
adopt_celery()

app = Celery("tasks", broker=os.environ.get("BROKER_URL", "redis://127.0.0.1:6379"))
app.conf.broker_transport_options = {
    "data_folder_in": os.environ.get("BROKER_FOLDER", ""),
    "data_folder_out": os.environ.get("BROKER_FOLDER", ""),
    "control_folder": os.path.join(os.environ.get("BROKER_FOLDER", ""), "control"),
}
log = logging.getLogger("tasks")


@app.task(bind=True)
def bill(self: Task, order: str) -> str:
    """A task that works."""
    with scope(job_id=self.request.id):
        log.debug("adding up %s", order)
        log.info("billed", extra={"order": order})
        print("a print that somebody left behind")
        return order


@app.task(bind=True)
def fail(self: Task, order: str) -> float:
    """A task that does not: Celery logs the stack, and the black box the way there."""
    with scope(job_id=self.request.id):
        log.debug("adding up %s", order)
        return 1 / 0
