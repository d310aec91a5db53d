"""Background work: `celery -A bookreader.worker worker` and `celery -A bookreader.worker beat`.

The signals below leave signs of life: files for the containers' health checks (asking a worker by
`celery inspect ping` costs a second of CPU each time), and a time in Redis for /api/health.
"""

import os
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from celery import Celery, signals
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from sqlalchemy import Engine, NullPool, create_engine, func, insert, update

from bookreader import config, heartbeat
from bookreader.models import Summary

WORKER_ALIVE = Path("/tmp/worker-alive")
BEAT_ALIVE = Path("/tmp/beat-alive")
TICKS_KEY = "bookreader:beat:ticks"

app = Celery("bookreader", broker=config.redis_url())
app.conf.update(
    task_ignore_result=True,
    # A worker that stops has at most the tasks it works on; the others stay for its successor.
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    beat_schedule_filename="/tmp/celerybeat-schedule",
    beat_schedule={
        # Not carried out any more when it waited for longer than it is worth.
        "tick": {"task": "bookreader.tick", "schedule": 5.0, "options": {"expires": 5.0}},
    },
)


@app.task(name="bookreader.summarize")
def summarize(book_id: int, seconds: float) -> None:
    """A row at the begin, completed at the end: a task that was killed in between stays visible."""
    version = os.environ.get("APP_VERSION", "dev")
    with engine().begin() as connection:
        started = insert(Summary).values(book_id=book_id, version=version)
        summary_id = connection.scalar(started.returning(Summary.id))
    time.sleep(seconds)
    with engine().begin() as connection:
        finished = update(Summary).where(Summary.id == summary_id)
        connection.execute(finished.values(finished_at=func.now()))


@app.task(name="bookreader.tick")
def tick() -> None:
    """Counts what beat sends: twice as fast means two beats, and standing still means none."""
    redis().incr(TICKS_KEY)


@cache
def engine() -> Engine:
    # Made at the first task, which is after the fork; holds no connection between tasks.
    return create_engine(config.database_url(), poolclass=NullPool)


@cache
def redis() -> Redis:
    # One short try: this is called in the worker's main loop, which has better things to do.
    retry = Retry(NoBackoff(), 0)
    url = config.redis_url()
    return Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=retry)


@signals.worker_init.connect
@signals.beat_init.connect
def refuse_a_bad_environment(**_: Any) -> None:
    config.load_or_exit()


@signals.heartbeat_sent.connect
def show_worker_alive(**_: Any) -> None:
    """Every 2 s from the worker's main process, so also while all its children are busy."""
    WORKER_ALIVE.touch()
    with suppress(RedisError):  # Celery itself tells when its broker is away
        redis().set(heartbeat.KEY, heartbeat.now())


@signals.beat_init.connect
def watch_beat(**_: Any) -> None:
    # Only in beat: the web processes publish tasks, too.
    signals.after_task_publish.connect(show_beat_alive)


def show_beat_alive(**_: Any) -> None:
    BEAT_ALIVE.touch()
