"""Is this container fit to serve, and how are the parts that it needs?

Only the database decides: without Redis the API still serves (slower), without Celery it still
takes orders. Both are named in the answer, so that whoever watches can decide otherwise.
"""

import asyncio
from typing import Literal

from pydantic import BaseModel

from bookreader import heartbeat
from bookreader.cache import Cache, CacheDownError
from bookreader.store import Store

CHECK_LIMIT_S = 0.8


class Health(BaseModel):
    status: Literal["healthy", "unhealthy"]
    database: Literal["connected", "disconnected"]
    redis: Literal["connected", "disconnected"]
    celery: str


async def check(store: Store, cache: Cache) -> Health:
    database, (redis, celery) = await asyncio.gather(_database(store), _redis_and_celery(cache))
    return Health(
        status="healthy" if database else "unhealthy",
        database="connected" if database else "disconnected",
        redis="connected" if redis else "disconnected",
        celery=celery,
    )


async def _database(store: Store) -> bool:
    ping = asyncio.create_task(store.ping())
    # Not `asyncio.timeout`: that waits until the cancelled query has cleaned up after itself, and
    # with a database that is gone this may take seconds.
    await asyncio.wait({ping}, timeout=CHECK_LIMIT_S)
    if ping.done():
        return ping.exception() is None
    ping.add_done_callback(lambda task: task.cancelled() or task.exception())
    ping.cancel()
    return False


async def _redis_and_celery(cache: Cache) -> tuple[bool, str]:
    try:
        return True, heartbeat.describe(await cache.read(heartbeat.KEY))
    except CacheDownError:
        return False, "unknown"
