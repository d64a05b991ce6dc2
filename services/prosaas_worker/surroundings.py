"""What the worker sees of what surrounds it, for its metrics: the spool, the volumes, the front door's certificate."""

import asyncio
import shutil
import ssl
import time
from pathlib import Path
from urllib.parse import urlsplit

from prosaas_core.settings import Settings
from prosaas_logging.settings import BLACKBOX_DIR
from prosaas_worker import metrics

# A live call's journal is written twice a second while anything happens in it.
_HELD_S = 60.0
_GATEWAY, _TLS_PORT = "gateway", 8443
_PATIENCE_S = 3.0
_LOOK_AGAIN_S = 600.0


class Surroundings:
    """Looked at when somebody asks; at the certificate not as often."""

    def __init__(self, settings: Settings) -> None:
        self._spool = settings.spool_dir
        public = urlsplit(settings.public_url)
        self._host = public.hostname if public.scheme == "https" else None
        self._looked_at = float("-inf")

    async def look(self) -> None:
        """Bring the gauges to what is so now."""
        metrics.SPOOL.set(await asyncio.to_thread(waiting, self._spool))
        for volume, path in (("spool", self._spool), ("blackbox", Path(BLACKBOX_DIR))):
            if path.is_dir():
                disk = await asyncio.to_thread(shutil.disk_usage, path)
                metrics.FREE.labels(volume).set(disk.free / disk.total if disk.total else 1)
        if self._host and time.monotonic() - self._looked_at > _LOOK_AGAIN_S:
            self._looked_at = time.monotonic()
            left = await certificate_left(self._host, _GATEWAY, _TLS_PORT)
            if left is not None:
                metrics.CERTIFICATE.labels(self._host).set(left)


def waiting(spool: Path) -> int:
    """How many calls in the spool are nobody's: to be stored, or set aside because they cannot be."""
    count = 0
    for path in spool.glob("*.*"):
        try:
            count += path.suffix != ".journal" or time.time() - path.stat().st_mtime > _HELD_S
        except FileNotFoundError:
            continue
    return count


async def certificate_left(host: str, address: str, port: int, context: ssl.SSLContext | None = None) -> float | None:
    """Seconds until the certificate shown for *host* ends; 0 for one that is no good, None where nobody answers."""
    trusting = context or ssl.create_default_context()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            _, writer = await asyncio.open_connection(address, port, ssl=trusting, server_hostname=host)
    except ssl.SSLCertVerificationError:
        return 0.0
    except (OSError, TimeoutError):
        return None
    shown = writer.get_extra_info("ssl_object").getpeercert()
    writer.close()
    return max(0.0, ssl.cert_time_to_seconds(shown["notAfter"]) - time.time())
