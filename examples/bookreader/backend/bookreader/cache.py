"""Redis as a cache that may be away: every call is bounded, and a failure means "not cached".

A time limit on the socket is not enough: while the container `redis` is gone, its *name* may take
many seconds to fail to resolve. So the whole call gets the limit, and after a failure Redis is left
alone for a moment, so that not every request pays for finding out again.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

CALL_LIMIT_S = 0.4
LEAVE_ALONE_S = 2.0

T = TypeVar("T")
log = logging.getLogger("uvicorn.error")


class CacheDownError(Exception):
    """Redis did not answer in time or not at all."""


def make_redis(url: str) -> Any:
    # The client's own default is several retries with pauses: right for a job, wrong for a cache.
    # But one at once: the connection at hand may be from before a restart of Redis.
    retry = Retry(NoBackoff(), 1)
    return Redis.from_url(
        url, decode_responses=True, socket_connect_timeout=CALL_LIMIT_S, retry=retry
    )


class Cache:
    def __init__(self, redis: Any) -> None:
        self._redis = redis
        self._leave_alone_until = 0.0

    async def get(self, key: str) -> str | None:
        """The cached text, or None when there is none or Redis is away."""
        if self._is_left_alone():
            return None
        try:
            return await self.read(key)
        except CacheDownError:
            return None

    async def set(self, key: str, value: str, ttl_s: int) -> None:
        if self._is_left_alone():
            return
        try:
            await self._bounded(lambda: self._redis.set(key, value, ex=ttl_s))
        except CacheDownError:
            return

    async def read(self, key: str) -> str | None:
        """Always asks Redis, and tells "no such key" (None) from "away" (CacheDownError)."""
        return await self._bounded(lambda: self._redis.get(key))

    def _is_left_alone(self) -> bool:
        return time.monotonic() < self._leave_alone_until

    async def _bounded(self, command: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(CALL_LIMIT_S):
                return await command()
        except (RedisError, OSError, TimeoutError) as error:
            if not self._is_left_alone():
                log.warning("redis is away, going on without it: %r", error)
            self._leave_alone_until = time.monotonic() + LEAVE_ALONE_S
            raise CacheDownError from error
