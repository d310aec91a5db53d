"""How the web processes know that a Celery worker is alive: the worker leaves the time in Redis."""

import time

KEY = "bookreader:celery:heartbeat"
STALE_AFTER_S = 30  # the worker writes it every 2 s


def now() -> str:
    return str(int(time.time()))


def describe(value: str | None) -> str:
    """`running`, `stopped` (there was a worker, it went silent) or `unknown` (never seen one)."""
    if value is None:
        return "unknown"
    return "running" if time.time() - int(value) < STALE_AFTER_S else "stopped"
