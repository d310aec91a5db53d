# shellcheck shell=sh
# What the contract tests talk to besides the engine: a real sshd with its tools, and a browser.

setup_peers() {
  missing=
  [ -x /usr/sbin/sshd ] || missing="$missing openssh-server"
  command -v ssh-keyscan >/dev/null 2>&1 || missing="$missing openssh-client"
  # Another shell that hosts have.
  command -v busybox >/dev/null 2>&1 || missing="$missing busybox-static"
  command -v ps >/dev/null 2>&1 || missing="$missing procps"
  if [ -n "$missing" ]; then
    # The tests start sshd themselves, on ports of their own; the machine's must not come up by the way.
    keep_services_off
    # shellcheck disable=SC2086
    apt_install $missing
  fi
  if ! command -v chromium >/dev/null 2>&1 && [ -z "${CHROMIUM:-}" ]; then
    case $(os_release ID) in
      # Ubuntu's chromium is a snap, which a container cannot run.
      ubuntu) fail 'Chromium is missing: install one that is no snap and set CHROMIUM to its path' ;;
      *) apt_install chromium ;;
    esac
  fi
}
