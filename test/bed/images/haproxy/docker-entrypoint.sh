#!/bin/sh
set -e

if [ "${1#-}" != "$1" ]; then set -- haproxy "$@"; fi

# Master-worker in the foreground, as the official image does, so that SIGUSR2 reloads.
if [ "$1" = haproxy ]; then
  shift
  set -- haproxy -W -db "$@"
fi

exec "$@"
