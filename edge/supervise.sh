#!/bin/sh
# PID 1 of the edge's container: keeps HAProxy running, so that the container never needs a restart. Other programs cache
# its address.
#   a crash -> restarts HAProxy at once, with the color in active.map
#   HUP     -> reloads all files; the new process takes the listening sockets, open connections stay with the old one
#   USR1    -> soft stop: no new connections, open ones finish;  TERM, INT -> stop now
#
#   supervise.sh [configuration directory] [run directory]
set -u

directory=${1:-/etc/sluice}
run=${2:-/run/sluice}
haproxy=${HAPROXY_BIN:-haproxy}
config=$directory/haproxy.cfg
child=
older=
stopping=

say() { echo "edge: $*" >&2; }

start() {
  "$haproxy" -db -f "$config" "$@" &
  child=$!
}

stop() {
  stopping=yes
  for process in $child $older; do kill "-$1" "$process" 2>/dev/null; done
}

reload() {
  if "$haproxy" -q -c -f "$config"; then
    older="$older $child"
    start -x "$run/admin.sock" -sf "$child"
    say "reloaded"
  else
    say "the new configuration is invalid, the old one stays"
  fi
}

trap 'stop USR1' USR1
trap 'stop TERM' TERM INT
trap reload HUP

start
while :; do
  began=$(date +%s)
  watched=$child
  wait "$watched"
  code=$?
  # A signal ends `wait` too, and a reload changes the watched process.
  if [ "$watched" != "$child" ] || kill -0 "$watched" 2>/dev/null; then continue; fi
  if [ -n "$stopping" ]; then
    for process in $older; do wait "$process" 2>/dev/null; done
    exit 0
  fi
  say "HAProxy exited with code $code, starting it again"
  # Do not spin if HAProxy cannot run.
  [ $(($(date +%s) - began)) -ge 1 ] || sleep 0.5
  # shellcheck disable=SC2086 # a list of process ids: processes of earlier reloads must not listen again
  start ${older:+-sf $older}
done
