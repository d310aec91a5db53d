"""The entry point of the web processes: `bookreader.asgi:app`."""

from bookreader import config
from bookreader.app import create_app
from bookreader.cache import Cache, make_redis
from bookreader.release import Release
from bookreader.store import Store, make_engine

settings = config.load_or_exit()
engine = make_engine(settings)  # connects at the first query, not here
redis = make_redis(settings.redis_url)


async def close() -> None:
    await engine.dispose()
    await redis.aclose()


app = Release(
    create_app(settings, Store(engine), Cache(redis), close),
    version=settings.version,
    broken=settings.broken,
)
