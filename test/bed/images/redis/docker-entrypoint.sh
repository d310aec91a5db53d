#!/bin/sh
set -e

# `redis:7 --appendonly yes` and `redis:7 /etc/my.conf` mean redis-server.
case ${1:-} in
  -* | *.conf) set -- redis-server "$@" ;;
esac

# The official image is compiled with protected mode off: other containers must reach it without a password.
case "$1 $*" in
  redis-server*protected-mode*) ;;
  redis-server*) set -- "$@" --protected-mode no ;;
esac

if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  find . \! -user redis -exec chown redis '{}' +
  exec setpriv --reuid=redis --regid=redis --init-groups "$@"
fi

exec "$@"
