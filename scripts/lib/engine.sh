# shellcheck shell=sh
# A Docker engine with buildx and compose, and the SSH client that talks to its hosts.

engine_log=/var/log/sluice-dockerd.log

engine_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
plugins_answer() { docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1; }

setup_engine() {
  if ! command -v ssh-keygen >/dev/null 2>&1; then
    require_apt ssh-keygen
    apt_install openssh-client
  fi
  if ! engine_answers || ! plugins_answer; then
    explain_denied_socket
    if ! command -v dockerd >/dev/null 2>&1 || ! plugins_answer; then install_engine; fi
    engine_answers || start_engine
  fi
  say "engine $(docker version --format '{{.Server.Version}}')," \
    "compose $(docker compose version --short)," \
    "buildx $(docker buildx version | cut -d' ' -f2)"
}

# An engine that runs but may not be used by this user needs a person, not an installation.
explain_denied_socket() {
  case $(docker version 2>&1 || true) in
    *'permission denied'*)
      fail "the Docker engine runs, but $(id -un) may not use it: sudo usermod -aG docker $(id -un), then log in again"
      ;;
  esac
}

install_engine() {
  require_apt 'a Docker engine with buildx and compose'
  case $(os_release ID)-$(os_release VERSION_CODENAME) in
    debian-bookworm | debian-bullseye)
      apt_add_trixie
      apt_install docker.io/trixie docker-cli/trixie docker-buildx/trixie docker-compose/trixie iptables
      ;;
    ubuntu-*) apt_install docker.io docker-buildx docker-compose-v2 iptables ;;
    *) apt_install docker.io docker-cli docker-buildx docker-compose iptables ;;
  esac
  # The containerd image store lets plain `docker buildx build` export caches to a registry.
  if [ ! -e /etc/docker/daemon.json ]; then
    say 'writing /etc/docker/daemon.json (containerd image store, registry on 127.0.0.1:5000)'
    as_root mkdir -p /etc/docker
    printf '{"features":{"containerd-snapshotter":true},"insecure-registries":["127.0.0.1:5000"]}\n' |
      as_root tee /etc/docker/daemon.json >/dev/null
    # The package may have started the engine already, without this file.
    if [ -d /run/systemd/system ]; then as_root systemctl restart docker; fi
  fi
}

start_engine() {
  if [ -d /run/systemd/system ]; then
    say 'starting docker.service'
    as_root systemctl start docker
  else
    remove_stale_pid /var/run/docker.pid dockerd
    remove_stale_pid /var/run/docker/containerd/containerd.pid containerd
    say "starting dockerd (log: $engine_log)"
    # Its containers inherit the limit: load tests hold thousands of sockets. Not every machine may raise it.
    # shellcheck disable=SC2016
    as_root setsid sh -c '
      (ulimit -n 65536) 2>/dev/null && ulimit -n 65536
      nohup dockerd >"$1" 2>&1 </dev/null &' sh "$engine_log"
  fi
  waited=0
  until engine_answers; do
    waited=$((waited + 1))
    if [ "$waited" -gt 120 ]; then
      explain_denied_socket
      as_root tail -n 20 "$engine_log" >&2 || true
      fail "dockerd does not answer after 60 s; see $engine_log"
    fi
    [ $((waited % 10)) -ne 0 ] || say "… waiting for dockerd to answer ($((waited / 2)) s; log: $engine_log)"
    sleep 0.5
  done
}

# After a machine's restart the pid file names a process that is gone, or another program.
remove_stale_pid() {
  [ -e "$1" ] || return 0
  pid=$(cat "$1" 2>/dev/null || true)
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null || true)" != "$2" ]; then
    say "removing the stale $1"
    as_root rm -f "$1"
  fi
}
