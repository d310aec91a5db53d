"""Settings, read once from the environment.

Plain dataclass and standard library only: this module is imported by every process, also by the
Gunicorn master, and a configuration error should be the first thing that happens.
"""

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

SECRET_LENGTH = 64
PASSWORD_LENGTH = 32
BREAKS = ("", "health", "errors", "slow", "boot")


class ConfigError(Exception):
    """The environment is not fit to run with; the message is for the person who deploys."""


@dataclass(frozen=True)
class Settings:
    version: str
    host: str
    broken: str
    debug: bool
    cors_origins: list[str]
    allowed_hosts: list[str]
    database_url: str
    db_pool_size: int
    db_max_overflow: int
    redis_url: str


def load(env: Mapping[str, str] = os.environ) -> Settings:
    """All settings, or a ConfigError that lists everything that is wrong at once."""
    problems = _weak_secrets(env)
    broken = env.get("BREAK", "")
    if broken not in BREAKS:
        problems.append(f"BREAK={broken!r} is none of {', '.join(filter(None, BREAKS))}")
    if broken == "boot":
        problems.append("BREAK=boot: this image was built to fail at start")
    if problems:
        raise ConfigError("\n".join(f"  - {problem}" for problem in problems))
    return Settings(
        version=env.get("APP_VERSION", "dev"),
        host=socket.gethostname(),
        broken=broken,
        debug=env.get("DEBUG", "false").lower() == "true",
        cors_origins=_list(env.get("CORS_ORIGINS", "")),
        allowed_hosts=_list(env.get("ALLOWED_HOSTS", "")) or ["localhost"],
        database_url=database_url(env),
        db_pool_size=int(env.get("DB_POOL_SIZE", "5")),
        db_max_overflow=int(env.get("DB_MAX_OVERFLOW", "5")),
        redis_url=redis_url(env),
    )


def load_or_exit() -> Settings:
    """For the entry points: a readable message and exit code 1 instead of a traceback."""
    try:
        return load()
    except ConfigError as error:
        print(f"bookreader can't start, the environment is not right:\n{error}", file=sys.stderr)
        sys.exit(1)


def database_url(env: Mapping[str, str] = os.environ) -> str:
    """Separate from `load`, because a migration needs a database and no secrets of the app."""
    user, name = env.get("DB_USER", "bookreader"), env.get("DB_NAME", "bookreader")
    host, port = env.get("DB_HOST", "db"), env.get("DB_PORT", "5432")
    password = quote(env.get("DB_PASSWORD", ""), safe="")
    return f"postgresql+psycopg://{user}:{password}@{host}:{port}/{name}"


def redis_url(env: Mapping[str, str] = os.environ) -> str:
    host, port = env.get("REDIS_HOST", "redis"), env.get("REDIS_PORT", "6379")
    password = quote(env.get("REDIS_PASSWORD", ""), safe="")
    return f"redis://:{password}@{host}:{port}/0"


def _weak_secrets(env: Mapping[str, str]) -> list[str]:
    lengths = {
        "SECRET_KEY": SECRET_LENGTH,
        "JWT_SECRET_KEY": SECRET_LENGTH,
        "DB_PASSWORD": PASSWORD_LENGTH,
        "REDIS_PASSWORD": PASSWORD_LENGTH,
    }
    problems = []
    for name, length in lengths.items():
        value = env.get(name, "")
        if not value:
            problems.append(f"{name} is not set")
        elif "CHANGE_ME" in value.upper():
            problems.append(f"{name} is still the placeholder of .env.example")
        elif len(value) < length:
            problems.append(f"{name} has {len(value)} characters, it needs at least {length}")
    return problems


def _list(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]
