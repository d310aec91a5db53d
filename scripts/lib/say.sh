# shellcheck shell=sh
# Output and privileges for the setup scripts.

say() { printf 'setup: %s\n' "$*"; }

fail() {
  printf 'setup: error: %s\n' "$*" >&2
  exit 1
}

# Runs a command as root: directly, or by sudo. `why` is shown when neither is possible.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo "$@"
  else
    fail "needs root (or sudo) to run: $*"
  fi
}

# Says every 5 seconds what is waited for, until still_waiting_for_nothing. Of sleep nobody's output hangs on.
still_waiting_for() {
  (
    waited=0
    # Ctrl-C does not reach what runs in the background: it ends with the script.
    while sleep 5 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
      waited=$((waited + 5))
      say "… waiting for $* (${waited} s)"
    done
  ) &
  ticker=$!
}

still_waiting_for_nothing() {
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
}

# Shows a command's output only when it fails. Meanwhile it is named every 5 seconds.
quietly() {
  quiet_log=$(mktemp)
  still_waiting_for "$*"
  if "$@" >"$quiet_log" 2>&1; then
    still_waiting_for_nothing
    rm -f "$quiet_log"
  else
    quiet_code=$?
    still_waiting_for_nothing
    tail -n 30 "$quiet_log" >&2
    rm -f "$quiet_log"
    printf 'setup: error: failed (%s): %s\n' "$quiet_code" "$*" >&2
    return "$quiet_code"
  fi
}
