"""The calls service as a process: its parts put together, its signals, its end."""

import asyncio
import gc
import signal
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_calls.call.services import Services
from prosaas_calls.desk import Desk
from prosaas_calls.limits import Limits
from prosaas_calls.memory import memory
from prosaas_calls.metrics import CallMetrics
from prosaas_calls.model.realtime import RealtimeConnection
from prosaas_calls.model.spare import Spare
from prosaas_calls.pages import Pages
from prosaas_calls.server import CallServer
from prosaas_calls.store import Store
from prosaas_calls.tools import declarations
from prosaas_core.costs.charges import prices_of
from prosaas_core.database import DatabaseUnavailable, make_engine
from prosaas_core.kept.boxes import keeping
from prosaas_core.kept.journal import Journals
from prosaas_core.kept.recovery import EVERY_S, recover
from prosaas_core.outward.twilio_calls import TwilioCalls
from prosaas_core.settings import Settings
from prosaas_core.switch_follower import following
from prosaas_logging import LogSettings, get_logger
from prosaas_logging.catalogue import SERVICE_START, SERVICE_STOP
from prosaas_logging.levels import level_name

log = get_logger(__name__)

DEFAULT_PORT = 5050


async def serve(settings: Settings, log_settings: LogSettings) -> None:
    """Answer calls until SIGTERM or SIGINT, then drain; a second signal makes the drain short."""
    stop: asyncio.Queue[signal.Signals] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.put_nowait, number)
    limits = Limits.from_settings(settings)
    engine = make_engine(settings)
    twilio = TwilioCalls(settings)
    metrics = CallMetrics()
    connect = partial(
        RealtimeConnection.open,
        realtime_url(settings),
        settings.openai_api_key,
        timeout_s=limits.model_connect,
        ping_s=limits.model_ping,
    )
    spare = Spare(connect)
    prices = prices_of(settings, settings.openai_realtime_model, settings.openai_transcription_model)
    store = Store(
        engine,
        timeout=limits.database,
        record_timeout=limits.record,
        day_limit=settings.max_cost_per_day,
        currency=prices.currency,
    )
    journals = Journals(settings.spool_dir, partial(_about, log_settings.version))
    desk = Desk(Services(settings, limits, store, twilio, metrics, spare.take, journals, prices))
    pages = Pages(desk, metrics)
    server = CallServer(desk, pages, limits)
    host = "0.0.0.0"
    try:
        # Now, rather than while the first caller waits.
        declarations()
        await store.warm_up()
        async with (
            following(log_settings.service, settings.database_url),
            keeping(log_settings.service, engine, settings.keep_blackbox_days),
            pages.listening(host, settings.operators_port) as operators_port,
            server.listening(host, settings.port or DEFAULT_PORT) as port,
        ):
            log.event(
                SERVICE_START,
                service=log_settings.service,
                version=log_settings.version,
                level=level_name(log_settings.level),
                listen=f"{host}:{port}, operators {host}:{operators_port}",
            )
            # What start-up made stays for good; collections need not look at it while frames wait.
            gc.freeze()
            sparing = asyncio.create_task(spare.run())
            recovering = asyncio.create_task(keep_recovering(engine, settings, metrics))
            reason = await stop.get()
            sparing.cancel()
            await _drain(desk, stop)
            recovering.cancel()
    finally:
        await asyncio.to_thread(journals.close, limits.spool)
        await twilio.close()
        await engine.dispose()
    log.event(SERVICE_STOP, reason=reason.name)


def realtime_url(settings: Settings) -> str:
    """Where the model listens; the query names it."""
    url, query = settings.openai_realtime_url, urlencode({"model": settings.openai_realtime_model})
    return f"{url}{'&' if '?' in url else '?'}{query}"


def _about(version: str) -> dict[str, Any]:
    """What every journal says of this process, for who finds it without one."""
    return {"version": version, "memory": memory()}


async def keep_recovering(engine: AsyncEngine, settings: Settings, metrics: CallMetrics) -> None:
    """Look now and then for calls whose process died, this one's predecessor perhaps."""
    while True:
        try:
            with suppress(DatabaseUnavailable):
                await recover(engine, settings.spool_dir, metrics.crashed, day_limit=settings.max_cost_per_day)
        except Exception:
            log.exception("calls that nobody stored could not be looked for")
        await asyncio.sleep(EVERY_S)


async def _drain(desk: Desk, stop: asyncio.Queue[signal.Signals]) -> None:
    draining = asyncio.create_task(desk.drain())
    again = asyncio.create_task(stop.get())
    await asyncio.wait({draining, again}, return_when=asyncio.FIRST_COMPLETED)
    if not draining.done():
        desk.hurry()
    again.cancel()
    await draining
