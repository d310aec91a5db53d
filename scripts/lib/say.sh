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

# Shows a command's output only when it fails.
quietly() {
  quiet_log=$(mktemp)
  if "$@" >"$quiet_log" 2>&1; then
    rm -f "$quiet_log"
  else
    quiet_code=$?
    tail -n 30 "$quiet_log" >&2
    rm -f "$quiet_log"
    printf 'setup: error: failed (%s): %s\n' "$quiet_code" "$*" >&2
    return "$quiet_code"
  fi
}
